# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of the mini workloads with the published results."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from calibration import agreement, agreement_report, prediction, recorded_runs
from jaxperf import errors, rules
from jaxperf.scoring import published as published_lib
from tests import tiny

INF = math.inf
MINI = rules.load('mini')


def curve(workload: str, reached_at: int) -> str:
  """Four evaluations; those from a step on are better than the target."""
  goal = MINI.workloads[workload]
  better = -0.01 if goal.minimize else 0.01
  steps = [round(k * goal.eval_period) for k in (1, 2, 3, 15)]
  values = [
    goal.validation_target + (better if step >= reached_at else -better)
    for step in steps
  ]
  return ' '.join(f'{step}:{value}:0' for step, value in zip(steps, values))


def runs_of(
  name: str, periods: dict[str, float] | float
) -> list[recorded_runs.Run]:
  """One run a workload, which reaches the target after so many periods."""
  if not isinstance(periods, dict):
    periods = dict.fromkeys(MINI.base_workloads, periods)
  return [
    recorded_runs.Run(
      w, name, 'self', 1, '{}', curve(w, k * MINI.workloads[w].eval_period)
    )
    for w, k in periods.items()
  ]


def compare(runs: dict[str, list[recorded_runs.Run]], ruleset: str = 'self'):
  """All runs are planned and done."""
  done = list(itertools.chain(*runs.values()))
  return agreement.compare(ruleset, runs, done)


@pytest.mark.parametrize(
  ('first', 'second', 'expected'),
  [
    ([3, 2, 1], [30, 20, 10], 1),
    ([3, 2, 1], [10, 20, 30], -1),
    ([1, 2, 3], [1, 3, 2], 1 / 3),  # Two pairs agree, one does not.
    ([1, 2, 2], [1, 2, 3], 2 / math.sqrt(3 * 2)),  # One tie, on one side.
    ([5, INF, INF], [1, 2, 3], 2 / math.sqrt(3 * 2)),
    ([5, INF, INF], [1, INF, INF], 1),  # A tie on both sides.
    ([5, INF, 7, INF], [1, 2, INF, INF], 2 / 5),  # 3 to 1, a tie on each side.
  ],
)
def test_tau_b_is_what_counting_pairs_gives(first, second, expected):
  assert agreement.tau_b(first, second) == pytest.approx(expected)


def test_there_is_no_tau_without_two_different_numbers():
  assert math.isnan(agreement.tau_b([1, 1, 1], [1, 2, 3]))
  assert math.isnan(agreement.tau_b([INF, INF], [1, 2]))
  assert math.isnan(agreement.tau_b([1], [1]))


@pytest.mark.parametrize('ruleset', rules.TUNING_RULESETS)
def test_entries_are_the_published_ones_best_placed_first(ruleset):
  published = published_lib.published_scores('v0.5', ruleset)
  assert list(prediction.ENTRIES[ruleset]) == list(published.index)
  assert published.is_monotonic_decreasing


def test_all_workloads_take_turns_within_each_algorithm():
  entries = prediction.ENTRIES['external']
  planned = list(prediction.plan('external', entries))
  assert [run[:4] for run in planned] == [
    (workload, algorithm, 'external', number)
    for algorithm in entries.values()
    for number in range(1, 6)
    for workload in MINI.base_workloads
  ]
  points = {
    run.point for run in planned if run.algorithm == 'baselines.shampoo'
  }
  assert len(points) == 5


def test_sinv6_is_run_only_where_its_weights_are(monkeypatch):
  monkeypatch.delenv('JAXPERF_SINV6_WEIGHTS', raising=False)

  def algorithms():
    names = prediction.ENTRIES['self']
    runs = prediction.to_run('self', names, ['mini_mri'], [])
    return [run.algorithm.removeprefix('baselines.') for run in runs]

  others = ['schedule_free_adamw', 'nadamw', 'nadamw_sequential', 'adamg']
  assert algorithms() == others
  monkeypatch.setenv('JAXPERF_SINV6_WEIGHTS', 'weights')
  assert algorithms() == [
    *others[:3],
    'sinv6:three_quarters',
    'sinv6',
    *others[3:],
  ]


def test_started_again_it_goes_on_where_the_table_ends(tmp_path):
  table = tmp_path / 'runs.csv'

  def to_run():
    names, workloads = ['amos', 'baseline'], ['mini_mri', 'mini_clicks']
    runs = recorded_runs.read(table)
    return list(prediction.to_run('external', names, workloads, runs))

  everything = to_run()
  assert len(everything) == 20
  done = [run._replace(evaluations='60:0.5:nan') for run in everything[:3]]
  for run in done:
    recorded_runs.append(table, run)
  assert to_run() == everything[3:]
  assert recorded_runs.read(table) == done
  assert done[0].values == [(60, 0.5, pytest.approx(math.nan, nan_ok=True))]


