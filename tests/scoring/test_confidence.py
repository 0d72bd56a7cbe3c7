# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Uncertainty, against cases that can be enumerated by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

from jaxperf.scoring import confidence
from jaxperf.scoring import score as score_lib
from tests import result_trees

INF = np.inf


def scoring(*workloads):
  return score_lib.Scoring(list(workloads), {}, 4.0)


def test_the_bootstrap_draws_every_combination_of_studies_equally_often():
  table = result_trees.study_times(
    {'a': {'w': [10.0, 20.0, 30.0]}, 'b': {'w': [10.0]}}
  )
  samples = confidence.bootstrap(table, scoring('w'), samples=20_000)
  # a's median of three draws, by enumeration; b is fixed at 10.
  medians = [np.median(d) for d in itertools.product([10, 20, 30], repeat=3)]
  for median, score in ((10, 1.0), (20, 2 / 3), (30, 1 / 3)):
    share = np.mean(np.isclose(samples['a'], score))
    assert share == pytest.approx(np.mean(np.equal(medians, median)), abs=0.02)


def test_the_bootstrap_of_equal_studies_has_no_spread():
  table = result_trees.study_times(
    {'a': {'w': [10.0] * 3, 'x': [INF] * 3}, 'b': {'w': [20.0] * 3, 'x': [5.0]}}
  )
  samples = confidence.bootstrap(table, scoring('w', 'x'), samples=50)
  exact = scoring('w', 'x')(
    table.pivot_table(
      index='submission', columns='workload', values='time', aggfunc='median'
    )
  )
  for name in 'ab':
    np.testing.assert_allclose(samples[name], exact[name])
  bounds = confidence.intervals(samples)
  assert bounds.loc['b', ['rank_low', 'rank_high']].tolist() == [1, 1]


def test_the_median_of_an_even_number_of_studies_is_the_middle():
  table = result_trees.study_times(
    {'a': {'w': [10.0, 30.0]}, 'b': {'w': [10.0, 10.0]}}
  )
  samples = confidence.bootstrap(table, scoring('w'), samples=4000)
  shares = samples['a'].round(4).value_counts(normalize=True)
  assert shares[round(2 / 3, 4)] == pytest.approx(0.5, abs=0.03)
  assert shares[1.0] == pytest.approx(0.25, abs=0.03)


def test_an_infinite_study_makes_an_infinite_median_as_often_as_it_should():
  table = result_trees.study_times(
    {'a': {'w': [10.0, INF, INF]}, 'b': {'w': [10.0]}}
  )
  samples = confidence.bootstrap(table, scoring('w'), samples=20_000)
  # The median of three draws is finite if at least two are: 7 of 27.
  assert (samples['a'] > 0).mean() == pytest.approx(7 / 27, abs=0.02)


def test_ties_count_half_in_the_chance_of_being_better():
  samples = pd.DataFrame({'a': [1, 1, 0, 2], 'b': [0, 1, 1, 1]})
  better = confidence.probability_better(samples)
  assert better.loc['a', 'b'] == (1 + 0.5 + 0 + 1) / 4
  assert better.loc['b', 'a'] == 1 - better.loc['a', 'b']
  assert better.loc['a', 'a'] == 0.5


def test_clear_neighbours_need_two_studies_and_equal_ones_never_separate():
  table = result_trees.study_times(
    {
      'fast': {'w': [10.0, 11.0, 12.0]},
      'slow': {'w': [30.0, 31.0, 32.0]},
      'same': {'w': [30.0, 31.0, 32.0]},
    }
  )
  needed = confidence.studies_needed(table, scoring('w'))
  assert needed['fast'] == 2
  assert needed.iloc[1:].isna().all()


def test_a_single_workload_cannot_be_left_out(recwarn):
  times = pd.DataFrame({'w': [1.0, 2.0]}, index=['a', 'b'])
  table = confidence.leave_one_out(times, score_lib.Scoring(['w'], {}, 4.0))
  assert table.shape == (2, 0)
  assert not recwarn


def test_leaving_out_the_workload_that_decides_changes_the_order():
  times = pd.DataFrame(
    {'v': [10.0, 12.0], 'w': [10.0, 12.0], 'x': [INF, 5.0]}, index=['a', 'b']
  )
  table = confidence.leave_one_out(times, scoring('v', 'w', 'x'))
  assert table.index.tolist() == ['b', 'a']
  assert table['x'].idxmax() == 'a'
  assert table['v'].idxmax() == 'b'


def test_leaving_a_workload_out_takes_its_held_out_variant_along():
  times = pd.DataFrame({'v': [10.0], 'v2': [INF], 'w': [10.0]}, index=['a'])
  table = confidence.leave_one_out(
    times, score_lib.Scoring(['v', 'w'], {'v2': 'v'}, 4.0)
  )
  assert table.loc['a', 'v'] == 1.0
  assert table.loc['a', 'w'] == 0.0
