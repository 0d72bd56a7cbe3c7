# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How sure a ranking is: resampling the studies, leaving workloads out.

A study is one independent repetition, so it is what is drawn again; a score
depends on everyone's times, so all submissions are drawn together. With one
study there is nothing to resample and nothing to say.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

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

  >>> studies = pd.DataFrame({'study': [0, 1] * 2, 'time': [10, 30, 10, 10]})
  >>> studies = studies.assign(submission=['a', 'a', 'b', 'b'], workload='w')
  >>> samples = bootstrap(studies, score.Scoring(['w'], {}, 4.0), samples=99)
  >>> sorted(samples['a'].round(3).unique().tolist())  # Medians: 30, 20, 10.
  [0.333, 0.667, 1.0]

  References:
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993.
  """
  submissions = sorted(studies['submission'].unique())
  times, counts = _study_array(studies, submissions, scoring.columns)
  drawn = counts if study_count is None else np.minimum(counts, 1) * study_count
  width = max(int(drawn.max(initial=0)), 1)
  uniform = np.random.default_rng(seed).random(
    (samples, *counts.shape, width), dtype=np.float32
  )
  values = _drawn(times, counts, uniform)
  values[:, np.arange(width) >= drawn[..., None]] = np.nan
  medians = score.void_times(
    _medians(values, drawn), scoring.pairs, scoring.tau_max
  )
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

  >>> samples = pd.DataFrame({'a': [0.8] * 20, 'b': [0.9] + [0.5] * 19})
  >>> intervals(samples).loc['b', ['rank_low', 'rank_high']].tolist()
  [1, 2]
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
  """P(row's score > column's score), ties counting half.

  >>> samples = pd.DataFrame({'a': [3, 3, 2, 1], 'b': [1, 1, 2, 2]})
  >>> probability_better(samples).loc['a', 'b']
  np.float64(0.625)
  """
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

  >>> studies = pd.DataFrame({'study': [0, 1] * 2, 'time': [10, 11, 20, 21]})
  >>> studies = studies.assign(submission=['a', 'a', 'b', 'b'], workload='w')
  >>> studies_needed(studies, score.Scoring(['w'], {}, 4.0)).to_dict()
  {'a': 2.0}
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

  >>> times = pd.DataFrame({'v': [1, 2], 'w': [np.inf, 1]}, index=['a', 'b'])
  >>> table = leave_one_out(times, score.Scoring(['v', 'w'], {}, 4.0))
  >>> table.loc['a'].to_dict()
  {'v': 0.0, 'w': 1.0}
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


def _drawn(
  times: np.ndarray, counts: np.ndarray, uniform: np.ndarray
) -> np.ndarray:
  """Times of studies drawn by numbers in [0, 1), the last axis of `uniform`."""
  counts = counts[..., None]
  choice = np.minimum((uniform * counts).astype(int), counts - 1)
  return np.take_along_axis(times[None], np.maximum(choice, 0), axis=-1)


def _medians(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
  """Median over the first `counts` of the last axis, the rest being NaN."""
  ordered = np.sort(values, axis=-1)  # NaN last, after infinity.
  counts = np.broadcast_to(counts, ordered.shape[:-1])[..., None]
  low = np.take_along_axis(ordered, np.maximum(counts - 1, 0) // 2, axis=-1)
  high = np.take_along_axis(
    ordered, np.minimum(counts // 2, ordered.shape[-1] - 1), axis=-1
  )
  return ((low + high) / 2)[..., 0]
