# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How sure a ranking is: resampling the studies, leaving workloads out.

A study is one independent repetition, so it is what is drawn again; a score
depends on everyone's times, so all submissions are drawn together. With one
study there is nothing to resample and nothing to say.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxperf.scoring import score
from jaxperf.scoring import times as times_lib

MOST_STUDIES = 30  # That are worth asking for.
_STUDY_COUNTS = (2, 3, 4, 5, 6, 8, 10, 15, 20, MOST_STUDIES)


def bootstrap(
  studies: pd.DataFrame,
  scoring: score.Scoring,
  *,
  samples: int = 1000,
  seed: int = 0,
  study_count: int | None = None,
) -> pd.DataFrame:
  """Scores of resampled experiments: one row a sample, one column a submission.

  For every submission and workload the studies are drawn with replacement and
  the score is computed anew.

  Args:
    studies: from `times.study_times`.
    scoring: the rules of the score.
    samples: number of experiments.
    seed: of the draws.
    study_count: studies to draw; None: as many as there are. A larger number
      shows what more studies would buy.

  References:
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993.
  """
  columns = scoring.columns
  submissions = sorted(studies['submission'].unique())
  times, counts = _study_array(studies, submissions, columns)
  drawn = counts if study_count is None else np.minimum(counts, 1) * study_count
  shape = (samples, *times.shape[:2], max(int(drawn.max(initial=0)), 1))
  uniform = np.random.default_rng(seed).random(shape, dtype=np.float32)
  choice = np.minimum(
    (uniform * counts[..., None]).astype(int), counts[..., None] - 1
  )
  values = np.take_along_axis(times[None], np.maximum(choice, 0), axis=-1)
  values[:, np.arange(shape[-1]) >= drawn[..., None]] = np.nan
  pairs = [
    (columns.index(v), columns.index(b)) for v, b in scoring.held_out.items()
  ]
  medians = score.void_times(_medians(values, drawn), pairs, scoring.tau_max)
  return pd.DataFrame(
    score.score_array(
      medians[..., : len(scoring.workloads)],
      scoring.tau_max,
      scoring.integration,
    ),
    columns=submissions,
  )


