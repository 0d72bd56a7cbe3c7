# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Two submissions against each other, study by study."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd


class Comparison(NamedTuple):
  """A against B, study by study.

  Attributes:
    pairs: `workload`, `study`, `a`, `b` (times); one row a study that both
      have.
    wins: pairs in which A was faster, a reached target beating an unreached.
    losses: pairs in which B was faster.
    ratio: geometric mean, over the workloads that both solve, of the ratio of
      their median times, a / b; below 1, A is faster. The inverse of the
      speed-up in the ranking.
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
    studies: from `times.study_times`, of what counts.
    a: name of the submission.
    b: name of the other.
    samples: bootstrap samples for the interval.
    seed: of the draws.

  >>> studies = pd.DataFrame({'study': [0, 1] * 2, 'time': [10, 8, 20, 16]})
  >>> studies = studies.assign(submission=['a', 'a', 'b', 'b'], workload='w')
  >>> compared = compare(studies, 'a', 'b')
  >>> compared.wins, compared.losses, round(compared.ratio, 3)
  (2, 0, 0.5)
  """
  wide = studies.pivot_table(
    index=['workload', 'study'], columns='submission', values='time'
  )
  pairs = wide[[a, b]].dropna().set_axis(['a', 'b'], axis=1).reset_index()
  wins = int((pairs['a'] < pairs['b']).sum())
  losses = int((pairs['a'] > pairs['b']).sum())
  times = [
    group[['a', 'b']].to_numpy() for _, group in pairs.groupby('workload')
  ]
  mean, low, high = _resampled_mean(times, samples, seed)
  return Comparison(
    pairs, wins, losses, mean, low, high, _sign_test(wins, losses)
  )


def by_workload(comparison: Comparison) -> pd.DataFrame:
  """A comparison by workload.

  Returns:
    One row a workload: `a` and `b` (median times), `ratio` (of these; NaN
    unless both are finite), `wins` of a, `studies`.
  """
  table = comparison.pairs
  groups = table.assign(wins=table['a'] < table['b']).groupby('workload')
  a, b = groups['a'].median(), groups['b'].median()
  return pd.DataFrame(
    {
      'a': a,
      'b': b,
      'ratio': (a / b).where(np.isfinite(a) & np.isfinite(b)),
      'wins': groups['wins'].sum(),
      'studies': groups.size(),
    }
  )


def _resampled_mean(
  times: list[np.ndarray], samples: int, seed: int
) -> tuple[float, float, float]:
  """Geometric mean of ratios of medians over workloads, and its 95% interval.

  Args:
    times: of a and b, an array of shape (studies, 2) a workload.
    samples: how often the studies are drawn again.
    seed: of the draws.
  """
  mean = _mean([_log_ratio(pairs[None]) for pairs in times])
  if math.isnan(mean.item()) or max(len(pairs) for pairs in times) < 2:
    return float(np.exp(mean.item())), math.nan, math.nan
  rng = np.random.default_rng(seed)
  means = _mean(
    [
      _log_ratio(pairs[rng.integers(len(pairs), size=(samples, len(pairs)))])
      for pairs in times
    ]
  )
  low, high = np.nanquantile(means, [0.025, 0.975])
  return float(np.exp(mean.item())), float(np.exp(low)), float(np.exp(high))


def _log_ratio(pairs: np.ndarray) -> np.ndarray:
  """Of the medians of samples (samples, studies, 2); NaN unless both count."""
  medians = np.median(pairs, axis=1)
  counts = np.isfinite(medians).all(axis=1)
  medians = np.where(counts[:, None], medians, math.nan)
  return np.log(medians[:, 0] / medians[:, 1])


def _mean(logs: list[np.ndarray]) -> np.ndarray:
  """Mean over the workloads that count, for each sample; NaN if none does."""
  table = np.stack(logs) if logs else np.full((1, 1), math.nan)
  known = ~np.isnan(table)
  total = np.where(known, table, 0.0).sum(axis=0)
  count = known.sum(axis=0)
  return np.where(count > 0, total / np.maximum(count, 1), math.nan)


def _sign_test(wins: int, losses: int) -> float:
  """Two-sided exact binomial test of wins against losses."""
  count, least = wins + losses, min(wins, losses)
  tail = sum(math.comb(count, k) for k in range(least + 1)) / 2**count
  return min(1.0, 2 * tail)
