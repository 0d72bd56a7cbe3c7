# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Comparisons study by study, by hand."""

import numpy as np
import pytest

from jaxperf.scoring import comparison
from tests import result_trees

INF = np.inf


def test_a_comparison_pairs_studies_and_counts_unreached_targets_as_lost():
  table = result_trees.study_times(
    {
      'a': {'w': [10.0, 20.0, INF], 'x': [5.0, INF]},
      'b': {'w': [20.0, 40.0, 30.0], 'x': [INF, INF]},
    }
  )
  result = comparison.compare(table, 'a', 'b')
  assert (result.wins, result.losses) == (3, 1)
  # Medians on w: 20 and 30; on x one of them is infinite.
  assert result.ratio == pytest.approx(20 / 30)
  assert len(result.pairs) == 5
  # Four decided pairs, one against: 2 * (1 + 4) / 16.
  assert result.p_value == pytest.approx(0.625)


def test_the_interval_of_a_ratio_holds_it_and_narrows_with_agreement():
  table = result_trees.study_times(
    {
      'a': {'w': [10.0, 12.0, 9.0, 11.0, 10.5]},
      'b': {'w': [20.0, 20.0, 20.0, 20.0, 20.0]},
    }
  )
  result = comparison.compare(table, 'a', 'b')
  assert result.ratio == 10.5 / 20
  assert 0.45 <= result.low < result.ratio < result.high <= 0.6
  assert result.p_value == pytest.approx(2 / 2**5)


def test_one_pair_gives_a_ratio_and_no_interval():
  table = result_trees.study_times({'a': {'w': [10.0]}, 'b': {'w': [20.0]}})
  result = comparison.compare(table, 'a', 'b')
  assert result.ratio == 0.5
  assert np.isnan(result.low)
