# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A published leaderboard, computed by the functions that score any results."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf import text
from jaxperf.scoring import diagnostics, published, score
from jaxperf.scoring import times as times_lib


class Board(NamedTuple):
  """A published leaderboard; the fields of a `verdict.Verdict` that it has.

  Attributes:
    rules: of that version.
    ruleset: `'external'` or `'self'`.
    unit: of the times.
    scoring: workloads, held-out pairs, integration.
    times: median times: submissions by workloads and held-out variants.
    counted: times after the rules that void some.
    scores: best first.
    published: the scores as they were published, where they were.
    facts: where the results come from.
  """

  rules: rules_lib.Rules
  ruleset: str
  unit: str
  scoring: score.Scoring
  times: pd.DataFrame
  counted: pd.DataFrame
  scores: pd.Series
  published: pd.Series
  facts: published.Facts


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
    ruleset=ruleset,
    unit='seconds',
    scoring=scoring,
    times=times,
    counted=scoring.counted(times),
    scores=scoring(times),
    published=published.published_scores(version, ruleset),
    facts=published.facts(version),
  )


def table(board: Board, form: str = 'seconds') -> pd.DataFrame:
  """One row a submission, best first: `score`, `published`, then the times.

  Args:
    board: to show.
    form: of the times, as in `shown`.
  """
  columns = shown(board, form)
  columns.insert(0, 'published', board.published)
  columns.insert(0, 'score', board.scores)
  return columns


def shown(board: Board, form: str) -> pd.DataFrame:
  """What a board shows of its times, rows and columns as `table` has them.

  Args:
    board: to show.
    form: `'seconds'`; `'fractions'` of the budget; `'speed-ups'` over the
      `reference`.
  """
  times = board.times.reindex(board.scores.index)
  if form == 'fractions':
    return diagnostics.budget_fractions(times, board.rules, board.ruleset)
  if form == 'speed-ups':
    ratios = diagnostics.speedups(times, reference(board))
    # What was not reached is infinitely slow; what was not run stays unknown.
    return ratios.mask(np.isinf(times), 0.0)
  return times


def reference(board: Board) -> str:
  """The submission that speed-ups refer to: called a baseline, or the first."""
  names = list(board.scores.index)
  return [*[n for n in names if 'baseline' in n], *names][0]


def as_json(board: Board, form: str = 'seconds') -> dict:
  """The leaderboard as JSON values, keyed as those of `jaxperf score`.

  Args:
    board: to show.
    form: of the times, as in `shown`.
  """
  keys = {'seconds': 'time_to_target', 'fractions': 'fraction_of_budget'}
  return {
    'scores': board.scores.to_dict(),
    keys.get(form, 'speed_up'): times_lib.finite_times(shown(board, form)),
    'notes': [board.facts.source, *board.facts.caveats, text.DISCLAIMER],
  }
