# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded runs on the mini workloads against the published results.

The mini scores come from the functions that score any results; the published
numbers are those that ship in `jaxperf.facts`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import scipy.stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.recorded_runs import Run
from jaxperf import drawing, facts, plugins, rules, score, summary
from jaxperf.table import Results

PUBLISHED = 'v0.5'
SAMPLES, SEED = 2000, 0  # Of the bootstrap.
_TITLES = {'self': 'Self-tuning', 'external': 'External tuning'}
_DIGITS = 4  # Of the published scores; what is equal to so many is a tie.


class Agreement(NamedTuple):
  """How the two benchmarks place the algorithms of one tuning rule set.

  Attributes:
    ruleset: `'external'` or `'self'`.
    scores: one row an algorithm with all runs, best published score first;
      columns `mini`, `published`.
    times: steps to the mini target, one row an algorithm, one column a
      workload; infinite if it was not reached.
    published: the published seconds in the same places; NaN if not run.
    tau: Kendall's tau-b between the columns of `scores`; NaN if one of them is
      constant.
    taus: that of each bootstrap sample.
    missing: algorithm -> number of missing runs, those with none left out.
  """

  ruleset: str
  scores: pd.DataFrame
  times: pd.DataFrame
  published: pd.DataFrame
  tau: float
  taus: np.ndarray
  missing: Mapping[str, int]


def compare(
  ruleset: str,
  planned: Mapping[str, Sequence[Run]],
  runs: Sequence[Run],
  samples: int = SAMPLES,
) -> Agreement:
  """Compares the algorithms of which no run is missing.

  The mini score of an algorithm depends on the others in the set, so an
  incomplete table gives other scores than a complete one. The published scores
  are those of the full set in any case.

  Args:
    ruleset: `'external'` or `'self'`.
    planned: published name of an algorithm -> all its runs, done or not.
    runs: those that were done.
    samples: of the bootstrap.
  """
  done = {run[:4]: run for run in runs}
  missing = {
    name: sum(run[:4] not in done for run in own)
    for name, own in planned.items()
  }
  ready = {
    name: [done[run[:4]] for run in own]
    for name, own in planned.items()
    if not missing[name]
  }
  ruled = rules.load('mini')
  times = steps_to_target(ready, ruleset)
  counted = score.counted_times(times, ruled.base_workloads, {}, ruled.tau_max)
  scores = pd.DataFrame(
    {
      'mini': score.scores(counted, ruled.tau_max).reindex(times.index),
      'published': facts.published_scores(PUBLISHED, ruleset)[times.index],
    }
  )
  return Agreement(
    ruleset,
    scores.sort_values('published', ascending=False, kind='stable'),
    times,
    _published_times(ruleset).loc[times.index, times.columns],
    tau_b(scores['mini'].round(_DIGITS), scores['published']),
    bootstrap(counted, scores['published'], ruled.tau_max, samples),
    {name: count for name, count in missing.items() if count},
  )


def steps_to_target(
  runs: Mapping[str, Sequence[Run]], ruleset: str
) -> pd.DataFrame:
  """Steps of the best trial: one row an algorithm, one column a workload.

  Infinite where no trial reaches the validation target within the budget.

  Args:
    runs: name of an algorithm -> its runs.
    ruleset: `'external'` or `'self'`: decides the budget.
  """
  ruled = rules.load('mini')
  trials, rows = [], []
  for name, own in runs.items():
    for run in own:
      metric = f'validation/{ruled.workloads[run.workload].metric}'
      for step, value, _ in run.values:
        rows.append(
          {
            'run': len(trials),
            'workload': run.workload,
            'step': step,
            'submission_s': math.nan,
            metric: value,
          }
        )
      trials.append((name, 0, run.workload, run.number))
  results = Results(
    pd.DataFrame(rows, columns=None if rows else ['run', 'workload']),
    pd.DataFrame(trials, columns=['submission', 'study', 'workload', 'trial']),
    [],
    {},
  )
  studies = score.study_times(score.trial_times(results, ruled, ruleset))
  return score.median_times(studies).reindex(
    index=list(runs), columns=list(ruled.base_workloads)
  )


def _published_times(ruleset: str) -> pd.DataFrame:
  """Published seconds under the names of the mini workloads."""
  times = facts.times(PUBLISHED, ruleset)
  workloads = list(rules.load(PUBLISHED).base_workloads)
  return times[workloads].rename(columns=plugins.mini_sibling)


def tau_b(first: Sequence[float], second: Sequence[float]) -> float:
  r"""Kendall's tau-b of two rankings, in [-1, 1].

  .. math:: \tau_b = \frac{P - Q}{\sqrt{(P + Q + T_1)(P + Q + T_2)}}

  with P pairs in the same order, Q in opposite orders, and ties in the first or
  the second ranking only. Equal numbers tie, infinite ones too.

  Returns:
    NaN for fewer than two numbers, or if all of one ranking are equal.

  References:
    Kendall, The treatment of ties in ranking problems, 1945.
  """
  if len(first) < 2:
    return math.nan
  return float(scipy.stats.kendalltau(first, second).statistic)


