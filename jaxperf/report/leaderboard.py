# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A published leaderboard as plain text."""

from __future__ import annotations

from jaxperf import text as text_lib
from jaxperf.report import text as report_text
from jaxperf.scoring import published, tables
from jaxperf.scoring.published import board as board_lib


def text(board: board_lib.Board) -> str:
  """Times, scores beside those that were published, and the source."""
  rows = [
    [
      row.Index,
      f'{row.rank}',
      f'{row.score:.4f}',
      f'{board.published[row.Index]:.4f}',
      f'{row.solved} of {len(board.scoring.workloads)}',
    ]
    for row in tables.ranking(board).itertuples()
  ]
  header = ['submission', 'rank', 'score', 'as published', 'solved']
  return '\n\n'.join(
    [
      f'Rules {board.rules.title}; {board.rules.hardware}',
      report_text.times(board),
      text_lib.layout(header, rows),
      text_lib.wrapped(f'Source: {published.SOURCE}.'),
      text_lib.DISCLAIMER,
    ]
  )
