# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report's section on workloads: curves, times, easier targets."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from jaxperf import text as text_lib
from jaxperf.report import curves, html
from jaxperf.scoring import diagnostics
from jaxperf.scoring import verdict as verdict_lib


def workloads(verdict: verdict_lib.Verdict) -> str:
  """A picture and a table for each workload."""
  best = diagnostics.closest(
    verdict.results,
    verdict.rules,
    verdict.ruleset,
    [*verdict.scoring.workloads, *verdict.scoring.held_out],
  )
  rungs = diagnostics.ladder(
    verdict.results, verdict.rules, verdict.ruleset, unit=verdict.unit
  )
  return '\n'.join(
    _workload(verdict, workload, best[workload], rungs) for workload in best
  )


def ranked(
  verdict: verdict_lib.Verdict, *, held_out: bool = False
) -> pd.DataFrame:
  """Median times, rows in the order of the ranking."""
  columns = list(verdict.scoring.workloads)
  if held_out:
    columns += list(verdict.scoring.held_out)
  return verdict.times.reindex(verdict.scores.index, columns=columns)


def time_text(value: float, unit: str) -> str:
  """A time, or that there is none, in words."""
  return 'not reached' if math.isinf(value) else text_lib.amount(value, unit)


def _workload(
  verdict: verdict_lib.Verdict,
  workload: str,
  best: pd.Series,
  rungs: pd.DataFrame,
) -> str:
  """One workload: curves, times, easier targets."""
  goal = verdict.rules.workloads[workload]
  times = ranked(verdict, held_out=True)[workload]
  budget = verdict.rules.budget(workload, verdict.ruleset)
  shares = times / budget
  fastest = times.min()
  rows = [
    [
      html.escape(name),
      time_text(time, verdict.unit),
      f'{time / fastest:.2f}x' if np.isfinite(time) else '–',
      f'{shares[name]:.0%}'
      if np.isfinite(time) and verdict.unit == verdict.rules.unit
      else '–',
      text_lib.metric(best.get(name, math.nan)),
    ]
    for name, time in times.items()
  ]
  base = verdict.scoring.held_out.get(workload)
  text = (
    f'Target: validation {goal.metric.replace("_", " ")} '
    f'{"below" if goal.minimize else "above"} {goal.validation_target:g} '
    f'within {budget:,.0f} {verdict.rules.unit}.'
    + (f' Held out: who fails here fails {base}.' if base else '')
  )
  header = ['submission', f'{verdict.unit} to target', 'vs fastest']
  header += ['of the budget', f'best {goal.metric.replace("_", " ")}']
  own = rungs[rungs['workload'] == workload]
  return (
    f'<h3>{html.escape(workload)}</h3><p>{html.escape(text)}</p>'
    + _curves(verdict, workload)
    + html.table(header, rows)
    + html.details('Time to easier targets', _ladder(verdict, own))
  )


def _curves(verdict: verdict_lib.Verdict, workload: str) -> str:
  """Training curves of the trials that count."""
  counted = verdict.studies[verdict.studies['workload'] == workload]
  keys = ['submission', 'workload', 'study', 'trial']
  rows = verdict.results.evaluations
  rows = rows[rows['workload'] == workload]
  index = pd.MultiIndex.from_frame(rows[keys].astype(object))
  rows = rows[index.isin(pd.MultiIndex.from_frame(counted[keys]))]
  goal = verdict.rules.workloads[workload]
  if f'validation/{goal.metric}' not in rows or rows.empty:
    return ''
  names = list(verdict.scores.index)
  axes = curves.training_curves(rows, goal, verdict.unit, names)
  return html.figure(
    axes,
    f'Validation {goal.metric} of every submission over {verdict.unit}, with '
    'the target; the results are in the table below.',
    'The trial that counts in each study.',
  )


def _ladder(verdict: verdict_lib.Verdict, rungs: pd.DataFrame) -> str:
  """Time to targets a part of the way to the real one."""
  wide = rungs.pivot(index='submission', columns='share', values='time')
  targets = rungs.drop_duplicates('share').set_index('share')['target']
  header = ['submission'] + [
    f'{share:.0%} of the way ({text_lib.metric(targets[share])})'
    for share in wide
  ]
  rows = [
    [html.escape(name), *(time_text(t, verdict.unit) for t in wide.loc[name])]
    for name in verdict.scores.index
    if name in wide.index
  ]
  return html.table(header, rows) + (
    '<p class="soft">The way leads from the first evaluation, the median over '
    'all trials, to the target.</p>'
  )
