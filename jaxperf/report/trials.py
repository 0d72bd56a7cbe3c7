# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report's sections on trials: where their time went, how they ended."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from jaxperf import text
from jaxperf.records import layout
from jaxperf.report import html
from jaxperf.scoring import verdict as verdict_lib

_OUTCOMES = {
  layout.Outcome.REACHED: 'both targets reached',
  layout.Outcome.BUDGET: 'budget spent',
  layout.Outcome.FINISHED: 'finished',
  layout.Outcome.DIVERGED: 'diverged',
  layout.Outcome.OUT_OF_MEMORY: 'out of memory',
  layout.Outcome.ERROR: 'error',
}
_VERIFIED = {True: 'yes', False: 'failed', None: '–'}
_UNRECORDED = {True: 'target reached', False: 'target not reached'}


def buckets(verdict: verdict_lib.Verdict) -> str:
  """Seconds by bucket of the clock, where that is recorded."""
  trials = verdict.trials[verdict.trials['buckets'].map(_is_buckets)]
  if trials.empty:
    return ''
  seconds = pd.DataFrame(trials['buckets'].tolist(), index=trials.index)
  keys = [trials['submission'], trials['workload']]
  means = seconds.fillna(0).groupby(keys).mean()
  order = means.sum().sort_values(ascending=False).index
  rows = [
    [
      html.escape(name),
      html.escape(workload),
      *(f'{value:.1f}' for value in row[order]),
      f'{row.sum():.1f}',
      f'{100 * row.get("eval", 0) / row.sum():.0f}' if row.sum() else '–',
    ]
    for (name, workload), row in means.iterrows()
  ]
  header = ['submission', 'workload', *(b.replace('_', ' ') for b in order)]
  return (
    '<p>Seconds a trial, mean over its trials. Submission time is train, '
    'prepare eval and data wait, and compile where the rules count it.</p>'
  ) + html.table([*header, 'all', 'eval %'], rows, text_columns=(0, 1))


def trials(verdict: verdict_lib.Verdict, points: pd.DataFrame) -> str:
  """Every trial and how it ended."""
  ended = _ended(verdict.trials)
  counts = ', '.join(
    f'{count} {outcome}' for outcome, count in ended.value_counts().items()
  )
  rows = [
    [
      html.escape(trial['submission']),
      html.escape(trial['workload']),
      str(trial['study']),
      str(trial['trial']),
      html.escape(_with_message(ended[index], trial)),
      _VERIFIED[trial['verified']],
      html.time(trial['time'], verdict.unit),
      str(trial['evaluations']),
      f'<code>{html.escape(_short(points.loc[index].dropna().to_dict()))}</code>',
    ]
    for index, trial in verdict.trials.iterrows()
  ]
  header = ['submission', 'workload', 'study', 'trial', 'outcome', 'verified']
  header += [verdict.unit, 'evaluations', 'hyperparameters']
  body = html.table(header, rows, text_columns=(0, 1, 4, 5, 8))
  total = text.plural(len(rows), 'trial')
  passed = verdict.trials['verified'].map(lambda value: value is True).sum()
  verified = f'{passed or "None"} of them passed `jaxperf verify`.'
  summary = f'<p>{html.escape(f"{total}: {counts}. {verified}")}</p>'
  return summary + (body if len(rows) <= 12 else html.details('All', body))


def environment(verdict: verdict_lib.Verdict) -> str:
  """Hardware, software and the experiment's config."""
  rows = []
  for name in ('hardware', 'software'):
    for value, count in verdict.trials[name].value_counts().items():
      rows.append([name, html.escape(value), text.plural(count, 'trial')])
  body = (
    html.table(['', 'as recorded', 'on'], rows, text_columns=(0, 1))
    if rows
    else ''
  )
  if verdict.results.config:
    config = json.dumps(verdict.results.config, indent=2)
    body += html.details('Config', f'<pre>{html.escape(config)}</pre>')
  return body


def _is_buckets(value: object) -> bool:
  return isinstance(value, dict) and bool(value)


def _ended(trials: pd.DataFrame) -> pd.Series:
  """How each trial ended, in words."""
  ended = trials['outcome'].map(_OUTCOMES.get)
  solved = np.isfinite(trials['time'])
  return ended.where(ended.notna(), solved.map(_UNRECORDED))


def _with_message(outcome: str, trial: pd.Series) -> str:
  """An outcome, and what went wrong."""
  if isinstance(trial['message'], str):
    outcome = f'{outcome}: {trial["message"]}'
  if not pd.isna(trial['nonfinite_step']):
    outcome += f'; loss not finite from step {trial["nonfinite_step"]:.0f}'
  return outcome


def _short(point: dict) -> str:
  """A hyperparameter point in one line."""
  return ', '.join(
    f'{name}={value:.3g}' if isinstance(value, float) else f'{name}={value}'
    for name, value in point.items()
  )
