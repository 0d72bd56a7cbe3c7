# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Trials that ended early, or whose files disagree on how they ended."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf import text
from jaxperf.records import layout, read
from jaxperf.scoring import times

# A log that ends before this share of the budget, and before a few more
# evaluations were due, broke off.
_SHARE, _PERIODS = 0.9, 3


def warnings(
  results: read.Results,
  trials: pd.DataFrame,
  rules: rules_lib.Rules,
  ruleset: str,
) -> list[str]:
  """Trials that could not reach a target because they ended before.

  Args:
    results: as read.
    trials: those of its trials that are scored, from `times.trial_times`.
    rules: that are applied.
    ruleset: `'external'` or `'self'`.
  """
  return [
    *_limited(results, trials),
    *_broken_off(results, trials, rules, ruleset),
  ]


def contradictions(
  results: read.Results, trials: pd.DataFrame, rules: rules_lib.Rules
) -> list[layout.Note]:
  """A note for each trial whose result and evaluations disagree.

  The evaluations count. Only what ran under these rules is looked at.
  """
  last = results.evaluations.groupby('run')['step'].max()
  notes = []
  for run, trial in trials.iterrows():
    place = f'{trial["path"]}/result.json'
    step = trial['last_step']
    if isinstance(step, int) and step < last.get(run, 0):
      what = (
        f'it says that the trial ended at step {step}, and there is an '
        f'evaluation of step {last[run]:.0f}: the evaluations count'
      )
      notes.append(layout.Note(place, what))
    if results.config.get('rules') != rules.name:
      continue
    reached, met = trial['outcome'] == 'reached', np.isfinite(trial['time'])
    if trial['outcome'] is not None and reached != met:
      said, done = ('', 'never') if reached else (' not', 'do')
      what = (
        f'it says that the target was{said} reached, and the evaluations '
        f'{done} meet it within the budget: the evaluations count'
      )
      notes.append(layout.Note(place, what))
  return notes


def _limited(results: read.Results, trials: pd.DataFrame) -> list[str]:
  """That the config limits the steps."""
  limit = results.config.get('max_steps')
  if not limit:
    return []
  missed = int(np.isinf(trials['time']).sum())
  return [
    f'the trials were limited to {limit} steps (config.max_steps): '
    f'{missed} of {text.plural(len(trials), "trial")} did not reach the target '
    'within them, which says nothing about the budget.'
  ]


def _broken_off(
  results: read.Results,
  trials: pd.DataFrame,
  rules: rules_lib.Rules,
  ruleset: str,
) -> list[str]:
  """Trials without a recorded end that stop long before their budget."""
  clock = times.clock(rules.unit)
  used = results.evaluations.groupby('run')[clock].max()
  places = []
  for run, trial in trials.iterrows():
    if trial['outcome'] is not None or np.isfinite(trial['time']):
      continue
    goal = rules.workloads[trial['workload']]
    budget = rules.budget(trial['workload'], ruleset)
    end = used.get(run, 0.0)
    if end and end < min(_SHARE * budget, budget - _PERIODS * goal.eval_period):
      places.append(
        f'{trial["path"]} ({end:,.0f} of {budget:,.0f} {rules.unit})'
      )
  if not places:
    return []
  return [
    f'{text.plural(len(places), "log")} stop long before the budget and the '
    f'target: {text.few(places)}. They count as not reached.'
  ]
