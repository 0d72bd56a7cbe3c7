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


def by_workload(comparison: Comparison) -> pd.DataFrame:
  """A comparison by workload.

  Returns:
    One row a workload: `a` and `b` (median times), `ratio` (geometric mean; NaN
    if both never reach the target in one study), `wins` of a, `studies`.
  """
  table = comparison.pairs
  table = table.assign(
    wins=table['a'] < table['b'], log_ratio=np.log(table['ratio'])
  )
  groups = table.groupby('workload')
  return pd.DataFrame(
    {
      'a': groups['a'].median(),
      'b': groups['b'].median(),
      'ratio': np.exp(groups['log_ratio'].mean()),
      'wins': groups['wins'].sum(),
      'studies': groups.size(),
    }
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
