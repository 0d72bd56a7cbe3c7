# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Scores by hand, by the definition, and as published."""

import dataclasses
import os
import pathlib

import numpy as np
import pandas as pd
import pytest

from jaxperf import rules as rules_lib
from jaxperf.records import read
from jaxperf.scoring import published as published_lib
from jaxperf.scoring import score, selection, verdict
from jaxperf.scoring import times as times_lib
from tests import result_trees

LOGS = os.environ.get('JAXPERF_ALGOPERF_LOGS')
INF, NAN = np.inf, np.nan
V05 = rules_lib.load('v0.5')
CONFORMER = 'librispeech_conformer'  # Target: wer < 0.085884.
# The published scores of the submissions whose logs are published together.
PUBLISHED_LOGS = {
  'self': {
    'schedule_free_adamw': 0.8542,
    'baseline': 0.8194,
    'nadamw_sequential': 0.3308,
    'sinv6_75': 0.1420,
    'sinv6': 0.0903,
    'adamg': 0.0,
  },
  'external': {
    'shampoo_submission': 0.7872,
    'schedule_free_adamw': 0.7153,
    'baseline': 0.5783,
    'caspr_adaptive': 0.4773,
    'lawa_queue': 0.3699,
  },
}


def frame(**columns):
  """Times by workload, submissions a, b, c."""
  rows = len(next(iter(columns.values())))
  return pd.DataFrame(columns, index=list('abcdef')[:rows], dtype=float)


def counted(times, workloads, held_out=(), tau_max=4.0):
  return score.counted_times(times, workloads, dict(held_out), tau_max)


# From evaluations to times.


def test_time_to_target_is_that_of_the_first_evaluation_below_it(tmp_path):
  rows = [(1, 5, 0.9), (10, 50, 0.085884), (20, 90, 0.0858), (30, 130, 0.08)]
  result_trees.add_trial(tmp_path, 'a', 0, CONFORMER, 1, rows)
  results = read.results(tmp_path)
  seconds = times_lib.trial_times(results, V05, 'external')
  assert seconds[['time', 'evaluation']].values.tolist() == [[90, 2]]
  steps = times_lib.trial_times(results, V05, 'external', unit='steps')
  assert steps['time'].tolist() == [20]


def test_a_target_met_after_the_budget_is_not_met(tmp_path):
  rows = [(1, 5, 0.9), (10, 61_069, 0.08)]
  result_trees.add_trial(tmp_path, 'a', 0, CONFORMER, 1, rows)
  results = read.results(tmp_path)
  assert times_lib.trial_times(results, V05, 'external')['time'].tolist() == [
    INF
  ]
  assert times_lib.trial_times(results, V05, 'self')['time'].tolist() == [
    61_069
  ]


def test_a_budget_in_steps_is_compared_with_steps(tmp_path):
  rules = dataclasses.replace(V05, unit='steps')
  rows = [(1, 5, 0.9), (61_069, 7, 0.08)]
  result_trees.add_trial(tmp_path, 'a', 0, CONFORMER, 1, rows)
  results = read.results(tmp_path)
  assert times_lib.trial_times(results, rules, 'external')['time'].tolist() == [
    INF
  ]


def test_nan_metrics_and_missing_columns_count_as_not_reached(tmp_path):
  rows = [(1, 5, 0.9), (10, 50, 'nan'), (20, 90, 0.08)]
  result_trees.add_trial(tmp_path, 'a', 0, CONFORMER, 1, rows)
  result_trees.add_trial(tmp_path, 'a', 0, 'ogbg', 1, rows)
  trials = times_lib.trial_times(read.results(tmp_path), V05, 'external')
  assert trials.set_index('workload')['time'].to_dict() == {
    CONFORMER: 90,
    'ogbg': INF,
  }


def trials_of_one_study(*trials):
  return pd.DataFrame(
    [('a', 'w', 0, *trial) for trial in trials],
    columns=[
      'submission',
      'workload',
      'study',
      'trial',
      'evaluation',
      'time',
    ],
  )


