# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The sections of the report: title -> HTML.

Those on single workloads and single trials are in modules of their own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jaxperf.report import curves, figures, html, scalars, trials, workloads
from jaxperf.report import text as report_text
from jaxperf.scoring import confidence, diagnostics, tables
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


def sections(
  verdict: verdict_lib.Verdict, points: pd.DataFrame, recorded: pd.DataFrame
) -> dict[str, str]:
  """All sections that have something to say, in order.

  Args:
    verdict: of the results.
    points: hyperparameters of the trials, by row of `verdict.trials`.
    recorded: what training steps recorded, from `scalars.read`.
  """
  everything = {
    'How the scores come about': _scores(verdict),
    'How sure': _certainty(verdict),
    'Scores by other clocks': _clocks(verdict),
    'Workloads': workloads.workloads(verdict),
    'Budget': _budget(verdict),
    'Training loss and other scalars': scalars.section(verdict, recorded),
    'Hyperparameters': _hyperparameters(verdict, points),
    'Where the time went': trials.buckets(verdict),
    'Trials': trials.trials(verdict, points),
    'Machine and config': trials.environment(verdict),
    'Skipped or repaired': html.items([str(n) for n in verdict.notes]),
  }
  return {title: body for title, body in everything.items() if body}


def _profile(verdict: verdict_lib.Verdict) -> str:
  """The performance profile; one submission has none."""
  if len(verdict.scores) == 1:
    return ''
  profile = tables.profile(verdict)
  best = ', '.join(
    f'{name} {100 * rho.iloc[0]:.0f}%' for name, rho in profile.iterrows()
  )
  return html.figure(
    figures.performance_profile(profile),
    f'Performance profile. Fastest on: {best}.',
    _PROFILE,
  )


def _scores(verdict: verdict_lib.Verdict) -> str:
  """The profile and the times."""
  return (
    _profile(verdict)
    + html.figure(
      figures.time_heatmap(tables.times(verdict), verdict.unit),
      f'Median {verdict.unit} to the target of every submission on every '
      'workload; the same numbers follow by workload.',
      _HEATMAP,
    )
    + _voided(verdict)
  )


def _voided(verdict: verdict_lib.Verdict) -> str:
  """Which times do not count."""
  voided = tables.voided(verdict).stack()
  if not voided.any():
    return ''
  places = [f'{name} on {workload}' for name, workload in voided[voided].index]
  rule = (
    f'Voided by the rules (more than {verdict.rules.tau_max:g} times the '
    f'fastest, or a held-out variant failed): {", ".join(places)}.'
  )
  return f'<p>{html.escape(rule)}</p>'


def _certainty(verdict: verdict_lib.Verdict) -> str:
  """Intervals, neighbours, leave-one-out."""
  certainty = tables.certainty(verdict)
  if certainty is None:
    return ''
  rows = [
    [
      html.escape(f'{pair.first} over {pair.second}'),
      html.escape(report_text.chance(pair.chance)),
      f'more than {confidence.MOST_STUDIES}'
      if np.isnan(pair.studies)
      else f'{pair.studies:.0f}',
    ]
    for pair in certainty.neighbours
  ]
  without = ''
  if len(certainty.without.columns):
    without = '<h3>Scores without one workload</h3>'
    without += html.scores('without', certainty.without.T)
  return (
    f'<p>The studies were drawn again {certainty.samples} times with '
    'replacement, and every score was computed anew. Few studies make rough '
    'intervals.</p>'
    + html.figure(
      figures.score_intervals(
        verdict.scores, confidence.intervals(verdict.samples)
      ),
      'Scores with 95% intervals; the numbers are in the table above.',
    )
    + html.table(
      ['neighbours', 'chance to be better', 'studies to be 95% sure'], rows
    )
    + without
  )


def _clocks(verdict: verdict_lib.Verdict) -> str:
  """Scores over steps or seconds, with and without compilation."""
  scores = tables.clocks(verdict)
  alone = len(verdict.scores) == 1
  return '' if scores is None or alone else html.scores('submission', scores)


def _budget(verdict: verdict_lib.Verdict) -> str:
  """Use of the budget, and what smaller budgets would have said."""
  if verdict.unit != verdict.rules.unit:
    return ''
  fractions = diagnostics.budget_fractions(
    tables.times(verdict, held_out=False), verdict.rules, verdict.ruleset
  )
  used = html.figure(
    figures.budget_use(fractions),
    'Share of the budget used until the target, by workload and submission.',
  )
  if len(verdict.scores) == 1:
    return used
  by_budget = diagnostics.scores_by_budget(
    verdict.results,
    verdict.rules,
    verdict.ruleset,
    verdict.scoring,
    unit=verdict.unit,
  )
  return (
    used
    + '<h3>Scores under smaller budgets</h3>'
    + html.scores(
      'submission', by_budget.rename(columns='{:.0%} of the budget'.format)
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
  scatters = []
  for workload in verdict.scoring.workloads:
    own = verdict.trials[verdict.trials['workload'] == workload]
    values = rates[own.index]
    if values.notna().any():
      scatters.append(
        html.figure(
          curves.hyperparameter_scatter(
            values, own, verdict.unit, list(verdict.scores.index)
          ),
          f'{verdict.unit} to the target over the learning rate, {workload}.',
        )
      )
  return '\n'.join(scatters)
