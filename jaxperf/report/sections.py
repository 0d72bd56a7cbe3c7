# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The sections of the report: title -> HTML."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pandas as pd

from jaxperf import text as text_lib
from jaxperf.report import curves, html, workloads
from jaxperf.report import figures as figures_lib
from jaxperf.report import text as report_text
from jaxperf.scoring import confidence, diagnostics, score
from jaxperf.scoring import verdict as verdict_lib

_PROFILE = (
  'Height at 1: how often a submission is the fastest. Further right: how many '
  'workloads it solves if it may take that many times as long. The score is '
  'the area under the line.'
)
_HEATMAP = (
  'Median over the studies. Bold and light: the fastest; darker: slower. “no”: '
  'the target was not reached within the budget. “–”: not run.'
)

_OUTCOMES = {
  'reached': 'both targets reached',
  'budget': 'budget spent',
  'finished': 'finished',
  'diverged': 'diverged',
  'out_of_memory': 'out of memory',
  'error': 'error',
}
_UNRECORDED = {True: 'target reached', False: 'target not reached'}


def sections(
  verdict: verdict_lib.Verdict, points: pd.DataFrame
) -> dict[str, str]:
  """All sections that have something to say, in order.

  Args:
    verdict: of the results.
    points: hyperparameters of the trials, by row of `verdict.trials`.
  """
  everything = {
    'How the scores come about': _scores(verdict),
    'How sure': _certainty(verdict),
    'Scores by other clocks': _other_clocks(verdict),
    'Workloads': workloads.workloads(verdict),
    'Budget': _budget(verdict),
    'Hyperparameters': _hyperparameters(verdict, points),
    'Where the time went': _buckets(verdict),
    'Trials': _trials(verdict, points),
    'Machine and config': _environment(verdict),
    'Skipped or repaired': html.items([str(n) for n in verdict.notes]),
  }
  return {title: body for title, body in everything.items() if body}


def _scores(verdict: verdict_lib.Verdict) -> str:
  """The profile and the times."""
  counted = verdict.counted.reindex(verdict.scores.index)
  profile = score.profile(
    score.performance_ratios(counted), verdict.rules.tau_max
  )
  best = ', '.join(
    f'{name} {100 * rho.iloc[0]:.0f}%' for name, rho in profile.iterrows()
  )
  times = workloads.ranked(verdict, held_out=True)
  voided = [
    f'{name} on {workload}'
    for (name, workload), time in counted.stack().items()
    if np.isinf(time) and np.isfinite(times.loc[name, workload])
  ]
  rule = (
    f'Voided by the rules (more than {verdict.rules.tau_max:g} times the '
    'fastest, or a held-out variant failed): ' + ', '.join(voided) + '.'
    if voided
    else ''
  )
  return (
    html.figure(
      figures_lib.performance_profile(profile),
      f'Performance profile. Fastest on: {best}.',
      _PROFILE,
    )
    + html.figure(
      figures_lib.time_heatmap(times, verdict.unit),
      f'Median {verdict.unit} to the target of every submission on every '
      'workload; the same numbers follow by workload.',
      _HEATMAP,
    )
    + (f'<p>{html.escape(rule)}</p>' if rule else '')
  )


def _certainty(verdict: verdict_lib.Verdict) -> str:
  """Intervals, neighbours, leave-one-out."""
  if verdict.samples is None:
    return ''
  bounds = confidence.intervals(verdict.samples)
  needed = confidence.studies_needed(verdict.studies, verdict.scoring)
  better = confidence.probability_better(verdict.samples)
  rows = []
  for first, second in itertools.pairwise(verdict.scores.index):
    count = needed.get(first, math.nan)
    rows.append(
      [
        html.escape(f'{first} over {second}'),
        html.escape(report_text.chance(better.loc[first, second])),
        'more than 30' if math.isnan(count) else f'{count:.0f}',
      ]
    )
  without = confidence.leave_one_out(verdict.times, verdict.scoring)
  return (
    '<p>The studies were drawn again 1000 times with replacement, and every '
    'score was computed anew. Few studies make rough intervals.</p>'
    + html.figure(
      figures_lib.score_intervals(verdict.scores, bounds),
      'Scores with 95% intervals; the numbers are in the table above.',
    )
    + html.table(
      ['neighbours', 'chance to be better', 'studies to be 95% sure'], rows
    )
    + (_leave_one_out(without) if len(without.columns) else '')
  )


def _leave_one_out(without: pd.DataFrame) -> str:
  """Scores with one workload less."""
  return '<h3>Scores without one workload</h3>' + html.table(
    ['without', *without.index],
    [
      [html.escape(workload), *(f'{value:.3f}' for value in column)]
      for workload, column in without.items()
    ],
  )