def bootstrap(
  counted: pd.DataFrame, published: pd.Series, tau_max: float, samples: int
) -> np.ndarray:
  """tau-b to the published scores of samples of the mini workloads.

  Each sample draws as many workloads as there are, with replacement, and the
  mini scores are computed anew; the published ones stay.

  Args:
    counted: from `score.counted_times`.
    published: scores in the same order.
    tau_max: of the rules.
    samples: their number.

  Returns:
    One tau a sample, NaN where it has none.
  """
  count = counted.shape[1]
  drawn = np.random.default_rng(SEED).integers(count, size=(samples, count))
  times = np.moveaxis(counted.to_numpy()[:, drawn], 0, 1)
  scores = score.score_array(times, tau_max).round(_DIGITS)
  return np.array([tau_b(row, published) for row in scores])


def workload_taus(agreement: Agreement) -> pd.Series:
  """tau-b between the two times to target of each workload.

  An algorithm that was not run on the published workload is left out there.
  """
  taus = {}
  for workload, published in agreement.published.items():
    both = published.notna()
    taus[workload] = tau_b(agreement.times.loc[both, workload], published[both])
  return pd.Series(taus)


def markdown(agreements: Sequence[Agreement]) -> str:
  """Everything, as Markdown: two tables a rule set."""
  parts = []
  for agreement in agreements:
    parts.append(f'### {_TITLES[agreement.ruleset]}')
    parts.append(_about(agreement))
    if len(agreement.scores):
      parts += [_score_table(agreement), _workload_table(agreement)]
  notes = f'Published: {facts.SOURCE}. {summary.DISCLAIMER}'
  return '\n\n'.join([*parts, notes])


def _about(agreement: Agreement) -> str:
  """What is compared, and how well it agrees."""
  count, missing = len(agreement.scores), agreement.missing
  text = f'Algorithms with all runs: {count} of {count + len(missing)}.'
  if missing:
    each = ', '.join(f'{name} {runs}' for name, runs in missing.items())
    text += f' Missing runs: {each}.'
  if math.isnan(agreement.tau):
    return text
  taus = agreement.taus[~np.isnan(agreement.taus)]
  low, high = np.quantile(taus, [0.025, 0.975])
  text += (
    f" Kendall's tau-b between the scores: {agreement.tau:.2f}; 95% interval "
    f'{low:.2f} to {high:.2f} over the workloads ({len(agreement.taus)} draws '
    f'of {agreement.times.shape[1]}, seed {SEED}'
  )
  undefined = len(agreement.taus) - len(taus)
  return text + (f', {undefined} without a tau).' if undefined else ').')


def _score_table(agreement: Agreement) -> str:
  """One line an algorithm."""
  scores = agreement.scores
  ranks = scores.round(_DIGITS).rank(ascending=False, method='min').astype(int)
  return _table(
    ['algorithm', 'mini score', 'rank', 'published score', 'rank'],
    [
      [name, f'{mini:.4f}', ranks['mini'][name], f'{published:.4f}', rank]
      for (name, (mini, published)), rank in zip(
        scores.iterrows(), ranks['published']
      )
    ],
  )


def _workload_table(agreement: Agreement) -> str:
  """One line a workload."""
  times, published = agreement.times, agreement.published
  return _table(
    ['workload', 'reached', 'reached as published', 'tau-b of the times'],
    [
      [
        workload,
        f'{np.isfinite(times[workload]).sum()} of {len(times)}',
        f'{np.isfinite(published[workload]).sum()} of '
        f'{published[workload].notna().sum()}',
        '–' if math.isnan(tau) else f'{tau:.2f}',
      ]
      for workload, tau in workload_taus(agreement).items()
    ],
  )


def _table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
  """A Markdown table, the first column to the left."""
  rules_row = ['---', *['---:'] * (len(header) - 1)]
  lines = [header, rules_row, *rows]
  return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines)


def scatter(agreements: Sequence[Agreement]) -> list[Axes]:
  """Mini scores over published scores, a panel a rule set."""
  names = list(dict.fromkeys(n for a in agreements for n in a.scores.index))
  count = len(agreements)
  with mpl.style.context(drawing.STYLE):
    panels = Figure(figsize=(5.2 * count, 4)).subplots(1, count, squeeze=False)
    for ax, (ruleset, scores, *_) in zip(panels[0], agreements):
      points = scores[['published', 'mini']].T.to_dict('list')
      for name, (x, y) in points.items():
        ax.plot(x, y, **drawing.points(names.index(name)))
      ax.set(
        xlim=(-0.03, 1.03),
        ylim=(-0.03, 1.03),
        xlabel='published score',
        ylabel='mini score',
        title=_TITLES[ruleset],
      )
      drawing.label_ends(ax, points, names)
  return list(panels[0])
