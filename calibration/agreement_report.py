# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The agreement of mini and published results as text and as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calibration import agreement as agreement_lib
from jaxperf import rules
from jaxperf import text as text_lib
from jaxperf.report import style
from jaxperf.scoring import published as published_lib


def markdown(agreements: Sequence[agreement_lib.Agreement]) -> str:
  """Everything, as Markdown: two tables a rule set."""
  parts = []
  for agreement in agreements:
    parts.append(f'### {rules.TUNING[agreement.ruleset].capitalize()}')
    parts.append(_about(agreement))
    if len(agreement.scores):
      parts += [_score_table(agreement), _workload_table(agreement)]
  notes = (
    f'Published: {published_lib.facts("v0.5").source}. {text_lib.DISCLAIMER}'
  )
  return '\n\n'.join([*parts, notes])


def _about(agreement: agreement_lib.Agreement) -> str:
  """What is compared, and how well it agrees."""
  count, missing = len(agreement.scores), agreement.missing
  text = f'Workloads: {", ".join(agreement.times)}. '
  text += f'Algorithms with all runs: {count} of {count + len(missing)}.'
  if missing:
    each = ', '.join(f'{name} {runs}' for name, runs in missing.items())
    text += f' Missing runs: {each}.'
  for name, tau in (
    ('mini scores', agreement.score_tau),
    ('mean places', agreement.place_tau),
  ):
    if not math.isnan(tau.value):
      text += f" Kendall's tau-b of the {name}: {_tau(tau)}."
  return text


def _tau(tau: agreement_lib.Tau) -> str:
  """A tau with its interval."""
  taus = tau.samples[~np.isnan(tau.samples)]
  low, high = np.quantile(taus, [0.025, 0.975])
  text = (
    f'{tau.value:.2f}, 95% interval {low:.2f} to {high:.2f} over the workloads '
    f'({len(tau.samples)} draws, seed {agreement_lib.SEED}'
  )
  undefined = len(tau.samples) - len(taus)
  return text + (f', {undefined} without a tau)' if undefined else ')')


def _score_table(agreement: agreement_lib.Agreement) -> str:
  """One line an algorithm."""
  scores = agreement.scores
  ranks = (
    scores.round(agreement_lib.DIGITS)
    .rank(ascending=False, method='min')
    .astype(int)
  )
  return _table(
    ['algorithm', 'mini score', 'rank', 'mean place', 'published', 'rank'],
    [
      [
        name,
        f'{row.mini:.4f}',
        ranks['mini'][name],
        f'{row.place:.2f}',
        f'{row.published:.4f}',
        ranks['published'][name],
      ]
      for name, row in scores.iterrows()
    ],
  )


def _workload_table(agreement: agreement_lib.Agreement) -> str:
  """One line a workload."""
  times, published = agreement.times, agreement.published
  return _table(
    ['workload', 'reached', 'as published', 'tau-b of times', 'of places'],
    [
      [
        workload,
        f'{np.isfinite(times[workload]).sum()} of {len(times)}',
        f'{np.isfinite(published[workload]).sum()} of '
        f'{published[workload].notna().sum()}',
        *('–' if math.isnan(tau) else f'{tau:.2f}' for tau in taus),
      ]
      for workload, taus in agreement_lib.workload_taus(agreement).iterrows()
    ],
  )


def _table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
  """A Markdown table, the first column to the left."""
  rules_row = ['---', *['---:'] * (len(header) - 1)]
  lines = [header, rules_row, *rows]
  return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines)


def scatter(agreements: Sequence[agreement_lib.Agreement]) -> list[Axes]:
  """Mini scores over published scores, a panel a rule set."""
  names = list(dict.fromkeys(n for a in agreements for n in a.scores.index))
  count = len(agreements)
  with mpl.style.context(style.STYLE):
    panels = Figure(figsize=(5.2 * count, 4)).subplots(1, count, squeeze=False)
    for ax, (ruleset, scores, times, *_) in zip(panels[0], agreements):
      points = scores[['published', 'mini']].T.to_dict('list')
      for name, (x, y) in points.items():
        ax.plot(x, y, **style.points(names.index(name)))
      ax.set(
        xlim=(-0.03, 1.03),
        ylim=(-0.03, 1.03),
        xlabel='published score',
        ylabel='mini score',
        title=f'{rules.TUNING[ruleset].capitalize()} '
        f'(workloads: {len(times.columns)})',
      )
      style.label_ends(ax, points, names)
  return list(panels[0])
