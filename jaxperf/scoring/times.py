# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""When each trial met its target, and the times that count."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf.records import read

_CLOCK = {'seconds': 'submission_s', 'steps': 'step'}


def trial_times(
  results: read.Results,
  rules: rules_lib.Rules,
  ruleset: str,
  *,
  unit: str | None = None,
  targets: Mapping[str, float] | None = None,
  budget_factor: float = 1.0,
) -> pd.DataFrame:
  """When each trial first met the validation target within its budget.

  Args:
    results: evaluations and trials.
    rules: goals and budgets; workloads that they do not know are left out.
    ruleset: `'external'` or `'self'`: decides the budget.
    unit: `'seconds'` or `'steps'`, of the answer; None: the rules' own.
    targets: workload -> validation target, in place of the rules' targets.
    budget_factor: multiplies every budget.

  Returns:
    The rows of `results.trials` of known workloads, with three more columns:
    `time` (infinite if the target was not met); `evaluation`, the index of the
    evaluation that met it, -1 if none did; `away`, how far from the target the
    best evaluation within the budget was (below 0: better; infinite if there
    is none).
  """
  trials = results.trials
  trials = trials[trials['workload'].isin(list(rules.workloads))].copy()
  trials['time'], trials['evaluation'], trials['away'] = np.inf, -1, np.inf
  for workload in trials['workload'].unique():
    goal = rules.workloads[workload]
    column = f'validation/{goal.metric}'
    if column not in results.evaluations:
      continue
    own = results.evaluations['workload'] == workload
    rows = results.evaluations.loc[own, ['run', *_CLOCK.values(), column]]
    target = (targets or {}).get(workload, goal.validation_target)
    budget = budget_factor * rules.budget(workload, ruleset)
    within = rows[_CLOCK[rules.unit]] <= budget
    away = (rows[column] - target) * (1 if goal.minimize else -1)
    best = away[within & np.isfinite(away)].groupby(rows['run']).min()
    trials.loc[best.index, 'away'] = best
    hit = goal.reached(rows[column], target) & within
    first = rows[hit].drop_duplicates('run')
    index = rows.groupby('run').cumcount()[first.index]
    trials.loc[first['run'], 'time'] = first[
      _CLOCK[unit or rules.unit]
    ].to_numpy()
    trials.loc[first['run'], 'evaluation'] = index.to_numpy()
  return trials


def clock(unit: str) -> str:
  """The column of the evaluations that measures seconds or steps.

  >>> clock('seconds'), clock('steps')
  ('submission_s', 'step')
  """
  return _CLOCK[unit]


def other_unit(unit: str) -> str:
  """Steps for seconds, and the reverse.

  >>> other_unit('seconds')
  'steps'
  """
  return next(other for other in rules_lib.UNITS if other != unit)


def study_times(trials: pd.DataFrame, choice: str = 'time') -> pd.DataFrame:
  """The time of the trial that counts in each study.

  Where none met the target, the trial counts that came closest to it.

  Args:
    trials: from `trial_times`; without `away` the first trial counts where
      none met the target.
    choice: `'time'`: the fastest trial. `'published'`: the trial that met the
      target at the smallest evaluation index, as the code behind the
      published tables has it. That code leaves ties to the order in which a
      file system lists folders; here the last trial wins, which reproduces
      the published times, one tie excepted.

  Returns:
    Columns `submission`, `workload`, `study`, `time`, `trial` (the one that
    counts), `trials` (their number); one row a study.

  >>> trials = pd.DataFrame({'trial': [1, 2], 'evaluation': [3, 4]})
  >>> trials = trials.assign(submission='a', workload='w', study=0)
  >>> trials['time'] = [90.0, 80.0]  # The second evaluated more often.
  >>> study_times(trials)['time'].item()
  80.0
  >>> study_times(trials, 'published')['time'].item()
  90.0
  """
  if 'away' in trials:  # Of those that met it the time alone decides.
    away = trials['away'].where(np.isinf(trials['time']), 0.0)
    trials = trials.assign(away=away)
  else:
    trials = trials.assign(away=0.0)
  late = trials['evaluation'].where(trials['evaluation'] >= 0, np.inf)
  keys = ['submission', 'workload', 'study']
  if choice == 'time':
    ordered = trials.sort_values([*keys, 'time', 'away', 'trial'])
  else:
    ordered = trials.assign(late=late).sort_values(
      [*keys, 'late', 'away', 'trial'], ascending=[True] * 5 + [False]
    )
  groups = ordered.groupby(keys)
  table = groups[['time', 'trial']].first()
  table['trials'] = groups.size()
  return table.reset_index()


def median_times(studies: pd.DataFrame) -> pd.DataFrame:
  """Median over the studies: one row a submission, one column a workload.

  NaN where a submission was not run on a workload.

  >>> studies = pd.DataFrame({'study': [0, 1, 2], 'time': [9, 10, np.inf]})
  >>> median_times(studies.assign(submission='a', workload='w')).loc['a', 'w']
  np.float64(10.0)
  """
  return studies.pivot_table(
    index='submission', columns='workload', values='time', aggfunc='median'
  )


def finite_times(times: pd.DataFrame) -> dict[str, dict[str, float | None]]:
  """Submission -> workload -> time; None where the target was not reached.

  What was not run is left out.

  >>> times = {'u': [np.nan], 'v': [9.0], 'w': [np.inf]}
  >>> finite_times(pd.DataFrame(times, index=['a']))
  {'a': {'v': 9.0, 'w': None}}
  """
  return {
    name: {
      workload: float(time) if np.isfinite(time) else None
      for workload, time in row.dropna().items()
    }
    for name, row in times.iterrows()
  }
