# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics that cannot be: outside their range, or on another scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf.records import layout, read

# Of a share: what most evaluations of a run never exceed. A word error rate may
# exceed 1; in the published logs it never exceeds 4.5, even of diverged runs.
_MOST = {'accuracy': 1, 'mean_average_precision': 1, 'ssim': 1, 'wer': 5}
_LEAST_SHARE = 0.1  # Of a BLEU score given as a share; below, it is just bad.


def possible(
  results: read.Results, rules: rules_lib.Rules, workloads: Sequence[str]
) -> tuple[read.Results, list[layout.Note]]:
  """Results without the validation metrics that cannot be, and what they were.

  A run that looks like per cent where the target is a share loses all its
  values: those below 1 per cent would pass for shares.

  Args:
    results: as read.
    rules: say the metric, target and range of each workload.
    workloads: to look at.

  Returns:
    The results with NaN for these values; one note a value or run.
  """
  rows = results.evaluations.copy()
  notes = []
  for workload in workloads:
    goal = rules.workloads[workload]
    column = f'validation/{goal.metric}'
    if column not in rows:
      continue
    own = rows.loc[rows['workload'] == workload, ['run', 'line', column]]
    bad, found = _suspects(own.dropna(), goal)
    rows.loc[bad, column] = np.nan
    for run, line, what in found:
      path = results.trials.loc[run, 'path']
      place = f'{path}/{layout.EVALUATIONS}:{line:.0f}'
      notes.append(layout.Note(place, f'{column} {what}'))
  return results._replace(evaluations=rows), notes


def _suspects(
  own: pd.DataFrame, goal: rules_lib.WorkloadRules
) -> tuple[list[int], list[tuple[int, float, str]]]:
  """Labels of the values that do not count, and (run, line, what is wrong).

  Args:
    own: `run`, `line` and the metric, without NaN.
    goal: of the workload.
  """
  values = own.iloc[:, -1]
  bad, found = [], []
  for run, line, what in _other_scales(own, goal):
    found.append((run, line, what))
    if goal.validation_target <= 1:
      bad += own.index[own['run'] == run].tolist()
  least, most = goal.range
  outside = own[~goal.possible(values) & np.isfinite(values)].drop(
    index=bad, errors='ignore'
  )
  for label, (run, line, value) in outside.iterrows():
    bad.append(label)
    found.append((run, line, _outside(value, least, most, goal.metric)))
  return bad, sorted(found)


def _outside(value: float, least: float, most: float, metric: str) -> str:
  """What is wrong with one value, and how it may have come about."""
  if value > most:
    hint = ' (per cent? divide by 100)' if metric in _MOST else ''
    return f'above {most:g} cannot be: not counted{hint}'
  hint = ' (a log-likelihood? change its sign)' if metric == 'loss' else ''
  return f'below {least:g} cannot be: not counted{hint}'


def _other_scales(
  own: pd.DataFrame, goal: rules_lib.WorkloadRules
) -> Iterator[tuple[int, float, str]]:
  """Runs in per cent where the target is a share, and the reverse."""
  column = own.columns[-1]
  target, most = goal.validation_target, _MOST.get(goal.metric, np.inf)
  above = (own[column] > most) & (own[column] <= 100 * most)
  if target <= 1:
    for run in own.loc[above, 'run'].unique():
      this = above[own['run'] == run]
      since = this[this.idxmax() :]  # Training leads from below 1% to above.
      if this.mean() >= 0.5 or (len(since) > 1 and since.all()):
        what = f'above {most:g} in line after line looks like per cent'
        yield (
          run,
          own.loc[this.idxmax(), 'line'],
          f'{what}: none of this file counts; divide by 100',
        )
  elif goal.metric in (*_MOST, 'bleu'):
    best = own.groupby('run').agg({'line': 'first', column: 'max'})
    best = best[best[column].between(_LEAST_SHARE, 1)]
    for run, line in best['line'].items():
      what = f'never above 1, with a target of {target:g}'
      yield run, line, f'{what}: multiply by 100 if these are shares'