def intervals(samples: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
  """Percentile intervals: columns `low`, `high`, `rank_low`, `rank_high`.

  Ranks count from 1, the best; ties share the better rank.
  """
  tail = (1 - level) / 2
  ranks = samples.rank(axis=1, ascending=False, method='min')
  return pd.DataFrame(
    {
      'low': samples.quantile(tail),
      'high': samples.quantile(1 - tail),
      'rank_low': ranks.quantile(tail, interpolation='lower').astype(int),
      'rank_high': ranks.quantile(1 - tail, interpolation='higher').astype(int),
    }
  )


def probability_better(samples: pd.DataFrame) -> pd.DataFrame:
  """P(row's score > column's score), ties counting half."""
  values = samples.to_numpy()
  first, second = values[:, :, None], values[:, None, :]
  better = (first > second).mean(axis=0) + 0.5 * (first == second).mean(axis=0)
  return pd.DataFrame(better, index=samples.columns, columns=samples.columns)


def studies_needed(
  studies: pd.DataFrame,
  scoring: score.Scoring,
  *,
  certainty: float = 0.95,
  samples: int = 300,
  seed: int = 0,
) -> pd.Series:
  """How many studies would separate each submission from the next one.

  The observed studies stand for all studies that could be run; experiments
  with more of them are drawn until the better one wins often enough.

  Returns:
    Better submission -> number of studies, in the order of the ranking; NaN
    where even 30 would not do. The last submission has no entry.
  """
  ranking = list(scoring(times_lib.median_times(studies)).index)
  needed = pd.Series(np.nan, index=ranking[:-1], name='studies')
  for count in _STUDY_COUNTS:
    if not needed.isna().any():
      break
    drawn = bootstrap(
      studies, scoring, samples=samples, seed=seed, study_count=count
    )
    better = probability_better(drawn)
    for first, second in itertools.pairwise(ranking):
      if np.isnan(needed[first]) and better.loc[first, second] >= certainty:
        needed[first] = count
  return needed


def leave_one_out(times: pd.DataFrame, scoring: score.Scoring) -> pd.DataFrame:
  """Scores without each workload in turn.

  Returns:
    One row a submission in the order of the full ranking, one column for the
    workload left out; no column if there is only one workload.
  """
  if len(scoring.workloads) < 2:
    return pd.DataFrame(index=scoring(times).index)
  without = {}
  for workload in scoring.workloads:
    rest = [w for w in scoring.workloads if w != workload]
    held_out = {v: b for v, b in scoring.held_out.items() if b != workload}
    without[workload] = scoring._replace(workloads=rest, held_out=held_out)(
      times
    )
  return pd.DataFrame(without).reindex(scoring(times).index)


class Comparison(NamedTuple):
  """A against B, study by study.

  Attributes:
    pairs: `workload`, `study`, `a`, `b` (times), `ratio` (a / b; NaN unless
      both reached the target); one row a study that both have.
    wins: pairs in which A was faster, a reached target beating an unreached.
    losses: pairs in which B was faster.
    ratio: geometric mean of a / b; below 1, A is faster.
    low: of its 95% interval.
    high: likewise.
    p_value: of the two-sided sign test on wins and losses.
  """

  pairs: pd.DataFrame
  wins: int
  losses: int
  ratio: float
  low: float
  high: float
  p_value: float


def compare(
  studies: pd.DataFrame,
  a: str,
  b: str,
  *,
  samples: int = 1000,
  seed: int = 0,
) -> Comparison:
  """Paired differences between two submissions.

  Study k of A is paired with study k of B on the same workload. The interval
  resamples pairs within each workload.

  Args:
    studies: from `times.study_times`.
    a: name of the submission.
    b: name of the other.
    samples: bootstrap samples for the interval.
    seed: of the draws.
  """
  wide = studies.pivot_table(
    index=['workload', 'study'], columns='submission', values='time'
  )
  pairs = wide[[a, b]].dropna().set_axis(['a', 'b'], axis=1).reset_index()
  both = np.isfinite(pairs[['a', 'b']]).all(axis=1)
  pairs['ratio'] = (pairs['a'] / pairs['b']).where(both)
  wins = int((pairs['a'] < pairs['b']).sum())
  losses = int((pairs['a'] > pairs['b']).sum())
  logs = [
    np.log(group['ratio'].dropna().to_numpy())
    for _, group in pairs[both].groupby('workload')
  ]
  mean, low, high = _resampled_mean(logs, samples, seed)
  return Comparison(
    pairs, wins, losses, mean, low, high, _sign_test(wins, losses)
  )


def _resampled_mean(
  logs: list[np.ndarray], samples: int, seed: int
) -> tuple[float, float, float]:
  """Geometric mean over workloads, and its 95% interval."""
  if not logs:
    return math.nan, math.nan, math.nan
  rng = np.random.default_rng(seed)
  means = np.stack(
    [
      values[rng.integers(len(values), size=(samples, len(values)))].mean(
        axis=1
      )
      for values in logs
    ]
  ).mean(axis=0)
  mean = np.mean([values.mean() for values in logs])
  if max(len(values) for values in logs) < 2:
    return float(np.exp(mean)), math.nan, math.nan
  low, high = np.quantile(means, [0.025, 0.975])
  return float(np.exp(mean)), float(np.exp(low)), float(np.exp(high))


def _sign_test(wins: int, losses: int) -> float:
  """Two-sided exact binomial test of wins against losses."""
  count, least = wins + losses, min(wins, losses)
  tail = sum(math.comb(count, k) for k in range(least + 1)) / 2**count
  return min(1.0, 2 * tail)


def _study_array(
  studies: pd.DataFrame, submissions: Sequence[str], columns: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
  """Times (submission, workload, study), and how many studies each cell has."""
  known = studies[studies['workload'].isin(columns)]
  row = pd.Index(submissions).get_indexer(known['submission'])
  column = pd.Index(columns).get_indexer(known['workload'])
  position = known.groupby(['submission', 'workload']).cumcount().to_numpy()
  shape = (len(submissions), len(columns), int(position.max(initial=0)) + 1)
  times = np.full(shape, np.nan)
  times[row, column, position] = known['time']
  counts = np.zeros(shape[:2], int)
  np.add.at(counts, (row, column), 1)
  return times, counts


def _medians(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
  """Median over the first `counts` of the last axis, the rest being NaN."""
  ordered = np.sort(values, axis=-1)  # NaN last, after infinity.
  counts = np.broadcast_to(counts, ordered.shape[:-1])[..., None]
  low = np.take_along_axis(ordered, np.maximum(counts - 1, 0) // 2, axis=-1)
  high = np.take_along_axis(
    ordered, np.minimum(counts // 2, ordered.shape[-1] - 1), axis=-1
  )
  return ((low + high) / 2)[..., 0]
