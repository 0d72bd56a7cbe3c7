# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A comparison of two submissions, study by study, as plain text."""

from __future__ import annotations

import numpy as np

from jaxperf import errors
from jaxperf import text as text_lib
from jaxperf.records import layout
from jaxperf.report import text as report_text
from jaxperf.scoring import comparison
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
  result = comparison.compare(verdict.studies, a, b)
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
    'inf: not reached)',
    text_lib.layout(header, rows),
    text_lib.wrapped(_compared(result, a, b)),
    report_text.warnings(verdict.warnings),
    report_text.notes(verdict.notes),
    text_lib.DISCLAIMER,
  ]
  return '\n\n'.join(part for part in parts if part)


def _compared(result: comparison.Comparison, a: str, b: str) -> str:
  """The comparison in one or two sentences."""
  decided = result.wins + result.losses
  sentence = f'{a} was faster in {result.wins} of {decided} decided pairs'
  if decided:
    sentence += f' (two-sided sign test: p = {result.p_value:.2g})'
  if np.isfinite(result.ratio):
    sentence += f'. Where both reach the target it takes {result.ratio:.2f}'
    sentence += f' times as long as {b}'
    if np.isfinite(result.low):
      sentence += f' (95% interval {result.low:.2f} to {result.high:.2f})'
  return f'{sentence}.'