def test_the_fastest_trial_counts_unless_the_published_choice_is_asked_for():
  trials = trials_of_one_study((1, -1, INF), (2, 7, 80.0), (3, 6, 90.0))
  assert times_lib.study_times(trials)['time'].tolist() == [80]
  assert times_lib.study_times(trials, 'published')['time'].tolist() == [90]


def test_published_ties_go_to_the_last_trial():
  trials = trials_of_one_study((1, 6, 80.0), (2, 6, 85.0), (3, 7, 70.0))
  assert times_lib.study_times(trials, 'published')['time'].tolist() == [85]


def test_a_study_without_a_finite_trial_is_infinite_and_counts_in_the_median():
  studies = pd.DataFrame(
    {
      'submission': 'a',
      'workload': ['w'] * 3 + ['x'] * 2 + ['y'] * 4,
      'study': [0, 1, 2, 0, 1, 0, 1, 2, 3],
      'time': [INF, 10, 30, 10, INF, 1, 2, 4, INF],
    }
  )
  medians = times_lib.median_times(studies)
  assert medians.loc['a'].to_dict() == {'w': 30, 'x': INF, 'y': 3}


# The rules that void times.


def test_an_unsolved_base_workload_voids_its_variant_before_the_minima():
  # Without step 3, a's variant time of 1 would void b's 5, so b's base.
  times = frame(base=[INF, 10.0], variant=[1.0, 5.0])
  result = counted(times, ['base'], {'variant': 'base'})
  assert result['base'].tolist() == [INF, 10]


def test_slower_than_four_times_the_fastest_is_infinite():
  result = counted(frame(w=[10, 40, 40.01]), ['w'])
  assert result['w'].tolist() == [10, 40, INF]


def test_an_unsolved_variant_voids_its_base_workload():
  times = frame(base=[10, 11, 12, 13], variant=[10, 41, INF, NAN])
  result = counted(times, ['base'], {'variant': 'base'})
  assert result['base'].tolist() == [10, INF, INF, INF]


def test_ratios_use_the_minima_of_what_is_left():
  # a, the fastest, is voided by its variant: b is the new reference, but c
  # stays void since a's time was the minimum when it was judged.
  times = frame(base=[10, 20, 41], variant=[INF, 5, 5])
  result = counted(times, ['base'], {'variant': 'base'})
  assert result['base'].tolist() == [INF, 20, INF]
  ratios = score.performance_ratios(result)
  assert ratios['base'].tolist() == [INF, 1, INF]


def test_only_a_variant_that_somebody_ran_can_void():
  times = frame(ogbg=[10.0], wmt=[10.0], wmt_glu_tanh=[3.0])
  pairs = score.held_out_pairs(V05, ['ogbg', 'wmt'], times)
  assert pairs == {'wmt_glu_tanh': 'wmt'}
  assert score.held_out_pairs(V05, ['ogbg'], times) == {}


# From times to scores.


def test_the_exact_score_is_the_mean_of_the_distances_to_the_end():
  times = frame(v=[10, 20], w=[30, 10], x=[INF, 5], y=[INF, INF])
  result = score.scores(counted(times, list('vwxy')), 4.0)
  # a: (3/3 + 1/3 + 0 + 0) / 4; b: (2/3 + 3/3 + 3/3 + 0) / 4.
  assert result['a'] == pytest.approx(1 / 3)
  assert result['b'] == pytest.approx(2 / 3)
  assert result.index.tolist() == ['b', 'a']


def test_the_published_score_is_the_trapezoid_rule_on_the_profile():
  rng = np.random.default_rng(0)
  times = pd.DataFrame(
    rng.lognormal(0, 0.7, (6, 9)),
    index=list('abcdef'),
    columns=list('qrstuvwxy'),
  )
  cut = counted(times, list(times))
  ratios = score.performance_ratios(cut)
  grid = np.linspace(1, 4, 100)
  for name in times.index:
    rho = [(ratios.loc[name] <= tau).mean() for tau in grid]
    expected = np.trapezoid(rho, grid) / 3
    assert score.scores(cut, 4.0, 'published')[name] == pytest.approx(expected)


