# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that is said about a tree of results, computed once.

The command line and the report print the same `Verdict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from jaxperf import errors
from jaxperf import rules as rules_lib
from jaxperf.records import layout, read
from jaxperf.scoring import cautions, confidence, score, selection
from jaxperf.scoring import published as published_lib
from jaxperf.scoring import times as times_lib

_AGAINST = '{} (published)'


class Verdict(NamedTuple):
  """Who won, and everything that leads to it.

  Attributes:
    rules: that were applied.
    ruleset: `'external'` or `'self'`.
    unit: of all times: `'seconds'` or `'steps'`.
    scoring: workloads, held-out pairs and integration of the score.
    results: as read, without the submissions that were not asked for.
    trials: from `score.trial_times`, scored workloads and held-out variants.
    studies: from `score.study_times`.
    times: median times: submissions by workloads and held-out variants.
    counted: times after the rules that void some.
    scores: best first.
    other_scores: the same by other clocks, one column a clock, from
      `_other_scores`; None for published results.
    samples: bootstrapped scores; None with fewer than two studies.
    reference: the submission that speed-ups refer to.
    warnings: what may make the numbers misleading.
    notes: what was skipped or repaired.
  """

  rules: rules_lib.Rules
  ruleset: str
  unit: str
  scoring: score.Scoring
  results: read.Results
  trials: pd.DataFrame
  studies: pd.DataFrame
  times: pd.DataFrame
  counted: pd.DataFrame
  scores: pd.Series
  other_scores: pd.DataFrame | None
  samples: pd.DataFrame | None
  reference: str
  warnings: list[str]
  notes: list[layout.Note]


def judge(results: read.Results, options: selection.Options) -> Verdict:
  """The verdict on results.

  Raises:
    UserError: if an option does not fit the results or the rules.
  """
  ruleset, ruled = selection.ruleset_and_rules(results.config, options)
  workloads = selection.workloads(results, ruled, options)
  results = selection.chosen(results, options.submissions)
  unit = options.unit or ruled.unit
  everything = times_lib.trial_times(results, ruled, ruleset, unit=unit)
  held_out = score.held_out_pairs(ruled, workloads, set(everything['workload']))
  columns = [*workloads, *held_out]
  trials = _scored(everything, results, columns)
  studies = times_lib.study_times(trials, options.trial_choice)
  submissions = sorted(results.trials['submission'].unique())
  times = times_lib.median_times(studies).reindex(submissions, columns=columns)
  scoring = score.Scoring(
    workloads, held_out, ruled.tau_max, options.integration
  )
  warnings = cautions.about_set(times, ruled, scoring)
  warnings += cautions.about_counts(studies, ruled, ruleset)
  warnings += cautions.about_runs(results, trials)
  samples, other_scores = None, None
  if options.against:
    published = _published(options.against, ruleset, columns, unit)
    times = pd.concat([times, published])
    warnings.append(_against_warning(options.against))
  else:
    other_scores = _other_scores(
      results, ruled, ruleset, unit, options, scoring
    )
    if _repeated(studies):
      samples = confidence.bootstrap(studies, scoring)
      samples = samples.reindex(columns=submissions, fill_value=0.0)
  counted = score.counted_times(times, workloads, held_out, ruled.tau_max)
  return Verdict(
    rules=ruled,
    ruleset=ruleset,
    unit=unit,
    scoring=scoring,
    results=results,
    trials=trials,
    studies=studies,
    times=times,
    counted=counted,
    scores=score.scores(counted, ruled.tau_max, options.integration),
    other_scores=other_scores,
    samples=samples,
    reference=selection.reference(list(times.index), options, results.config),
    warnings=warnings,
    notes=[
      *results.notes,
      *cautions.unmeasured(results, trials, ruled),
      *_unscored(everything, results, ruled, columns),
    ],
  )


def as_json(verdict: Verdict) -> dict:
  """The verdict as JSON values: scores, times to target, notes and more."""
  content = {
    'scores': {name: float(value) for name, value in verdict.scores.items()},
    'time_to_target': times_lib.finite_times(verdict.times),
    'notes': [str(note) for note in verdict.notes],
    'warnings': verdict.warnings,
    'rules': verdict.rules.name,
    'ruleset': verdict.ruleset,
    'time': verdict.unit,
    'integration': verdict.scoring.integration,
  }
  if verdict.samples is not None:
    bounds = confidence.intervals(verdict.samples)
    content['intervals'] = {
      name: [float(row['low']), float(row['high'])]
      for name, row in bounds.iterrows()
    }
  return content


def _other_scores(
  results: read.Results,
  ruled: rules_lib.Rules,
  ruleset: str,
  unit: str,
  options: selection.Options,
  scoring: score.Scoring,
) -> pd.DataFrame:
  """Scores by other clocks than that of the verdict.

  Columns: `steps` if the unit is seconds and the reverse; where compile times
  are recorded also `seconds without compilation` if the rules count it,
  `seconds with compilation` otherwise.
  """
  clocks = {'seconds' if unit == 'steps' else 'steps': results}
  rows = results.evaluations
  if 'compile_s' in rows and rows['compile_s'].any():
    word = 'without' if ruled.counts_compilation else 'with'
    change = rows['compile_s'].fillna(0) * (1 if word == 'with' else -1)
    changed = rows.assign(submission_s=rows['submission_s'] + change)
    clocks[f'seconds {word} compilation'] = results._replace(
      evaluations=changed
    )
  columns = {}
  for name, timed in clocks.items():
    trials = times_lib.trial_times(timed, ruled, ruleset, unit=name.split()[0])
    studies = times_lib.study_times(trials, options.trial_choice)
    columns[name] = scoring(times_lib.median_times(studies))
  return pd.DataFrame(columns).reindex(sorted(columns, key=len), axis=1)


def _scored(
  trials: pd.DataFrame, results: read.Results, columns: Sequence[str]
) -> pd.DataFrame:
  """The trials that count."""
  scored = trials[trials['workload'].isin(columns)]
  if scored.empty:
    present = ', '.join(sorted(results.trials['workload'].unique()))
    raise errors.UserError(
      f'nothing here is scored by these rules: there are {present}; scored are '
      f'{", ".join(columns)}.'
    )
  return scored


def _against_warning(version: str) -> str:
  return (
    f'the times marked "(published)" were measured on '
    f'{rules_lib.load(version).hardware}: yours must be, too, for the '
    'comparison to mean anything; their studies are not resampled.'
  )


def _published(
  version: str, ruleset: str, columns: Sequence[str], unit: str
) -> pd.DataFrame:
  """Published median times under names that say so."""
  times = published_lib.times(version, ruleset)
  if unit == 'steps' or not set(columns) & set(times.columns):
    raise errors.UserError(
      f'the published results of {version} are seconds on '
      f'{", ".join(rules_lib.load(version).base_workloads)}: nothing here '
      'compares with them.'
    )
  return times.reindex(columns=columns).rename(index=_AGAINST.format)


def _repeated(studies: pd.DataFrame) -> bool:
  """Whether anything was run in more than one study."""
  return bool((studies.groupby(['submission', 'workload']).size() > 1).any())


def _unscored(
  everything: pd.DataFrame,
  results: read.Results,
  ruled: rules_lib.Rules,
  columns: Sequence[str],
) -> list[layout.Note]:
  """A note for each workload in the tree that does not count."""
  present = sorted(results.trials['workload'].unique())
  known = set(everything['workload'])
  return [
    layout.Note(
      workload,
      f'not scored by rules {ruled.name}; --workloads can name it'
      if workload in known
      else f'rules {ruled.name} do not know this workload: skipped',
    )
    for workload in present
    if workload not in columns
  ]
