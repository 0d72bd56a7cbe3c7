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
from jaxperf.scoring import (
  cautions,
  clocks,
  confidence,
  ends,
  provenance,
  published,
  ranges,
  score,
  selection,
)
from jaxperf.scoring import times as times_lib

_AGAINST = '{} (published)'


class Verdict(NamedTuple):
  """Who won, and everything that leads to it.

  Attributes:
    rules: that were applied.
    ruleset: `'external'` or `'self'`.
    unit: of all times: `'seconds'` or `'steps'`.
    scoring: workloads, held-out pairs and integration of the score.
    results: as read, without the submissions that were not asked for and
      without metrics that cannot be.
    trials: from `times.trial_times`, scored workloads and held-out variants.
    studies: from `times.study_times`.
    times: median times: submissions by workloads and held-out variants.
    counted: times after the rules that void some.
    scores: best first.
    other_scores: from `clocks.other_scores`; None among published results.
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
  timing = selection.timing(results, options)
  rules, ruleset = timing.rules, timing.ruleset
  results = selection.chosen(results, options.submissions)
  scoring = selection.scoring(results, rules, options)
  notes = cautions.unmeasured(results, scoring.columns, rules)
  unverified = []
  if options.verified:
    results, unverified = selection.verified(results)
    notes += unverified
  results, impossible = ranges.possible(results, rules, scoring.columns)
  notes += impossible
  notes += cautions.unscored(results, rules, scoring.columns)
  trials = _scored(timing.trials(results), results, scoring.columns)
  notes += ends.contradictions(results, trials, rules)
  studies = timing.studies(trials)
  submissions = sorted(results.trials['submission'].unique())
  times = times_lib.median_times(studies)
  times = times.reindex(submissions, columns=scoring.columns)
  warnings = [
    *cautions.about_set(times, rules, scoring),
    *cautions.about_counts(studies, rules, ruleset),
    *cautions.about_runs(results, trials),
    *ends.warnings(results, trials, rules, ruleset),
    *provenance.warnings(trials),
    *cautions.about_verification(unverified, results),
  ]
  samples, other_scores = None, None
  if options.against:
    times = pd.concat([times, _published(options.against, timing, scoring)])
    warnings.append(_against_warning(options.against))
  else:
    samples = _samples(studies, scoring, submissions)
    other_scores = clocks.other_scores(results, timing, scoring)
  return Verdict(
    rules=rules,
    ruleset=ruleset,
    unit=timing.unit,
    scoring=scoring,
    results=results,
    trials=trials,
    studies=studies,
    times=times,
    counted=scoring.counted(times),
    scores=scoring(times),
    other_scores=other_scores,
    samples=samples,
    reference=selection.reference(list(times.index), options, results.config),
    warnings=warnings,
    notes=results.notes + notes,
  )


def table(verdict: Verdict) -> pd.DataFrame:
  """One row a submission, best first: `score`, then the median times."""
  columns = verdict.times.reindex(verdict.scores.index)
  columns.insert(0, 'score', verdict.scores)
  return columns


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


def _samples(
  studies: pd.DataFrame, scoring: score.Scoring, submissions: Sequence[str]
) -> pd.DataFrame | None:
  """Bootstrapped scores; None if nothing was run in more than one study."""
  counts = studies.groupby(['submission', 'workload']).size()
  if not (counts > 1).any():
    return None
  samples = confidence.bootstrap(studies, scoring)
  return samples.reindex(columns=submissions, fill_value=0.0)


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


def _published(
  version: str, timing: selection.Timing, scoring: score.Scoring
) -> pd.DataFrame:
  """Published median times under names that say so."""
  times = published.times(version, timing.ruleset)
  if timing.unit == 'steps' or not set(scoring.columns) & set(times.columns):
    raise errors.UserError(
      f'the published results of {version} are seconds on '
      f'{", ".join(rules_lib.load(version).base_workloads)}: nothing here '
      'compares with them.'
    )
  return times.reindex(columns=scoring.columns).rename(index=_AGAINST.format)


def _against_warning(version: str) -> str:
  facts = published.facts(version)
  caveats = ''.join(f' {caveat}' for caveat in facts.caveats)
  return (
    f'the times marked "(published)" were measured on {facts.hardware} '
    f'({facts.date}): yours must be, too, for the comparison to mean anything; '
    f'their studies are not resampled.{caveats}'
  )
