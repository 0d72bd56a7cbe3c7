# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Figures show what their tables say."""

import inspect
import itertools
import re

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from jaxperf import rules
from jaxperf.report import curves as curves_lib
from jaxperf.report import figures as figures_lib
from jaxperf.report import style

INF, NAN = np.inf, np.nan
NAMES = ['alpha', 'beta', 'gamma']
WORKLOADS = ['wmt', 'ogbg']


def times():
  return pd.DataFrame(
    [[10.0, INF], [20.0, 80.0], [40.0, NAN]], index=NAMES, columns=WORKLOADS
  )


def texts(ax):
  return [text.get_text() for text in ax.texts]


def profile():
  return pd.DataFrame(
    [[0.5, 0.5, 0.5], [0.5, 1.0, 1.0], [0.0, 0.0, 0.5]],
    index=NAMES,
    columns=[1.0, 2.0, 4.0],
  )


def curves():
  return pd.DataFrame(
    {
      'run': [0, 0, 1, 1],
      'submission': ['alpha', 'alpha', 'gamma', 'gamma'],
      'step': [1.0, 100.0, 1.0, 200.0],
      'submission_s': [5.0, 50.0, 5.0, 90.0],
      'validation/bleu': [0.1, 31.0, 0.1, 25.0],
    }
  )


def trials():
  return pd.DataFrame(
    {
      'submission': ['alpha', 'alpha', 'beta'],
      'workload': 'wmt',
      'time': [10.0, INF, 30.0],
    }
  )


def figures():
  goal = rules.load('v0.5').workloads['wmt']
  scores = pd.Series([0.9, 0.5, 0.0], index=NAMES)
  intervals = pd.DataFrame(
    [[0.8, 0.95, 1, 1], [0.4, 0.6, 2, 2], [0.0, 0.1, 3, 3]],
    index=NAMES,
    columns=['low', 'high', 'rank_low', 'rank_high'],
  )
  means = pd.DataFrame(
    {'mean': [2.0, 1.0, NAN], 'workloads': [2, 2, 0]}, index=NAMES
  )
  points = pd.Series([1e-4, 1e-3, 1e-2], name='learning_rate')
  return {
    'performance_profile': figures_lib.performance_profile(profile()),
    'time_heatmap': figures_lib.time_heatmap(times(), 'seconds'),
    'budget_use': figures_lib.budget_use(times() / 100),
    'score_intervals': figures_lib.score_intervals(scores, intervals),
    'speedup_bars': figures_lib.speedup_bars(means, 'beta'),
    'training_curves': curves_lib.training_curves(
      curves(), goal, 'steps', NAMES
    ),
    'scalar': curves_lib.scalar(scalars(), 'grad_norm', 'wmt', NAMES),
    'hyperparameter_scatter': curves_lib.hyperparameter_scatter(
      points, trials(), 'steps', NAMES
    ),
  }


def scalars():
  """One that grows and one that is not a number from some step on."""
  rows = [
    (run, name, step, NAN if step > 5 and run else float(step))
    for run, name in enumerate(NAMES[:2])
    for step in range(10)
  ]
  return pd.DataFrame(rows, columns=['run', 'submission', 'step', 'value'])


def test_every_figure_is_in_the_list_above():
  public = [
    name
    for module in (figures_lib, curves_lib)
    for name, value in vars(module).items()
    if inspect.isfunction(value) and not name.startswith('_')
  ]
  assert sorted(public) == sorted(figures())


@pytest.mark.parametrize('suffix', ['svg', 'png'])
def test_every_figure_can_be_saved(tmp_path, suffix):
  for name, ax in figures().items():
    path = tmp_path / f'{name}.{suffix}'
    style.save(ax, path)
    start = path.read_bytes()[:80]
    assert b'<?xml' in start if suffix == 'svg' else b'PNG' in start


def test_a_profile_steps_where_the_table_does():
  ax = figures_lib.performance_profile(profile())
  for line, (_, rho) in zip(ax.lines, profile().iterrows()):
    np.testing.assert_allclose(line.get_ydata(), 100 * rho)
    assert line.get_drawstyle() == 'steps-post'
  assert sorted(texts(ax)) == NAMES