def test_it_compares_where_no_run_is_left_to_do(capsys):
  names, workloads = ['amos', 'baseline'], ['mini_clicks', 'mini_mri']
  done = [
    run._replace(evaluations=curve(run.workload, 0))
    for run in prediction.to_run('external', names, workloads, [])
    if run.workload == 'mini_clicks' or run.number < 5
  ]
  text = agreement_report.markdown(prediction.compare(names, workloads, done))
  assert 'Workloads: mini_clicks. Algorithms with all runs: 2 of 2.' in text
  missing = 'self: no workload has the runs of all algorithms.'
  assert missing in capsys.readouterr().out


def test_table_and_figure_are_where_the_options_say(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(tmp_path)  # Without a folder for the documents' figures.
  for run in prediction.to_run('external', ['amos'], ['mini_mri'], []):
    done = run._replace(evaluations=curve(run.workload, 0))
    recorded_runs.append(tmp_path / 'runs.csv', done)
  options = ['--minutes=0', '--submissions=amos', '--workloads=mini_mri']
  options += ['--table=runs.csv', '--ruleset=external']
  for figure in ([], ['--figure=it.png']):
    monkeypatch.setattr('sys.argv', ['prediction', *options, *figure])
    prediction.main()
    assert 'Workloads: mini_mri.' in capsys.readouterr().out
    assert (tmp_path / 'it.png').exists() == bool(figure)


def test_a_run_that_fails_stays_missing(tmp_path, capfd):
  table = tmp_path / 'runs.csv'
  run = recorded_runs.Run('mini_clicks', 'baselines.nadamw', 'self', 99, '{}')
  prediction._do(run, table)
  assert 'mini_clicks baselines.nadamw self 99: ' in capfd.readouterr().out
  assert not table.exists()


def test_training_goes_on_to_the_end_though_the_target_is_reached():
  goal = dataclasses.replace(tiny.GOAL, validation_target=0.0, test_target=0.0)
  made = tiny.make_trial(tiny.make_training(), goal)
  run = recorded_runs.Run(
    '', '', '', 0, '', recorded_runs.train_to_the_end(made)
  )
  assert [step for step, _, _ in run.values] == [1, 20, 40, 60]
  assert run.values[-1][1] > run.values[0][1]


def test_a_training_that_breaks_is_an_error():
  def optimizer(hps, run):
    raise RuntimeError('no step to take')

  broken = dataclasses.replace(tiny.SUBMISSION, optimizer=optimizer)
  made = tiny.make_trial(tiny.make_training(broken))
  with pytest.raises(errors.UserError, match='no step to take'):
    recorded_runs.train_to_the_end(made)


def test_scores_are_those_of_times_to_target():
  found = compare(
    {
      'baseline': runs_of('baseline', 1),
      'schedule_free_adamw': runs_of('schedule_free_adamw', 2),
      'adamg': runs_of('adamg', 99),
    }
  )
  assert list(found.scores.index) == [
    'schedule_free_adamw',
    'baseline',
    'adamg',
  ]
  # Twice the fastest time everywhere: (4 - 2) / (4 - 1).
  np.testing.assert_allclose(found.scores['mini'], [2 / 3, 1, 0])
  assert np.isinf(found.times.loc['adamg']).all()
  assert found.times.loc['baseline', 'mini_clicks'] == 30
  assert found.score_tau.value == pytest.approx(1 / 3)
  assert found.place_tau.value == pytest.approx(1 / 3)
  np.testing.assert_allclose(found.scores['place'], [2, 1, 3])
  assert not found.missing


def test_the_best_trial_within_the_budget_counts():
  late, early, middle = (
    run._replace(algorithm='a', number=number)
    for number, periods in enumerate((15, 3, 2), start=1)
    for run in runs_of('a', {'mini_clicks': periods})
  )

  def steps(runs, ruleset):
    times = agreement.steps_to_target({'a': runs}, ruleset)
    return times.loc['a', 'mini_clicks']

  assert steps([late, early, middle], 'external') == 60
  assert steps([late], 'self') == 450  # One and a half budgets.
  assert steps([late], 'external') == INF


def test_an_algorithm_without_all_its_runs_is_not_compared():
  planned = {name: runs_of(name, 1) for name in ('baseline', 'adamg')}
  done = planned['baseline'] + planned['adamg'][3:]
  found = agreement.compare('self', planned, done)
  assert list(found.scores.index) == ['baseline']
  assert found.missing == {'adamg': 3}
  text = agreement_report.markdown([found])
  assert '1 of 2. Missing runs: adamg 3.' in text
  assert "Kendall's" not in text


def test_only_the_planned_workloads_are_compared():
  some = {'mini_mri': 2, 'mini_clicks': 1}
  found = compare(
    {'baseline': runs_of('baseline', some), 'adamg': runs_of('adamg', 99)[:2]}
  )
  assert list(found.times.columns) == ['mini_clicks', 'mini_mri']
  assert found.scores['mini'].to_dict() == {'baseline': 1, 'adamg': 0}
  assert found.score_tau.value == 1


def test_an_empty_table_compares_nothing():
  found = agreement.compare('self', {'adamg': runs_of('adamg', 1)}, [])
  assert found.scores.empty
  assert 'Missing runs: adamg 8.' in agreement_report.markdown([found])


def test_the_interval_is_over_workloads():
  # Each is faster on half of the workloads: of eight draws, more than four
  # fall on one half with probability (1 - C(8, 4) / 2^8) / 2.
  half, other = MINI.base_workloads[:4], MINI.base_workloads[4:]
  one, two = dict.fromkeys(half, 1), dict.fromkeys(half, 2)
  found = compare(
    {
      'baseline': runs_of('baseline', one | dict.fromkeys(other, 2)),
      'adamg': runs_of('adamg', two | dict.fromkeys(other, 1)),
    }
  )
  tied = math.comb(8, 4) / 2**8
  tolerance = 4 * math.sqrt(0.25 / agreement.SAMPLES)
  for taus in (found.score_tau.samples, found.place_tau.samples):
    assert np.mean(np.isnan(taus)) == pytest.approx(tied, abs=tolerance)
    assert np.mean(taus == 1) == pytest.approx((1 - tied) / 2, abs=tolerance)


def test_the_same_order_everywhere_leaves_no_doubt():
  found = compare(
    {'baseline': runs_of('baseline', 1), 'adamg': runs_of('adamg', 2)}
  )
  for tau in (found.score_tau, found.place_tau):
    assert tau.value == 1
    assert (tau.samples == 1).all()
  assert '1.00, 95% interval 1.00 to 1.00' in agreement_report.markdown([found])


def test_taus_of_workloads_leave_out_what_was_not_run():
  # On criteo1tb: 5764 s, 5794 s, 22791 s, not reached, not run.
  periods = {
    'schedule_free_adamw': 2,
    'baseline': 1,
    'nadamw_sequential': 3,
    'adamg': 99,
    'sinv6': 1,
  }
  found = compare({name: runs_of(name, k) for name, k in periods.items()})
  taus = agreement.workload_taus(found)
  # There was no language model in the competition.
  assert list(taus.index) == [
    name for name in MINI.base_workloads if name != 'mini_language'
  ]
  expected = [(5 - 1) / 6] * 2
  np.testing.assert_allclose(taus.loc['mini_clicks'], expected)
  # Nobody reached the published target there.
  assert taus.loc['mini_images_resnet'].isna().all()


def test_who_misses_the_target_is_placed_by_the_best_value():
  def run(*values):
    steps = ' '.join(f'{60 * k}:{v}:0' for k, v in enumerate(values, start=1))
    return recorded_runs.Run('mini_clicks', '', 'self', 1, '{}', steps)

  target = MINI.workloads['mini_clicks'].validation_target
  runs = {
    'never': [run(math.nan, math.nan)],
    'slow': [run(0.69, target - 0.1)],
    'near': [run(target + 0.01, 0.69)],
    'fast': [run(target - 0.01, 0.69)],
    'far': [run(0.69, target + 0.03), run(0.69, target + 0.02)],
    'as far': [run(target + 0.02, 0.69)],
  }
  times = agreement.steps_to_target(runs, 'self')
  losses = agreement.best_losses(runs)
  places = agreement.places(times, losses)['mini_clicks']
  expected = {'fast': 1, 'slow': 2, 'near': 3, 'far': 4.5, 'as far': 4.5}
  assert places.to_dict() == expected | {'never': 6}


def test_larger_is_better_where_the_goal_says_so():
  assert not MINI.workloads['mini_molecules'].minimize
  runs = {
    name: [
      recorded_runs.Run('mini_molecules', '', 'self', 1, '{}', f'240:{value}:0')
    ]
    for name, value in {'low': 0.2, 'high': 0.3}.items()
  }
  losses = agreement.best_losses(runs)['mini_molecules']
  assert losses.to_dict() == {'low': -0.2, 'high': -0.3}


def test_the_figure_has_a_marker_and_a_name_for_each_algorithm():
  found = compare(
    {'baseline': runs_of('baseline', 1), 'adamg': runs_of('adamg', 2)}
  )
  (ax,) = agreement_report.scatter([found])
  places = [line.get_xydata()[0].tolist() for line in ax.lines]
  np.testing.assert_allclose(places, [[0.8194, 1], [0, 2 / 3]])
  assert [text.get_text() for text in ax.texts] == ['adamg', 'baseline']
