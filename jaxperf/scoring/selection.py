# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What to score and how: what was asked for, completed by config and rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from jaxperf import errors
from jaxperf import rules as rules_lib
from jaxperf.records import layout, read
from jaxperf.scoring import score, times


class Options(NamedTuple):
  """What was asked for; None and empty mean: what config and rules say.

  Attributes:
    rules: name, or path of a TOML file.
    ruleset: `'external'` or `'self'`.
    integration: as in `score.scores`.
    trial_choice: as in `times.study_times`.
    unit: of the times: `'seconds'` or `'steps'`.
    workloads: to score.
    submissions: to score.
    reference: submission that speed-ups refer to.
    against: version of the published results to be placed among.
    verified: count only trials that `jaxperf verify` passed.
  """

  rules: str | None = None
  ruleset: str | None = None
  integration: str = 'exact'
  trial_choice: str = 'time'
  unit: str | None = None
  workloads: Sequence[str] = ()
  submissions: Sequence[str] = ()
  reference: str | None = None
  against: str | None = None
  verified: bool = False


class Timing(NamedTuple):
  """How runs become times.

  Attributes:
    rules: that say goals and budgets.
    ruleset: `'external'` or `'self'`.
    unit: of the times: `'seconds'` or `'steps'`.
    trial_choice: as in `times.study_times`.
  """

  rules: rules_lib.Rules
  ruleset: str
  unit: str
  trial_choice: str

  def trials(self, results: read.Results) -> pd.DataFrame:
    """`times.trial_times` of results."""
    return times.trial_times(results, self.rules, self.ruleset, unit=self.unit)

  def studies(self, trials: pd.DataFrame) -> pd.DataFrame:
    """`times.study_times` of trials."""
    return times.study_times(trials, self.trial_choice)


def timing(results: read.Results, options: Options) -> Timing:
  """Timing as it was asked for, or as the experiment was run.

  Where neither is known, by the only rules that know all workloads, if it is
  one: those of a language model are in v1.0 alone.
  """
  config = results.config
  name = options.rules or config.get('rules') or _only_rules(results)
  ruleset = options.ruleset or config.get('ruleset')
  if not name:
    raise errors.UserError(
      'these results do not say which rules they were run under: give '
      f'--rules={{{",".join(rules_lib.names())}}}.'
    )
  if ruleset not in rules_lib.TUNING_RULESETS:
    raise errors.UserError(
      f'ruleset {ruleset!r}: give --ruleset=external (tuned hyperparameters) '
      'or --ruleset=self (none).'
    )
  try:
    rules = rules_lib.load(name)
  except ValueError as error:
    raise errors.UserError(str(error)) from None
  return Timing(
    rules, ruleset, options.unit or rules.unit, options.trial_choice
  )


def _only_rules(results: read.Results) -> str | None:
  """The rules that ship and know all workloads there are, if it is one."""
  there = set(results.trials['workload'])
  known = [
    name
    for name in rules_lib.names()
    if there and there <= set(rules_lib.load(name).workloads)
  ]
  return known[0] if len(known) == 1 else None


def scoring(
  results: read.Results, rules: rules_lib.Rules, options: Options
) -> score.Scoring:
  """The score over the workloads asked for, else of the config or the rules."""
  planned = options.workloads
  if not planned and options.rules in (None, results.config.get('rules')):
    configured = results.config.get('workloads') or ()
    planned = [w for w in configured if w not in rules.held_out]
  try:
    workloads = score.scored_workloads(rules, planned)
  except ValueError as error:
    raise errors.UserError(str(error)) from None
  present = set(results.trials['workload'])
  held_out = score.held_out_pairs(rules, workloads, present)
  return score.Scoring(workloads, held_out, rules.tau_max, options.integration)


def chosen(results: read.Results, submissions: Sequence[str]) -> read.Results:
  """The results of the named submissions; of all if none is named."""
  known = sorted(results.trials['submission'].unique())
  keep = [layout.shown(name) for name in submissions]
  for name in keep:
    if name not in known:
      raise errors.UserError(
        f'no submission {name!r} here{errors.nearest(name, known)} '
        f'There are: {", ".join(known)}.'
      )
  if not submissions:
    return results
  return results._replace(
    trials=results.trials[results.trials['submission'].isin(keep)],
    evaluations=results.evaluations[
      results.evaluations['submission'].isin(keep)
    ],
  )


def verified(
  results: read.Results,
) -> tuple[read.Results, list[layout.Note]]:
  """Results in which only trials count that `jaxperf verify` passed.

  Returns:
    The results without the evaluations of other trials, which so have reached
    nothing; and a note for each of these.
  """
  passed = results.trials['verified'].map(lambda value: value is True)
  notes = [
    layout.Note(
      trial['path'],
      'failed when it was verified: not counted'
      if trial['verified'] is False
      else 'not verified: not counted',
    )
    for _, trial in results.trials[~passed].iterrows()
  ]
  counted = results.evaluations['run'].isin(results.trials.index[passed])
  return results._replace(evaluations=results.evaluations[counted]), notes


def reference(
  submissions: Sequence[str], options: Options, config: Mapping
) -> str:
  """Asked for, or called a baseline, or the config's first, or any."""
  asked = options.reference and layout.shown(options.reference)
  if asked and asked not in submissions:
    raise errors.UserError(
      f'no submission {asked!r} to refer to{errors.nearest(asked, submissions)}'
    )
  named = [name for name in submissions if 'baseline' in name.lower()]
  configured = [
    str(entry).removesuffix('.py').replace('/', '.').split('.')[-1]
    for entry in config.get('submissions') or ()
  ]
  first = [name for name in configured if name in submissions]
  return asked or [*named, *first, *submissions][0]
