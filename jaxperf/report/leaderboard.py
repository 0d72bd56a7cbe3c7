# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Published results, scored by the same functions as one's own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf import text as text_lib
from jaxperf.report import text as report_text
from jaxperf.scoring import confidence, score, verdict
from jaxperf.scoring import published as published_lib


class Board(NamedTuple):
  """A published leaderboard, computed anew.

  Attributes:
    rules: of that version.
    unit: of the times.
    scoring: workloads, held-out pairs, integration.
    times: median times: submissions by workloads and held-out variants.
    counted: times after the rules that void some.
    scores: best first.
    published: the scores as they were published.
  """

  rules: rules_lib.Ruleset
  unit: str
  scoring: confidence.Scoring
  times: pd.DataFrame
  counted: pd.DataFrame
  scores: pd.Series
  published: pd.Series


def build(version: str, ruleset: str, integration: str = 'published') -> Board:
  """The leaderboard of a version of the benchmark.

  Args:
    version: of the rules, such as `v0.5`.
    ruleset: `'external'` or `'self'`.
    integration: as in `score.scores`.

  Raises:
    UserError: if no results of that version ship.
  """
  times = published_lib.times(version, ruleset)
  ruled = rules_lib.load(version)
  workloads = score.scored_workloads(ruled)
  held_out = score.held_out_pairs(ruled, workloads, times)
  times = times.reindex(columns=[*workloads, *held_out])
  counted = score.counted_times(times, workloads, held_out, ruled.tau_max)
  return Board(
    ruled,
    'seconds',
    confidence.Scoring(workloads, held_out, ruled.tau_max, integration),
    times,
    counted,
    score.scores(counted, ruled.tau_max, integration),
    published_lib.published_scores(version, ruleset),
  )


def table(board: Board) -> pd.DataFrame:
  """One row a submission, best first: `score`, `published`, then the times."""
  columns = board.times.reindex(board.scores.index)
  columns.insert(0, 'published', board.published)
  columns.insert(0, 'score', board.scores)
  return columns


def as_json(board: Board) -> dict:
  """The leaderboard as JSON values, keyed as those of `jaxperf score`."""
  return {
    'scores': {name: float(value) for name, value in board.scores.items()},
    'time_to_target': verdict.finite_times(board.times),
    'notes': [published_lib.SOURCE, report_text.DISCLAIMER],
  }


def text(board: Board) -> str:
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
      report_text.wrapped(f'Source: {published_lib.SOURCE}.'),
      report_text.DISCLAIMER,
    ]
  )
