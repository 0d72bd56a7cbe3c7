# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speed-ups, budgets and easier targets, by hand."""

import numpy as np
import pandas as pd
import pytest

from jaxperf import rules
from jaxperf.records import read
from jaxperf.scoring import diagnostics, score
from jaxperf.scoring import times as times_lib
from tests import result_trees

INF, NAN = np.inf, np.nan
V05 = rules.load('v0.5')
CONFORMER = 'librispeech_conformer'  # Target: wer < 0.085884 in 61,068 s.


def test_a_speed_up_is_the_references_time_over_ones_own():
  times = pd.DataFrame(
    {'v': [10.0, 20.0, 5.0], 'w': [8.0, 2.0, INF], 'x': [INF, 1.0, NAN]},
    index=['ref', 'a', 'b'],
  )
  ratios = diagnostics.speedups(times, 'ref')
  assert ratios.loc['a', ['v', 'w']].tolist() == [0.5, 4.0]
  assert np.isnan(ratios.loc['a', 'x'])
  means = diagnostics.geometric_mean(ratios)
  assert means.loc['a'].tolist() == [pytest.approx(2**0.5), 2]
  assert means.loc['b'].tolist() == [2.0, 1]
  assert means.loc['ref'].tolist() == [1.0, 2]


def test_budget_fractions_use_the_budget_of_the_tuning_rules():
  times = pd.DataFrame({CONFORMER: [61_068.0, INF]}, index=['a', 'b'])
  external = diagnostics.budget_fractions(times, V05, 'external')
  assert external[CONFORMER].tolist() == [1.0, INF]
  own = diagnostics.budget_fractions(times, V05, 'self')
  assert own.loc['a', CONFORMER] == pytest.approx(1 / 3)


@pytest.fixture
def results(tmp_path):
  """`a` reaches the target at 300 s, `b` gets nine tenths of the way."""
  start, target = 1.0, V05.workloads[CONFORMER].validation_target
  for name, seconds, ways in (
    ('a', (10, 100, 200, 300), (0, 0.5, 0.8, 1.01)),
    ('b', (10, 150, 400, 70_000), (0, 0.75, 0.9, 1.01)),
  ):
    rows = [
      (step, s, start + way * (target - start))
      for step, (s, way) in enumerate(zip(seconds, ways), 1)
    ]
    result_trees.add_trial(tmp_path, name, 0, CONFORMER, 1, rows)
  return read.results(tmp_path)


def test_easier_targets_tell_runs_apart_that_miss_the_real_one(results):
  shares = (0.5 - 1e-9, 0.89, 1.0)
  rungs = diagnostics.ladder(results, V05, 'external', shares=shares)
  wide = rungs.pivot(index='submission', columns='share', values='time')
  assert wide.loc['a'].tolist() == [100, 300, 300]
  assert wide.loc['b'].tolist() == [150, 400, INF]


def test_the_closest_value_counts_only_what_the_budget_allows(results):
  best = diagnostics.closest(results, V05, 'external', [CONFORMER, 'wmt'])
  target = V05.workloads[CONFORMER].validation_target
  assert best.loc['b', CONFORMER] == pytest.approx(1 + 0.9 * (target - 1))
  assert best.loc['a', CONFORMER] < target
  assert best['wmt'].isna().all()


def test_a_smaller_budget_costs_the_slow_their_score(results):
  scoring = score.Scoring([CONFORMER], {}, 4.0)
  table_by_budget = diagnostics.scores_by_budget(
    results, V05, 'external', scoring, factors=(0.001, 1.0, 2.0)
  )
  assert table_by_budget.loc['a'].tolist() == [0, 1, 1]
  trials = times_lib.trial_times(results, V05, 'external', budget_factor=2.0)
  assert trials['time'].tolist() == [300, 70_000]
