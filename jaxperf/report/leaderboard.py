# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Published leaderboards as plain text."""

from __future__ import annotations

import math

from jaxperf import rules as rules_lib
from jaxperf import text as text_lib
from jaxperf.report import text as report_text
from jaxperf.scoring import published, tables
from jaxperf.scoring.published import board as board_lib

FORMS = ('seconds', 'fractions', 'speed-ups')
_NOT_RUN = '-'


def text(board: board_lib.Board, form: str = 'seconds') -> str:
  """Times, scores beside those that were published, and the source.

  Args:
    board: to show.
    form: of the times, one of `FORMS`.
  """
  rows = []
  for row in tables.ranking(board).itertuples():
    published_score = board.published.get(row.Index, math.nan)
    rows.append(
      [
        row.Index,
        f'{row.rank}',
        f'{row.score:.4f}',
        _NOT_RUN if math.isnan(published_score) else f'{published_score:.4f}',
        f'{row.solved} of {len(board.scoring.workloads)}',
      ]
    )
  header = ['submission', 'rank', 'score', 'as published', 'solved']
  facts = board.facts
  return '\n\n'.join(
    [
      text_lib.wrapped(
        f'Rules {board.rules.title}; {rules_lib.TUNING[board.ruleset]}; '
        f'{facts.hardware}; {facts.date}'
      ),
      report_text.times(board) if form == 'seconds' else _relative(board, form),
      text_lib.layout(header, rows),
      text_lib.wrapped(f'Source: {facts.source}.'),
      *map(text_lib.wrapped, facts.caveats),
      text_lib.DISCLAIMER,
    ]
  )


def listing() -> str:
  """The boards that there are."""
  rows = []
  for version in published.names():
    facts = published.facts(version)
    for ruleset in published.rulesets(version):
      count = len(published.times(version, ruleset))
      rows.append([version, ruleset, f'{count}', facts.date, facts.hardware])
  header = ['version', 'ruleset', 'submissions', 'measured', 'on']
  return '\n\n'.join(
    [
      text_lib.layout(header, rows, prose=header),
      'next: jaxperf leaderboard VERSION --ruleset=RULESET '
      f'--show={"|".join(FORMS)}',
    ]
  )


def _relative(board: board_lib.Board, form: str) -> str:
  """Times as fractions of the budgets, or as speed-ups."""
  table = board_lib.shown(board, form)
  if form == 'fractions':
    title = (
      'Fraction of the budget until the validation target, median over the '
      'studies (inf: not reached; -: not run)'
    )
    cells = table.map(lambda x: _NOT_RUN if math.isnan(x) else f'{x:.2f}')
  else:
    title = (
      f'Times as fast as {board_lib.reference(board)} (0: not reached; -: not '
      'run, or not reached by that one)'
    )
    cells = table.map(_speedup)
  rows = [[workload, *column] for workload, column in cells.items()]
  return f'{title}\n\n' + text_lib.layout(['workload', *cells.index], rows)


def _speedup(ratio: float) -> str:
  if math.isnan(ratio):
    return _NOT_RUN
  return '0' if ratio == 0 else f'{ratio:.2f}'
