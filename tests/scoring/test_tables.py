# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The tables that text and report format, on results small enough to check."""

import numpy as np
import pytest

from jaxperf.records import read
from jaxperf.scoring import selection, tables, verdict
from jaxperf.scoring.published import board as board_lib
from tests import result_trees

DEEPSPEECH = 'librispeech_deepspeech'


def judged(root, studies=1, **options):
  result_trees.write_tree(root, studies)
  return verdict.judge(read.results(root), selection.Options(**options))


def test_standings_hold_what_is_known(tmp_path):
  one = tables.standings(judged(tmp_path / 'one'))
  assert one.loc['slow', ['rank', 'solved', 'common']].tolist() == [2, 1, 1]
  assert one.loc['fast', 'speedup'] == 2.0  # `slow` is the reference.
  assert one['other_score'].tolist() == [1.0, 0.5]  # As many steps each.
  assert 'low' not in one
  three = tables.standings(judged(tmp_path / 'three', 3))
  assert three.loc['slow', ['rank_low', 'rank_high']].tolist() == [2, 2]


def test_certainty_takes_several_studies(tmp_path):
  assert tables.certainty(judged(tmp_path / 'one')) is None
  certainty = tables.certainty(judged(tmp_path / 'three', 3))
  (pair,) = certainty.neighbours
  assert (pair.first, pair.second, pair.tied) == ('fast', 'slow', False)
  assert (pair.chance, pair.studies) == (1.0, 2)
  assert certainty.deciding == []


def test_a_lead_is_the_mean_over_what_both_solve(tmp_path):
  assert tables.lead(judged(tmp_path)) == pytest.approx(2.0)


def test_times_of_a_workload_come_with_ratio_and_share_of_the_budget(tmp_path):
  table = tables.workload(judged(tmp_path), result_trees.CONFORMER)
  assert table['time'].tolist() == [100, 200]
  assert table['ratio'].tolist() == [1, 2]
  # Self-tuning has three times the budget of 61,068 s.
  np.testing.assert_allclose(table['share'] * 3 * 61_068, [100, 200])


def test_a_share_of_a_budget_in_another_unit_is_not_a_number(tmp_path):
  table = tables.workload(judged(tmp_path, unit='steps'), DEEPSPEECH)
  assert table['share'].isna().all()
  assert np.isinf(table.loc['slow', 'time'])
  assert np.isnan(table.loc['slow', 'ratio'])


def test_the_closest_are_looked_for_only_where_a_target_was_missed(tmp_path):
  best = tables.closest(judged(tmp_path))
  assert best.columns.tolist() == [DEEPSPEECH]
  assert best.loc['slow', DEEPSPEECH] == 0.9


def test_other_clocks_follow_that_of_the_ranking(tmp_path):
  table = tables.clocks(judged(tmp_path))
  assert list(table) == ['seconds (the ranking)', 'steps']
  against = tmp_path / 'against'
  assert tables.clocks(judged(against, against='v0.5')) is None


def test_a_published_leaderboard_has_the_same_tables():
  board = board_lib.build('v0.5', 'external')
  ranking = tables.ranking(board)
  assert ranking.index[0] == 'shampoo_submission'
  assert ranking['rank'].is_monotonic_increasing
  times, voided = tables.times(board), tables.voided(board)
  assert set(board.scoring.held_out) < set(times)
  mask = voided.to_numpy()
  assert mask.any()
  assert np.isfinite(times[voided.columns].to_numpy()[mask]).all()
  assert np.isinf(board.counted.loc[ranking.index].to_numpy()[mask]).all()
