# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What scores leave out: speed-ups, budget use, how close the others came."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf.records import read
from jaxperf.scoring import score
from jaxperf.scoring import times as times_lib

LADDER = (0.5, 0.75, 0.9, 0.95, 1.0)


def speedups(times: pd.DataFrame, reference: str) -> pd.DataFrame:
  """How many times faster than a reference submission.

  Args:
    times: median times, one row a submission, one column a workload.
    reference: name of the submission that stands at 1.

  Returns:
    Time of the reference over time of the submission, by workload; NaN where
    either did not reach the target.

  >>> times = pd.DataFrame({'v': [10, 5], 'w': [10, np.inf]}, ['ref', 'a'])
  >>> speedups(times, 'ref').loc['a'].to_dict()
  {'v': 2.0, 'w': nan}
  """
  finite = times.where(np.isfinite(times))
  return finite.rdiv(finite.loc[reference], axis='columns')


def geometric_mean(ratios: pd.DataFrame) -> pd.DataFrame:
  """Columns `mean` and `workloads` (how many count), one row a submission.

  >>> ratios = pd.DataFrame({'v': [2.0], 'w': [0.5], 'x': [np.nan]}, ['a'])
  >>> geometric_mean(ratios).loc['a'].to_dict()
  {'mean': 1.0, 'workloads': 2.0}
  """
  return pd.DataFrame(
    {
      'mean': np.exp(np.log(ratios).mean(axis=1)),
      'workloads': ratios.notna().sum(axis=1),
    }
  )


def budget_fractions(
  times: pd.DataFrame, rules: rules_lib.Rules, ruleset: str
) -> pd.DataFrame:
  """Median time over the budget; times in the unit of the rules.

  >>> times = pd.DataFrame({'wmt': [4815.1]}, index=['a'])
  >>> fractions = budget_fractions(times, rules_lib.load('v0.5'), 'external')
  >>> fractions.loc['a', 'wmt']
  np.float64(0.1)
  """
  budgets = pd.Series({w: rules.budget(w, ruleset) for w in times.columns})
  return times / budgets


def closest(
  results: read.Results,
  rules: rules_lib.Rules,
  ruleset: str,
  workloads: Sequence[str],
) -> pd.DataFrame:
  """The best validation metric within the budget; median over the studies.

  Returns:
    One row a submission, one column a workload; NaN where not run.
  """
  columns = {}
  clock = times_lib.clock(rules.unit)
  for workload in workloads:
    goal = rules.for_workload(workload)
    rows = results.evaluations
    rows = rows[
      (rows['workload'] == workload)
      & (rows[clock] <= rules.budget(workload, ruleset))
    ]
    column = f'validation/{goal.metric}'
    if column not in rows or rows.empty:
      continue
    groups = rows.groupby(['submission', 'study'], observed=True)[column]
    best = groups.min() if goal.minimize else groups.max()
    columns[workload] = best.groupby('submission', observed=True).median()
  table = pd.DataFrame(columns, columns=list(workloads))
  table.index = table.index.astype(object)
  return table


def easier_targets(
  results: read.Results, rules: rules_lib.Rules, share: float
) -> dict[str, float]:
  """Targets a part of the way from the first evaluation to the real target.

  The start is the median over all trials of the first finite validation
  metric, so it is the same for everyone.

  Args:
    results: evaluations and trials.
    rules: goals.
    share: of the way; 1 is the rules' target.

  Returns:
    Workload -> validation target.
  """
  targets = {}
  for workload in results.evaluations['workload'].unique():
    goal = rules.workloads.get(workload)
    column = f'validation/{goal.metric}' if goal else ''
    if column not in results.evaluations:
      continue
    rows = results.evaluations
    rows = rows[(rows['workload'] == workload) & np.isfinite(rows[column])]
    start = rows.drop_duplicates('run')[column].median()
    if np.isfinite(start):
      targets[workload] = start + share * (goal.validation_target - start)
  return targets


def ladder(
  results: read.Results,
  rules: rules_lib.Rules,
  ruleset: str,
  *,
  unit: str | None = None,
  shares: Sequence[float] = LADDER,
) -> pd.DataFrame:
  """Median time to easier and easier targets.

  So that runs that never reach the target still say something.

  Returns:
    Columns `submission`, `workload`, `share` (of the way to the target),
    `target`, `time`.
  """
  rungs = []
  for share in shares:
    targets = easier_targets(results, rules, share)
    trials = times_lib.trial_times(
      results, rules, ruleset, unit=unit, targets=targets
    )
    studies = times_lib.study_times(trials)
    medians = studies.groupby(['submission', 'workload'])['time'].median()
    rung = medians.reset_index()
    rung['share'], rung['target'] = share, rung['workload'].map(targets)
    rungs.append(rung)
  table = pd.concat(rungs, ignore_index=True)
  return table[['submission', 'workload', 'share', 'target', 'time']]


def scores_by_budget(
  results: read.Results,
  rules: rules_lib.Rules,
  ruleset: str,
  scoring: score.Scoring,
  *,
  unit: str | None = None,
  factors: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
) -> pd.DataFrame:
  """Scores if every budget were smaller: one column a factor of the budget.

  Schedules that aim at the full budget look worse here than they would if
  they had been told of the smaller one.
  """
  columns = {}
  for factor in factors:
    trials = times_lib.trial_times(
      results, rules, ruleset, unit=unit, budget_factor=factor
    )
    columns[factor] = scoring(
      times_lib.median_times(times_lib.study_times(trials))
    )
  table = pd.DataFrame(columns)
  return table.sort_values(factors[-1], ascending=False)
