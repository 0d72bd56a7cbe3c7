# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What may make a set of results misleading, one sentence each."""

from __future__ import annotations

import collections
from collections.abc import Sequence

import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf import text
from jaxperf.records import layout, read
from jaxperf.scoring import score

_CAUTION = (
  layout.Outcome.DIVERGED,
  layout.Outcome.OUT_OF_MEMORY,
  layout.Outcome.ERROR,
  layout.Outcome.STOPPED,
)


def about_set(
  times: pd.DataFrame, rules: rules_lib.Rules, scoring: score.Scoring
) -> list[str]:
  """Workloads that are not the rules', or that somebody did not run.

  Args:
    times: median times, one row a submission.
    rules: that are applied.
    scoring: the workloads that are scored, and held-out variants.
  """
  warnings = []
  if set(scoring.workloads) != set(rules.base_workloads):
    warnings.append(
      f'scored on {text.plural(len(scoring.workloads), "workload")}, not on '
      f'the {len(rules.base_workloads)} base workloads of rules {rules.name}: '
      'scores compare only within this set.'
    )
  ignored = [
    variant
    for variant, base in rules.held_out.items()
    if base in scoring.workloads
    and variant not in (*scoring.held_out, *scoring.workloads)
  ]
  if ignored:
    warnings.append(
      f'held-out rule not applied for {", ".join(ignored)}: nobody here ran '
      'them.'
    )
  for submission, row in times.isna().iterrows():
    missing = row.index[row].tolist()
    if missing:
      warnings.append(
        f'{submission} was not run on {text.few(missing)}: counts as not '
        'reached.'
      )
  return warnings


def about_verification(
  unverified: Sequence[layout.Note], results: read.Results
) -> list[str]:
  """How many trials do not count because nobody verified them.

  Args:
    unverified: a note for each.
    results: with all trials.
  """
  if not unverified:
    return []
  return [
    f'{len(unverified)} of {text.plural(len(results.trials), "trial")} did not '
    'pass `jaxperf verify` and count as not reached.'
  ]


def about_counts(
  studies: pd.DataFrame, rules: rules_lib.Rules, ruleset: str
) -> list[str]:
  """Numbers of studies and trials other than the rules'.

  Args:
    studies: from `times.study_times`.
    rules: that are applied.
    ruleset: `'external'` or `'self'`.
  """
  repeats = studies.groupby(['submission', 'workload']).size()
  trials = studies.set_index(['submission', 'workload', 'study'])['trials']
  return [
    *_unusual(repeats, rules.studies, 'study', rules),
    *_unusual(trials, rules.trials(ruleset), 'trial', rules),
  ]


def unmeasured(
  results: read.Results, columns: Sequence[str], rules: rules_lib.Rules
) -> list[layout.Note]:
  """A note for each scored trial whose file never holds its target metric.

  Args:
    results: as read.
    columns: workloads and variants that are scored.
    rules: that say the metric.
  """
  notes = []
  trials = results.trials[results.trials['workload'].isin(columns)]
  for workload, own in trials.groupby('workload'):
    column = f'validation/{rules.workloads[workload].metric}'
    rows = results.evaluations
    if column in rows:
      measured = (rows['workload'] == workload) & rows[column].notna()
      own = own[~own.index.isin(rows.loc[measured, 'run'])]
    notes += [
      layout.Note(
        f'{path}/{layout.EVALUATIONS}',
        f'no finite {column}: an infinite trial',
      )
      for path in own.loc[own['evaluations'] > 0, 'path']
    ]
  return notes


def unscored(
  results: read.Results, rules: rules_lib.Rules, columns: Sequence[str]
) -> list[layout.Note]:
  """A note for each workload in the tree that does not count."""
  return [
    layout.Note(
      workload,
      f'not scored by rules {rules.name}; --workloads can name it'
      if workload in rules.workloads
      else f'rules {rules.name} do not know this workload: skipped',
    )
    for workload in sorted(results.trials['workload'].unique())
    if workload not in columns
  ]


def about_runs(results: read.Results, trials: pd.DataFrame) -> list[str]:
  """Trials that ended badly or not at all; mixed frameworks and hardware.

  Args:
    results: as read.
    trials: those of its trials that are scored.
  """
  warnings = []
  outcomes = trials['outcome'].fillna('')
  for outcome in _CAUTION:
    paths = trials.loc[outcomes == outcome, 'path'].tolist()
    if paths:
      warnings.append(
        f'{text.plural(len(paths), "trial")} {outcome}: {text.few(paths)}.'
      )
  unfinished = trials.loc[outcomes == '', 'path'].tolist()
  if results.config and unfinished:
    warnings.append(
      f'{text.plural(len(unfinished), "trial")} not finished: '
      f'{text.few(unfinished)}.'
    )
  frameworks = trials.groupby(['submission', 'workload'])['framework'].unique()
  for (submission, workload), names in frameworks.items():
    if len(names) > 1:
      mixed = ' and '.join(sorted(name or 'no framework' for name in names))
      warnings.append(
        f'the studies of {submission} on {workload} are of {mixed}: their '
        'median mixes them.'
      )
  hardware = trials['hardware'].dropna().unique()
  if len(hardware) > 1:
    warnings.append(
      'mixed hardware, so times do not compare: '
      + '; '.join(sorted(map(str, hardware)))
    )
  return warnings


def _unusual(
  counts: pd.Series, expected: int, thing: str, rules: rules_lib.Rules
) -> list[str]:
  """Sentences about counts that are not what the rules ask for."""
  unusual = counts[counts != expected]
  if unusual.empty:
    return []
  ask = f'rules {rules.name} ask for {text.plural(expected, thing)}'
  if len(unusual) == len(counts) and unusual.nunique() == 1:
    count = int(unusual.iloc[0])
    return [f'{text.plural(count, thing)} everywhere; {ask}.']
  cells = collections.Counter(
    f'{submission} on {workload} ({count})'
    for (submission, workload, *_), count in unusual.items()
  )
  return [f'{ask}; other numbers: {text.few(list(cells))}.']
