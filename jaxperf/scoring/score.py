# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From evaluations to benchmark scores; pure functions from table to table.

The steps are the rules' own:

  results -> trial_times -> study_times -> median_times -> counted_times
          -> performance_ratios -> profile, scores

A time is in seconds or in steps, as the caller chooses. Infinite means: run,
and the target not reached. NaN means: not run. Both score nothing.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib

_GRID_POINTS = 100  # Of the published trapezoid rule.


def scored_workloads(
  rules: rules_lib.Rules, workloads: Sequence[str] = ()
) -> tuple[str, ...]:
  """The workloads that a score averages over: the base ones, or those named.

  Raises:
    ValueError: if the rules do not know one of them.

  >>> scored_workloads(rules_lib.load('v0.5'), ['wmt', 'ogbg', 'wmt'])
  ('wmt', 'ogbg')
  """
  for workload in workloads:
    rules.for_workload(workload)
  return tuple(dict.fromkeys(workloads)) or rules.base_workloads


def held_out_pairs(
  rules: rules_lib.Rules, workloads: Sequence[str], present: Container[str]
) -> dict[str, str]:
  """Held-out variant -> base workload, as far as they matter here.

  A variant that no submission ran voids nothing; the caller should say so.

  Args:
    rules: that name the variants.
    workloads: those that are scored.
    present: workloads that were run; a table of times will do.

  >>> held_out_pairs(rules_lib.load('v0.5'), ['wmt'], ['wmt', 'wmt_glu_tanh'])
  {'wmt_glu_tanh': 'wmt'}
  """
  return {
    variant: base
    for variant, base in rules.held_out.items()
    if base in workloads and variant not in workloads and variant in present
  }


def counted_times(
  times: pd.DataFrame,
  workloads: Sequence[str],
  held_out: Mapping[str, str],
  tau_max: float,
) -> pd.DataFrame:
  """Times after the rules that void some of them; rules, score, steps 3 to 5.

  In this order: a base workload that was not solved voids its held-out
  variants; a time above `tau_max` times the fastest is infinite; a held-out
  variant that is not solved by now voids its base workload.

  Args:
    times: one row a submission, one column a workload; from `median_times`.
    workloads: those that are scored, all of them kept as columns.
    held_out: variant -> base, from `held_out_pairs`.
    tau_max: 4 in the rules.

  Returns:
    The columns `workloads`, finite or infinite.

  >>> times = pd.DataFrame({'v': [1, 2, 5], 'v2': [9, np.inf, 9]}, list('abc'))
  >>> counted_times(times, ['v'], {'v2': 'v'}, tau_max=4.0)['v'].to_dict()
  {'a': 1.0, 'b': inf, 'c': inf}
  """
  columns = [*workloads, *held_out]
  values = times.reindex(columns=columns).to_numpy(float)
  values = void_times(values, _positions(columns, held_out), tau_max)
  return pd.DataFrame(
    values[:, : len(workloads)], index=times.index, columns=list(workloads)
  )


def void_times(
  times: np.ndarray, pairs: Sequence[tuple[int, int]], tau_max: float
) -> np.ndarray:
  """`counted_times` on an array (..., submission, workload).

  Args:
    times: may hold NaN for not run; unchanged.
    pairs: columns of each held-out variant and its base workload.
    tau_max: as in `counted_times`.

  Returns:
    An array of the same shape without NaN.
  """
  times = np.where(np.isnan(times), np.inf, times)
  for variant, base in pairs:
    times[..., variant][np.isinf(times[..., base])] = np.inf
  fastest = times.min(axis=-2, keepdims=True, initial=np.inf)
  times[times > tau_max * fastest] = np.inf
  for variant, base in pairs:
    times[..., base][np.isinf(times[..., variant])] = np.inf
  return times


def performance_ratios(counted: pd.DataFrame) -> pd.DataFrame:
  """Counted times over the fastest counted time of each workload.

  >>> counted = pd.DataFrame({'w': [10.0, 15.0, np.inf]}, index=list('abc'))
  >>> performance_ratios(counted)['w'].to_dict()
  {'a': 1.0, 'b': 1.5, 'c': inf}
  """
  return pd.DataFrame(
    _ratios(counted.to_numpy()), index=counted.index, columns=counted.columns
  )


