# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report's section on workloads: curves, times, easier targets."""

from __future__ import annotations

import math

import pandas as pd

from jaxperf import text
from jaxperf.report import curves, html
from jaxperf.scoring import diagnostics, tables
from jaxperf.scoring import verdict as verdict_lib


def workloads(verdict: verdict_lib.Verdict) -> str:
  """A picture and a table for each workload."""
  best = tables.best_metrics(verdict, verdict.scoring.columns)
  rungs = diagnostics.ladder(
    verdict.results, verdict.rules, verdict.ruleset, unit=verdict.unit
  )
  return '\n'.join(
    f'<h3>{html.escape(workload)}</h3>'
    f'<p>{html.escape(_goal(verdict, workload))}</p>'
    + _curves(verdict, workload)
    + _times(verdict, workload, best[workload])
    + html.details(
      'Time to easier targets',
      _ladder(verdict, rungs[rungs['workload'] == workload]),
    )
    for workload in best
  )


def _goal(verdict: verdict_lib.Verdict, workload: str) -> str:
  """What is to be reached, and how soon."""
  goal = verdict.rules.workloads[workload]
  budget = verdict.rules.budget(workload, verdict.ruleset)
  base = verdict.scoring.held_out.get(workload)
  return (
    f'Target: validation {goal.metric.replace("_", " ")} '
    f'{"below" if goal.minimize else "above"} {goal.validation_target:g} '
    f'within {budget:,.0f} {verdict.rules.unit}.'
    + (f' Held out: who fails here fails {base}.' if base else '')
  )


def _times(verdict: verdict_lib.Verdict, workload: str, best: pd.Series) -> str:
  """Times and what they mean, one row a submission."""
  metric = verdict.rules.workloads[workload].metric.replace('_', ' ')
  table = tables.workload(verdict, workload)
  rows = [
    [
      html.escape(row.Index),
      html.time(row.time, verdict.unit),
      '–' if math.isnan(row.ratio) else f'{row.ratio:.2f}x',
      '–' if math.isnan(row.share) else f'{row.share:.0%}',
      text.metric(best[row.Index]),
    ]
    for row in table.itertuples()
  ]
  header = ['submission', f'{verdict.unit} to target', 'vs fastest']
  return html.table([*header, 'of the budget', f'best {metric}'], rows)


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
    f'{share:.0%} of the way ({text.metric(targets[share])})' for share in wide
  ]
  rows = [
    [html.escape(name), *(html.time(t, verdict.unit) for t in wide.loc[name])]
    for name in verdict.scores.index
    if name in wide.index
  ]
  return html.table(header, rows) + (
    '<p class="soft">The way leads from the first evaluation, the median over '
    'all trials, to the target.</p>'
  )
