# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A published leaderboard, computed by the functions that score any results."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf import text
from jaxperf.scoring import published, score
from jaxperf.scoring import times as times_lib


class Board(NamedTuple):
  """A published leaderboard; the fields of a `verdict.Verdict` that it has.

  Attributes:
    rules: of that version.
    unit: of the times.
    scoring: workloads, held-out pairs, integration.
    times: median times: submissions by workloads and held-out variants.
    counted: times after the rules that void some.
    scores: best first.
    published: the scores as they were published.
  """

  rules: rules_lib.Rules
  unit: str
  scoring: score.Scoring
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

  >>> board = build('v0.5', 'self')
  >>> board.scores.head(2).round(4).to_dict()
  {'schedule_free_adamw': 0.8542, 'baseline': 0.8194}
  """
  times = published.times(version, ruleset)
  rules = rules_lib.load(version)
  workloads = score.scored_workloads(rules)
  held_out = score.held_out_pairs(rules, workloads, times)
  scoring = score.Scoring(workloads, held_out, rules.tau_max, integration)
  times = times.reindex(columns=scoring.columns)
  return Board(
    rules=rules,
    unit='seconds',
    scoring=scoring,
    times=times,
    counted=scoring.counted(times),
    scores=scoring(times),
    published=published.published_scores(version, ruleset),
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
    'scores': board.scores.to_dict(),
    'time_to_target': times_lib.finite_times(board.times),
    'notes': [published.SOURCE, text.DISCLAIMER],
  }