def test_the_exact_score_is_the_area_under_the_exact_profile():
  times = frame(v=[10, 23, 15], w=[30, 10, 12], x=[INF, 5, 19])
  ratios = score.performance_ratios(counted(times, list('vwx')))
  profile = score.profile(ratios, 4.0)
  widths = np.diff(profile.columns.to_numpy())
  areas = (profile.to_numpy()[:, :-1] * widths).sum(axis=1) / 3
  expected = score.scores(counted(times, list('vwx')), 4.0)[profile.index]
  np.testing.assert_allclose(areas, expected)


def test_no_submission_that_solves_anything_scores_zero_without_complaint():
  times = frame(v=[INF, NAN], w=[NAN, NAN])
  result = score.scores(counted(times, ['v', 'w', 'x']), 4.0)
  assert result.tolist() == [0, 0]


def test_a_workload_that_nobody_ran_still_divides_the_score():
  times = frame(v=[10.0])
  assert score.scores(counted(times, ['v', 'w']), 4.0)['a'] == 0.5


def test_scores_do_not_depend_on_units_or_on_the_order_of_anything():
  rng = np.random.default_rng(1)
  times = frame(v=rng.random(5), w=rng.random(5), x=rng.random(5))
  result = score.scores(counted(times, list('vwx')), 4.0)
  mixed = (times * 7).iloc[[3, 1, 4, 0, 2]]
  again = score.scores(counted(mixed, list('xvw')), 4.0)
  np.testing.assert_allclose(again[result.index], result)


def test_a_failure_never_helps():
  rng = np.random.default_rng(2)
  times = frame(v=rng.random(5), w=rng.random(5), x=rng.random(5))
  before = score.scores(counted(times, list('vwx')), 4.0)['a']
  times.loc['a', 'w'] = INF
  assert score.scores(counted(times, list('vwx')), 4.0)['a'] <= before


@pytest.mark.parametrize('ruleset', ['external', 'self'])
def test_the_published_leaderboards_come_out_to_four_decimals(ruleset):
  times = published_lib.times('v0.5', ruleset)
  workloads = score.scored_workloads(V05)
  pairs = score.held_out_pairs(V05, workloads, times)
  assert len(pairs) == 6
  result = score.scores(
    score.counted_times(times, workloads, pairs, V05.tau_max), 4.0, 'published'
  )
  expected = published_lib.published_scores('v0.5', ruleset)
  assert result.round(4).to_dict() == expected.to_dict()


if LOGS:

  @pytest.mark.parametrize('ruleset', ['external', 'self'])
  def test_the_published_logs_give_the_published_scores(ruleset):
    results = read.results(pathlib.Path(LOGS, f'{ruleset}_tuning'))
    judged = verdict.judge(
      results,
      selection.Options('v0.5', ruleset, 'published', trial_choice='published'),
    )
    assert judged.scores.round(4).to_dict() == PUBLISHED_LOGS[ruleset]
    published = published_lib.times('v0.5', ruleset).stack()
    times = judged.times.stack().reindex(published.index)
    error = (times / published - 1)[np.isfinite(published)]
    assert error.abs().max() < 1e-3
    # One tie between trials depends on the order in which folders are listed.
    different = [] if ruleset == 'self' else [('caspr_adaptive', 'fastmri')]
    assert error.index[error.abs() > 1e-12].tolist() == different

  def test_choosing_trials_by_time_leaves_these_published_scores_alone():
    for ruleset, expected in PUBLISHED_LOGS.items():
      results = read.results(pathlib.Path(LOGS, f'{ruleset}_tuning'))
      options = selection.Options('v0.5', ruleset, 'published')
      judged = verdict.judge(results, options)
      assert judged.scores.round(4).to_dict() == expected