def profile(ratios: pd.DataFrame, tau_max: float) -> pd.DataFrame:
  r"""Share of the workloads solved within a factor tau of the fastest.

  .. math:: \rho_s(\tau) = \tfrac1n |\{w : r_{s,w} \le \tau\}|

  Args:
    ratios: from `performance_ratios`.
    tau_max: where the profile ends.

  Returns:
    One row a submission; the columns are the values of tau in [1, tau_max] at
    which some profile steps, and both ends.

  >>> ratios = pd.DataFrame({'v': [1.0, 2.0], 'w': [np.inf, 1.0]}, ['a', 'b'])
  >>> profile(ratios, 4.0).loc['b'].to_dict()
  {1.0: 0.5, 2.0: 1.0, 4.0: 1.0}

  References:
    Dolan and Moré, Benchmarking optimization software with performance
    profiles, 2002.
  """
  finite = ratios.to_numpy()[np.isfinite(ratios)]
  taus = np.unique([1.0, *finite[finite <= tau_max], tau_max])
  solved = ratios.to_numpy()[:, :, None] <= taus
  return pd.DataFrame(solved.mean(axis=1), index=ratios.index, columns=taus)


def scores(
  counted: pd.DataFrame, tau_max: float, integration: str = 'exact'
) -> pd.Series:
  r"""Benchmark scores, the area under each performance profile, best first.

  .. math:: \frac1{r_{max} - 1} \int_1^{r_{max}} \rho_s(\tau) d\tau

  Args:
    counted: from `counted_times`.
    tau_max: r_max.
    integration: `'exact'`, or `'published'`: the trapezoid rule on 100 points.

  >>> counted = pd.DataFrame({'v': [10, 25], 'w': [10, np.inf]}, ['a', 'b'])
  >>> scores(counted, 4.0).to_dict()  # b: half of one of two workloads.
  {'a': 1.0, 'b': 0.25}
  """
  values = score_array(counted.to_numpy(), tau_max, integration)
  return pd.Series(values, index=counted.index, name='score').sort_values(
    ascending=False, kind='stable'
  )


def score_array(
  counted: np.ndarray, tau_max: float, integration: str = 'exact'
) -> np.ndarray:
  """`scores` of an array (..., submission, workload), in the given order."""
  ratios = _ratios(counted)
  if integration == 'exact':
    areas = (tau_max - np.minimum(ratios, tau_max)) / (tau_max - 1)
  else:
    grid = np.linspace(1, tau_max, _GRID_POINTS)
    reached_at = np.searchsorted(grid, ratios)  # First point with rho = 1.
    points = (
      _GRID_POINTS
      - reached_at
      - 0.5 * ((reached_at == 0).astype(float) + (reached_at < _GRID_POINTS))
    )
    areas = points / (_GRID_POINTS - 1)
  return areas.mean(axis=-1)


def _ratios(counted: np.ndarray) -> np.ndarray:
  fastest = counted.min(axis=-2, keepdims=True, initial=np.inf)
  solved = np.isfinite(counted)
  return np.divide(
    counted, fastest, out=np.full(counted.shape, np.inf), where=solved
  )


def _positions(
  columns: Sequence[str], held_out: Mapping[str, str]
) -> list[tuple[int, int]]:
  return [(columns.index(v), columns.index(b)) for v, b in held_out.items()]


class Scoring(NamedTuple):
  """What it takes to turn times into scores.

  >>> scoring = Scoring(['w'], {}, tau_max=4.0)
  >>> scoring(pd.DataFrame({'w': [10, 20]}, ['a', 'b'])).round(3).to_dict()
  {'a': 1.0, 'b': 0.667}

  Attributes:
    workloads: that are scored.
    held_out: held-out variant -> base workload.
    tau_max: of the rules.
    integration: as in `scores`.
  """

  workloads: Sequence[str]
  held_out: Mapping[str, str]
  tau_max: float
  integration: str = 'exact'

  @property
  def columns(self) -> list[str]:
    """The workloads that are scored, then their held-out variants."""
    return [*self.workloads, *self.held_out]

  @property
  def pairs(self) -> list[tuple[int, int]]:
    """Places in `columns` of each held-out variant and its base workload."""
    return _positions(self.columns, self.held_out)

  def counted(self, times: pd.DataFrame) -> pd.DataFrame:
    """`counted_times` of a table of times, one row a submission."""
    return counted_times(times, self.workloads, self.held_out, self.tau_max)

  def __call__(self, times: pd.DataFrame) -> pd.Series:
    """Scores of a table of times, one row a submission; best first."""
    return scores(self.counted(times), self.tau_max, self.integration)