def _other_clocks(verdict: verdict_lib.Verdict) -> str:
  """Scores over steps or seconds, with and without compilation."""
  if verdict.other_scores is None:
    return ''
  table = verdict.other_scores.reindex(verdict.scores.index, fill_value=0.0)
  table.insert(0, f'{verdict.unit} (the ranking)', verdict.scores)
  return html.table(
    ['submission', *table],
    [
      [html.escape(name), *(f'{value:.3f}' for value in row)]
      for name, row in table.iterrows()
    ],
  )


def _budget(verdict: verdict_lib.Verdict) -> str:
  """Use of the budget, and what smaller budgets would have said."""
  if verdict.unit != verdict.rules.unit:
    return ''
  fractions = diagnostics.budget_fractions(
    workloads.ranked(verdict), verdict.rules, verdict.ruleset
  )
  by_budget = diagnostics.scores_by_budget(
    verdict.results,
    verdict.rules,
    verdict.ruleset,
    verdict.scoring,
    unit=verdict.unit,
  )
  return (
    html.figure(
      figures_lib.budget_use(fractions),
      'Share of the budget used until the target, by workload and submission.',
    )
    + '<h3>Scores under smaller budgets</h3>'
    + html.table(
      ['submission', *(f'{factor:.0%} of the budget' for factor in by_budget)],
      [
        [html.escape(name), *(f'{value:.3f}' for value in row)]
        for name, row in by_budget.iterrows()
      ],
    )
    + '<p class="soft">From the same runs: a schedule that aims at the full '
    'budget would do better if told of the smaller one.</p>'
  )


def _hyperparameters(verdict: verdict_lib.Verdict, points: pd.DataFrame) -> str:
  """One scatter a workload over the learning rate, where it varies."""
  name = 'learning_rate'
  if name not in points:
    return ''
  rates = pd.to_numeric(points[name].astype(str), errors='coerce')
  if rates.groupby(verdict.trials['submission']).nunique().max() < 3:
    return ''
  figures = []
  for workload in verdict.scoring.workloads:
    trials = verdict.trials[verdict.trials['workload'] == workload]
    values = rates[trials.index]
    if values.notna().any():
      figures.append(
        html.figure(
          curves.hyperparameter_scatter(
            values, trials, verdict.unit, list(verdict.scores.index)
          ),
          f'{verdict.unit} to the target over the learning rate, {workload}.',
        )
      )
  return '\n'.join(figures)


def _buckets(verdict: verdict_lib.Verdict) -> str:
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


def _is_buckets(value: object) -> bool:
  return isinstance(value, dict) and bool(value)


def _trials(verdict: verdict_lib.Verdict, points: pd.DataFrame) -> str:
  """Every trial and how it ended."""
  solved = np.isfinite(verdict.trials['time'])
  ended = verdict.trials['outcome'].map(_OUTCOMES)
  ended = ended.where(ended.notna(), solved.map(_UNRECORDED))
  counts = ', '.join(
    f'{count} {outcome}' for outcome, count in ended.value_counts().items()
  )
  rows = []
  for index, trial in verdict.trials.iterrows():
    point = points.loc[index].dropna().to_dict()
    outcome = ended[index]
    if isinstance(trial['message'], str):
      outcome += f': {trial["message"]}'
    rows.append(
      [
        html.escape(trial['submission']),
        html.escape(trial['workload']),
        str(trial['study']),
        str(trial['trial']),
        html.escape(outcome),
        workloads.time_text(trial['time'], verdict.unit),
        str(trial['evaluations']),
        f'<code>{html.escape(_short(point))}</code>',
      ]
    )
  header = ['submission', 'workload', 'study', 'trial', 'outcome']
  header += [verdict.unit, 'evaluations', 'hyperparameters']
  body = html.table(header, rows, text_columns=(0, 1, 4, 7))
  total = text_lib.plural(len(rows), 'trial')
  text = f'<p>{html.escape(f"{total}: {counts}.")}</p>'
  return text + (body if len(rows) <= 12 else html.details('All', body))


def _environment(verdict: verdict_lib.Verdict) -> str:
  """Hardware, software and the experiment's config."""
  rows = []
  for name in ('hardware', 'software'):
    for value, count in verdict.trials[name].value_counts().items():
      rows.append([name, html.escape(value), text_lib.plural(count, 'trial')])
  body = (
    html.table(['', 'as recorded', 'on'], rows, text_columns=(0, 1))
    if rows
    else ''
  )
  if verdict.results.config:
    config = json.dumps(verdict.results.config, indent=2)
    body += html.details('Config', f'<pre>{html.escape(config)}</pre>')
  return body


def _short(point: dict) -> str:
  """A hyperparameter point in one line."""
  return ', '.join(
    f'{name}={value:.3g}' if isinstance(value, float) else f'{name}={value}'
    for name, value in point.items()
  )
