# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A comparison of two submissions, study by study, as plain text."""

from __future__ import annotations

import numpy as np

from jaxperf import errors
from jaxperf import text as text_lib
from jaxperf.records import layout
from jaxperf.report import text as report_text
from jaxperf.scoring import comparison, tables
from jaxperf.scoring import verdict as verdict_lib


def text(verdict: verdict_lib.Verdict, a: str, b: str) -> str:
  """Two submissions, study by study, as text.

  Raises:
    UserError: if there is no such submission.
  """
  a, b = layout.shown(a), layout.shown(b)
  known = sorted(verdict.studies['submission'].unique())
  for name in (a, b):
    if name not in known:
      raise errors.UserError(
        f'no submission {name!r} here{errors.nearest(name, known)} '
        f'There are: {", ".join(known)}.'
      )
  result = comparison.compare(tables.counted_studies(verdict), a, b)
  rows = [
    [
      row.Index,
      text_lib.amount(row.a, verdict.unit),
      text_lib.amount(row.b, verdict.unit),
      '-' if np.isnan(row.ratio) else f'{row.ratio:.2f}',
      f'{row.wins} of {row.studies}',
    ]
    for row in comparison.by_workload(result).itertuples()
  ]
  header = ['workload', a, b, 'ratio', f'{a} faster']
  parts = [
    f'{verdict.unit.capitalize()} to the target, paired by study (median; '
    'inf: not reached, or voided)',
    text_lib.layout(header, rows),
    _closeness(verdict, result, a, b),
    text_lib.wrapped(_compared(result, a, b)),
    report_text.warnings(verdict.warnings),
    report_text.notes(verdict.notes),
    text_lib.DISCLAIMER,
  ]
  return '\n\n'.join(part for part in parts if part)


def _compared(result: comparison.Comparison, a: str, b: str) -> str:
  """The comparison in one or two sentences."""
  decided = result.wins + result.losses
  if not decided:
    return f'No pair says which is faster{_neither(result)}.'
  sentence = f'{a} was faster in {result.wins} of {decided} decided pairs'
  sentence += f' (two-sided sign test: p = {result.p_value:.2g})'
  if np.isfinite(result.ratio):
    sentence += (
      f'. On the workloads that both solve it takes {result.ratio:.2f}'
    )
    sentence += (
      f' times as long as {b} (geometric mean of the ratios of medians'
    )
    if np.isfinite(result.low):
      sentence += f'; 95% interval {result.low:.2f} to {result.high:.2f}'
    sentence += ')'
  return f'{sentence}.'


def _neither(result: comparison.Comparison) -> str:
  """Why no pair is decided."""
  if np.isinf(result.pairs[['a', 'b']]).all(axis=None):
    return ': neither reaches a target in any study'
  return ': they are as fast in all of them'


def _closeness(
  verdict: verdict_lib.Verdict, result: comparison.Comparison, a: str, b: str
) -> str:
  """How close both came where one or both did not reach the target."""
  by_workload = comparison.by_workload(result)
  missed = by_workload.index[by_workload['ratio'].isna()]
  best = tables.best_metrics(verdict, list(missed))
  rows, closer = [], {a: 0, b: 0}
  for workload in missed:
    goal = verdict.rules.workloads[workload]
    values = best[workload].reindex([a, b])
    order = values.sort_values(ascending=goal.minimize)
    leads = (
      order.index[0]
      if values.notna().all() and (values.nunique() > 1)
      else None
    )
    if leads is not None:
      closer[leads] += 1
    rows.append(
      [
        workload,
        f'{goal.metric} {goal.validation_target:g}',
        *(text_lib.metric(value) for value in values),
        leads or '-',
      ]
    )
  if not rows:
    return ''
  return '\n\n'.join(
    [
      'How close they came where not both reach the target: best validation '
      'metric within the budget',
      text_lib.layout(['workload', 'target', a, b, 'closer'], rows),
      f'{a} came closer on {closer[a]} of these, {b} on {closer[b]}.',
    ]
  )
