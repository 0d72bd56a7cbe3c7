# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded runs on the mini workloads against the published results.

The mini scores come from the functions that score any results; the published
numbers are those that ship in `jaxperf.scoring.published`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

from calibration import recorded_runs
from jaxperf import rules
from jaxperf.records import read
from jaxperf.running import plugins
from jaxperf.scoring import published as published_lib
from jaxperf.scoring import score
from jaxperf.scoring import times as times_lib

PUBLISHED = 'v0.5'
SAMPLES, SEED = 2000, 0  # Of the bootstrap.
DIGITS = 4  # Of the published scores; what is equal to so many is a tie.


class Tau(NamedTuple):
  """Kendall's tau-b of a mini ranking to the published scores.

  Attributes:
    value: NaN if one of the two is constant.
    samples: that of each bootstrap sample of the workloads.
  """

  value: float
  samples: np.ndarray


class Agreement(NamedTuple):
  """How the two benchmarks place the algorithms of one tuning rule set.

  Attributes:
    ruleset: `'external'` or `'self'`.
    scores: one row an algorithm with all runs, best published score first;
      columns `mini`, `published`, and `place`, the mean of `places`.
    times: steps to the mini target, one row an algorithm, one column a
      workload; infinite if it was not reached.
    places: on each workload, from `places`.
    published: the published seconds in the same places; NaN if not run.
    score_tau: of the mini scores.
    place_tau: of the mean places.
    missing: algorithm -> number of missing runs, those with none left out.
  """

  ruleset: str
  scores: pd.DataFrame
  times: pd.DataFrame
  places: pd.DataFrame
  published: pd.DataFrame
  score_tau: Tau
  place_tau: Tau
  missing: Mapping[str, int]


def compare(
  ruleset: str,
  planned: Mapping[str, Sequence[recorded_runs.Run]],
  runs: Sequence[recorded_runs.Run],
  samples: int = SAMPLES,
) -> Agreement:
  """Compares the algorithms of which no run is missing.

  The mini score of an algorithm depends on the others in the set, so an
  incomplete table gives other scores than a complete one. The published scores
  are those of the full set in any case.

  Args:
    ruleset: `'external'` or `'self'`.
    planned: published name of an algorithm -> all its runs, done or not, on the
      workloads to compare; those without published times are left out.
    runs: those that were done.
    samples: of the bootstrap.
  """
  published_times = _published_times(ruleset)
  planned = {
    name: [run for run in own if run.workload in published_times]
    for name, own in planned.items()
  }
  ready, missing = _complete(planned, runs)
  mini = rules.load('mini')
  wanted = {run.workload for own in planned.values() for run in own}
  workloads = [name for name in mini.base_workloads if name in wanted]
  times = steps_to_target(ready, ruleset)[workloads]
  counted = score.counted_times(times, workloads, {}, mini.tau_max)
  placed = places(times, best_losses(ready)[workloads])
  published = published_lib.published_scores(PUBLISHED, ruleset)[times.index]
  scores = pd.DataFrame(
    {
      'mini': score.scores(counted, mini.tau_max).reindex(times.index),
      'place': placed.mean(axis=1),
      'published': published,
    }
  )
  return Agreement(
    ruleset,
    scores.sort_values('published', ascending=False, kind='stable'),
    times,
    placed,
    published_times.loc[times.index, times.columns],
    bootstrap(
      counted,
      lambda table: score.score_array(table, mini.tau_max),
      published,
      samples,
    ),
    bootstrap(placed, lambda table: -table.mean(axis=-1), published, samples),
    missing,
  )


def _complete(
  planned: Mapping[str, Sequence[recorded_runs.Run]],
  runs: Sequence[recorded_runs.Run],
) -> tuple[dict[str, list[recorded_runs.Run]], dict[str, int]]:
  """The runs of those that miss none; how many each of the others misses."""
  done = {run[:4]: run for run in runs}
  ready, missing = {}, {}
  for name, own in planned.items():
    if left := sum(run[:4] not in done for run in own):
      missing[name] = left
    else:
      ready[name] = [done[run[:4]] for run in own]
  return ready, missing