def test_a_heatmap_writes_times_failures_and_gaps():
  ax = figures_lib.time_heatmap(times(), 'seconds')
  assert texts(ax) == ['10.0', '20.0', '40.0', 'no', '80.0', '–']
  bold = [t.get_text() for t in ax.texts if t.get_fontweight() == 'bold']
  assert bold == ['10.0', '80.0']


def test_curves_name_the_target_and_each_submission_that_ran():
  goal = rules.load('v0.5').workloads['wmt']
  ax = curves_lib.training_curves(curves(), goal, 'seconds', NAMES)
  assert texts(ax) == ['target: above 30.85', 'gamma', 'alpha']
  low, high = ax.get_ylim()
  assert low < 30.8491 < high


def test_values_over_decades_have_a_logarithmic_axis_with_names_in_it():
  goal = rules.load('mini').workloads['mini_language']
  rows = curves().drop(columns='validation/bleu')
  rows['validation/ppl'] = [4000.0, 80.0, 4000.0, 70.0]
  ax = curves_lib.training_curves(rows, goal, 'steps', NAMES)
  low, high = ax.get_ylim()
  assert ax.get_yscale() == 'log'
  assert 0 < low < 70 < 4000 < high
  *_, lower, upper = [text.xyann[1] for text in ax.texts]
  assert low < lower < upper < high
  assert upper / lower < 3  # Apart as they are seen: some text lines.


def test_a_submission_keeps_its_colour_when_others_are_missing():
  goal = rules.load('v0.5').workloads['wmt']
  ax = curves_lib.training_curves(curves(), goal, 'seconds', NAMES)
  colours = {text.get_text(): text.get_color() for text in ax.texts[1:]}
  assert colours == {'alpha': style.COLOURS[0], 'gamma': style.COLOURS[2]}


def test_unreached_targets_are_hollow():
  ax = figures_lib.budget_use(times() / 100)
  hollow = [line for line in ax.lines if line.get_markerfacecolor() == 'none']
  assert sum(len(line.get_xdata()) for line in hollow) == 1


def test_a_speed_up_bar_starts_at_one():
  means = pd.DataFrame(
    {'mean': [2.0, 0.5], 'workloads': [1, 3]}, index=NAMES[:2]
  )
  ax = figures_lib.speedup_bars(means, 'beta')
  ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
  assert ends == [(1, 2), (1, 0.5)]
  assert texts(ax) == ['2.00x on 1 workload', '0.50x on 3 workloads']


def test_figures_draw_into_given_axes():
  figure = style.Figure()
  ax = figure.subplots()
  assert figures_lib.performance_profile(profile(), ax) is ax


def test_labels_never_overlap():
  same = pd.DataFrame(
    np.full((10, 2), 0.5), index=list('abcdefghij'), columns=[1.0, 4.0]
  )
  ax = figures_lib.performance_profile(same)
  places = sorted(text.xyann[1] for text in ax.texts)
  gaps = np.diff(places)
  assert gaps.min() > 0.9 * gaps.max()
  bottom, top = ax.get_ylim()
  assert bottom <= places[0] <= places[-1] <= top


def luminance(colour):
  """Relative luminance of the web's contrast formula."""
  rgb = np.array(matplotlib.colors.to_rgb(colour))
  linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
  return linear @ [0.2126, 0.7152, 0.0722]


def test_colours_are_legible_in_both_themes():
  css = (style.STYLE.parent / 'report.css').read_text()
  light, dark = css.split('prefers-color-scheme: dark')
  for block in (light, dark):
    colours = dict(re.findall(r'--([\w-]+): (#\w{6})', block))
    page = luminance(colours['page'])
    names = [f's{i}' for i in range(8)] + ['ink', 'soft', 'warn']
    for name in names:
      pair = sorted([page, luminance(colours[name])])
      assert (pair[1] + 0.05) / (pair[0] + 0.05) > 4.5, name


def test_no_two_of_the_first_thirty_submissions_look_alike():
  looks = [
    (style.colour(i), str(style.line(i)['linestyle'])) for i in range(30)
  ]
  assert len(set(looks)) == 30
  for first, second in itertools.pairwise(range(8)):
    assert style.marker(first) != style.marker(second)
