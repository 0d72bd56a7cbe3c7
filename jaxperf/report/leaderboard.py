# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Published results, scored by the same functions as one's own."""

from __future__ import annotations

import numpy as np

from jaxperf import text as text_lib
from jaxperf.report import text as report_text
from jaxperf.scoring import published
from jaxperf.scoring.published import board as board_lib


def text(board: board_lib.Board) -> str:
  """The leaderboard as plain text."""
  ranks = board.scores.rank(ascending=False, method='min')
  solved = np.isfinite(board.counted).sum(axis=1)
  rows = [
    [
      name,
      f'{ranks[name]:.0f}',
      f'{value:.4f}',
      f'{board.published[name]:.4f}',
      f'{solved[name]} of {len(board.counted.columns)}',
    ]
    for name, value in board.scores.items()
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