def steps_to_target(
  runs: Mapping[str, Sequence[recorded_runs.Run]], ruleset: str
) -> pd.DataFrame:
  """Steps of the best trial: one row an algorithm, one column a workload.

  Infinite where no trial reaches the validation target within the budget.

  Args:
    runs: name of an algorithm -> its runs.
    ruleset: `'external'` or `'self'`: decides the budget.
  """
  mini = rules.load('mini')
  trials, rows = [], []
  for name, own in runs.items():
    for run in own:
      metric = f'validation/{mini.workloads[run.workload].metric}'
      for step, value, _ in run.values:
        rows.append(
          {
            'run': len(trials),
            'workload': run.workload,
            'step': step,
            'submission_s': math.nan,
            metric: value,
          }
        )
      trials.append((name, 0, run.workload, run.number))
  results = read.Results(
    pd.DataFrame(rows, columns=None if rows else ['run', 'workload']),
    pd.DataFrame(trials, columns=['submission', 'study', 'workload', 'trial']),
    [],
    {},
  )
  studies = times_lib.study_times(times_lib.trial_times(results, mini, ruleset))
  return times_lib.median_times(studies).reindex(
    index=list(runs), columns=list(mini.base_workloads)
  )


def best_losses(
  runs: Mapping[str, Sequence[recorded_runs.Run]],
) -> pd.DataFrame:
  """Best validation value of all trials, negative if larger is better.

  Args:
    runs: name of an algorithm -> its runs.

  Returns:
    One row an algorithm, one column a workload; infinite if none was finite.
  """
  goals = rules.load('mini').workloads
  losses = pd.DataFrame(
    math.inf, index=list(runs), columns=list(rules.load('mini').base_workloads)
  )
  for name, own in runs.items():
    for run in own:
      goal = goals[run.workload]
      loss = recorded_runs.as_loss(goal, run.best(goal))
      losses.loc[name, run.workload] = min(losses.loc[name, run.workload], loss)
  return losses


def places(times: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
  """Place of each algorithm on each workload, 1 for the best.

  Those that reach the target come first, by their times; the others follow by
  their best values. Equals share the mean of their places.

  Args:
    times: to target, infinite if not reached.
    losses: smaller is better; the same rows and columns.
  """
  reached = np.isfinite(times)
  return (
    times.where(reached)
    .rank()
    .fillna(reached.sum() + losses.mask(reached).rank())
  )


def _published_times(ruleset: str) -> pd.DataFrame:
  """Published seconds under the names of the mini workloads."""
  times = published_lib.times(PUBLISHED, ruleset)
  workloads = list(rules.load(PUBLISHED).base_workloads)
  return times[workloads].rename(columns=plugins.mini_sibling)


def tau_b(first: Sequence[float], second: Sequence[float]) -> float:
  r"""Kendall's tau-b of two rankings, in [-1, 1].

  .. math:: \tau_b = \frac{P - Q}{\sqrt{(P + Q + T_1)(P + Q + T_2)}}

  with P pairs in the same order, Q in opposite orders, and ties in the first or
  the second ranking only. Equal numbers tie, infinite ones too.

  Returns:
    NaN for fewer than two numbers, or if all of one ranking are equal.

  References:
    Kendall, The treatment of ties in ranking problems, 1945.
  """
  if len(first) < 2:
    return math.nan
  return float(scipy.stats.kendalltau(first, second).statistic)


def bootstrap(
  table: pd.DataFrame,
  rating: Callable[[np.ndarray], np.ndarray],
  published: pd.Series,
  samples: int,
) -> Tau:
  """tau-b of a rating to the published scores, and of samples of workloads.

  Each sample draws as many workloads as there are, with replacement, and the
  rating is computed anew; the published scores stay.

  Args:
    table: one row an algorithm, one column a mini workload.
    rating: tables of shape [..., algorithms, workloads] -> numbers of shape
      [..., algorithms], larger is better.
    published: scores in the order of the rows.
    samples: their number.
  """
  count = table.shape[1]
  drawn = np.random.default_rng(SEED).integers(count, size=(samples, count))
  values = table.to_numpy()
  drawn_tables = np.moveaxis(values[:, drawn], 0, 1)
  value, *taus = (
    tau_b(row, published)
    for row in [
      rating(values).round(DIGITS),
      *rating(drawn_tables).round(DIGITS),
    ]
  )
  return Tau(value, np.array(taus))


def workload_taus(agreement: Agreement) -> pd.DataFrame:
  """tau-b to the published times of each workload.

  An algorithm that was not run on the published workload is left out there.

  Returns:
    One row a workload; columns `times` (to the mini target) and `places`.
  """
  taus = {}
  for workload, published in agreement.published.items():
    both = published.notna()
    taus[workload] = {
      name: tau_b(table.loc[both, workload], published[both])
      for name, table in (
        ('times', agreement.times),
        ('places', agreement.places),
      )
    }
  return pd.DataFrame.from_dict(taus, orient='index')
