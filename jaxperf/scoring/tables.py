# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What text and report show of a verdict, as tables that they only format.

Submissions are rows in the order of the ranking, workloads are columns.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxperf.scoring import confidence, diagnostics, score
from jaxperf.scoring import times as times_lib
from jaxperf.scoring import verdict as verdict_lib
from jaxperf.scoring.published import board as board_lib

Ranked = verdict_lib.Verdict | board_lib.Board


def times(ranked: Ranked, *, held_out: bool = True) -> pd.DataFrame:
  """Median times, with those of the held-out variants or without."""
  scoring = ranked.scoring
  columns = scoring.columns if held_out else list(scoring.workloads)
  return ranked.times.reindex(ranked.scores.index, columns=columns)


def voided(ranked: Ranked) -> pd.DataFrame:
  """Which times of the scored workloads are finite and do not count."""
  counted = ranked.counted.reindex(ranked.scores.index)
  return np.isfinite(times(ranked, held_out=False)) & np.isinf(counted)


def profile(ranked: Ranked) -> pd.DataFrame:
  """The performance profile, as in `score.profile`."""
  counted = ranked.counted.reindex(ranked.scores.index)
  ratios = score.performance_ratios(counted)
  return score.profile(ratios, ranked.scoring.tau_max)


def ranking(ranked: Ranked) -> pd.DataFrame:
  """Columns `rank` (ties share the better one), `score`, `solved` (targets)."""
  solved = np.isfinite(ranked.counted).sum(axis=1)
  return pd.DataFrame(
    {
      'rank': ranked.scores.rank(ascending=False, method='min').astype(int),
      'score': ranked.scores,
      'solved': solved.reindex(ranked.scores.index),
    }
  )


def standings(verdict: verdict_lib.Verdict) -> pd.DataFrame:
  """The ranking, and what helps to judge it.

  Returns:
    The columns of `ranking`; `speedup` over the reference, the geometric mean
    of ratios of median times over the `common` workloads that both solve, none
    of their times voided; `other_score`, by steps for
    seconds and the reverse; `low`, `high`, `rank_low`, `rank_high`, as in
    `confidence.intervals`. What the verdict does not know is left out.
  """
  table = ranking(verdict)
  means = diagnostics.geometric_mean(
    diagnostics.speedups(verdict.counted, verdict.reference)
  )
  table['speedup'], table['common'] = means['mean'], means['workloads']
  if verdict.other_scores is not None:
    others = verdict.other_scores[times_lib.other_unit(verdict.unit)]
    table['other_score'] = others.reindex(table.index, fill_value=0.0)
  if verdict.samples is not None:
    table = table.join(confidence.intervals(verdict.samples))
  return table


class Neighbours(NamedTuple):
  """Two submissions that follow each other in the ranking.

  Attributes:
    first: the better one.
    second: the other.
    tied: whether they have the same score.
    chance: that the first is better, from resampled studies.
    studies: how many would separate them with 95% certainty; NaN if more than
      `confidence.MOST_STUDIES`.
  """

  first: str
  second: str
  tied: bool
  chance: float
  studies: float


class Certainty(NamedTuple):
  """How sure a ranking is.

  Attributes:
    samples: number of times that the studies were drawn.
    neighbours: from the first place down.
    without: scores with one workload less, one column each, from
      `confidence.leave_one_out`.
    deciding: workloads without which another submission would be first.
  """

  samples: int
  neighbours: list[Neighbours]
  without: pd.DataFrame
  deciding: list[str]


def certainty(verdict: verdict_lib.Verdict) -> Certainty | None:
  """How sure the ranking is; None without several studies."""
  if verdict.samples is None:
    return None
  scores = verdict.scores
  needed = confidence.studies_needed(verdict.studies, verdict.scoring)
  better = confidence.probability_better(verdict.samples)
  neighbours = [
    Neighbours(
      first,
      second,
      tied=scores[first] == scores[second],
      chance=better.loc[first, second],
      studies=needed.get(first, math.nan),
    )
    for first, second in itertools.pairwise(scores.index)
  ]
  without = confidence.leave_one_out(verdict.times, verdict.scoring)
  winner = without.iloc[0]
  deciding = [w for w in without if without[w].max() > winner[w]]
  return Certainty(len(verdict.samples), neighbours, without, deciding)


def lead(verdict: verdict_lib.Verdict) -> float:
  """How many times as fast the first is as the second, where both count."""
  first, second = verdict.scores.index[:2]
  ratios = diagnostics.speedups(verdict.counted, second)
  return diagnostics.geometric_mean(ratios).loc[first, 'mean']


def chance_of_lead(verdict: verdict_lib.Verdict) -> float | None:
  """The chance that the first is better than the second; None if unknown."""
  if verdict.samples is None:
    return None
  first, second = verdict.scores.index[:2]
  return confidence.probability_better(verdict.samples).loc[first, second]


def counted_studies(verdict: verdict_lib.Verdict) -> pd.DataFrame:
  """Times by study of the scored workloads; those that are voided infinite."""
  void = voided(verdict).stack()
  studies = verdict.studies
  studies = studies[studies['workload'].isin(verdict.scoring.workloads)].copy()
  pairs = pd.MultiIndex.from_frame(studies[['submission', 'workload']])
  studies.loc[pairs.isin(void.index[void]), 'time'] = math.inf
  return studies


def clocks(verdict: verdict_lib.Verdict) -> pd.DataFrame | None:
  """Scores by every clock, that of the ranking first; None if there is one."""
  if verdict.other_scores is None:
    return None
  table = verdict.other_scores.reindex(verdict.scores.index, fill_value=0.0)
  table.insert(0, f'{verdict.unit} (the ranking)', verdict.scores)
  return table


def best_metrics(
  verdict: verdict_lib.Verdict, workloads: Sequence[str]
) -> pd.DataFrame:
  """Best validation metric within the budget; NaN if there is none."""
  best = diagnostics.closest(
    verdict.results, verdict.rules, verdict.ruleset, workloads
  )
  return best.reindex(verdict.scores.index)


def closest(verdict: verdict_lib.Verdict) -> pd.DataFrame:
  """`best_metrics` of what was run here, where anyone missed a target."""
  run = verdict.scores.index.isin(verdict.results.trials['submission'])
  own = times(verdict, held_out=False)[run]
  missed = [workload for workload in own if np.isinf(own[workload]).any()]
  return best_metrics(verdict, missed)[run]


def workload(verdict: verdict_lib.Verdict, name: str) -> pd.DataFrame:
  """Times of one workload.

  Returns:
    Columns `time`; `ratio` to the fastest; `share` of the budget, also NaN if
    time and budget differ in unit. The last two are NaN if not reached.
  """
  own = times(verdict)[name]
  finite = own.where(np.isfinite(own))
  budget = verdict.rules.budget(name, verdict.ruleset)
  comparable = verdict.unit == verdict.rules.unit
  return pd.DataFrame(
    {
      'time': own,
      'ratio': finite / finite.min(),
      'share': finite / (budget if comparable else math.nan),
    }
  )
