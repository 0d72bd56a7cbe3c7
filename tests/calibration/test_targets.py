# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How the targets of the mini rules follow from recorded runs."""

import collections
import json

import pytest

from calibration import recorded_runs, target_curves, targets
from jaxperf import rules

MINI = rules.load('mini')
RECORDED = recorded_runs.read(targets.TABLE)
ACCURACY, LOSS = 'mini_images_vit', 'mini_clicks'
BAD = ['learning rate / 100', 'learning rate x 100', 'no adaptation']


def curve(*evaluations: tuple[float, float]) -> str:
  """Validation and test metric of each evaluation."""
  return ' '.join(
    f'{10 * k}:{validation}:{test}'
    for k, (validation, test) in enumerate(evaluations, start=1)
  )


def done(workload: str, outcome) -> list[recorded_runs.Run]:
  """All runs of a workload, with the curves that a function gives them."""
  runs: list[recorded_runs.Run] = []
  while todo := next(targets.missing(workload, runs), None):
    runs.append(todo._replace(evaluations=outcome(todo)))
  return runs


def accuracy(run: recorded_runs.Run) -> str:
  """The third point of Nesterov is best; its seeds reach 0.7 to 0.9."""
  if run.phase == 'search':
    good = (run.algorithm, run.number) == ('baselines.nesterov', 3)
    also = (run.algorithm, run.number) == ('baselines.adamw', 5)
    return curve((0.1, 0.1), (0.85 if good else 0.81 if also else 0.5, 0.5))
  if run.phase == 'repeat':
    best = {1: 0.9, 2: 0.70004, 3: 0.80009, 4: 0.75, 5: 0.85}[run.number]
    test = {1: 0.78, 2: 0.1, 3: 0.79, 4: 0.2, 5: 0.77005}[run.number]
    return curve((0.3, 0.99), (best, test), (0.6, 0.01))
  return curve((0.1, 0.1))


def test_five_points_each_then_five_seeds_of_the_best_then_bad_settings():
  runs = done(ACCURACY, accuracy)
  count = collections.Counter((run.algorithm, run.phase) for run in runs)
  assert count == {
    **{(name, 'search'): 5 for name in targets.ALGORITHMS},
    ('baselines.nesterov', 'repeat'): 5,
    **{('baselines.nadamw:paper', phase): 1 for phase in BAD},
  }
  (best,) = [r for r in runs if r[1:4] == ('baselines.nesterov', 'search', 3)]
  assert {r.point for r in runs if r.phase == 'repeat'} == {best.point}


def test_median_of_the_best_values_and_the_worst_test_value_of_those():
  found = targets.targets(ACCURACY, done(ACCURACY, accuracy))
  assert found.validation == 0.8  # Median 0.80009; seeds 1, 3 and 5 reach it.
  assert found.test == 0.77  # Where validation was best, not at the end.
  assert found.spread == (0.70004, 0.9)
  assert found.reached_by == ['adamw', 'nesterov']
  assert found.bad == dict.fromkeys(BAD, 0.1)


def test_of_a_loss_smaller_is_better_and_rounding_goes_up():
  def loss(run):
    if run.phase != 'repeat':
      return curve((0.5 + run.number / 100, 0.5))
    value = 0.4 + run.number / 1000 + 1e-5
    return curve((value, 0.3 + run.number / 1000 + 1e-5), (0.9, 0.9))

  runs = done(LOSS, loss)
  found = targets.targets(LOSS, runs)
  assert found.best[1:4] == ('baselines.adamw', 'search', 1)
  assert (found.validation, found.test) == (0.404, 0.304)
  assert found.reached_by == []


def test_an_infinite_loss_is_never_best():
  def loss(run):
    broken = run.phase == 'search' and run.number == 1
    return curve((float('nan') if broken else 0.5 + run.number / 100, 0.5))

  (best, *_) = [r for r in done(LOSS, loss) if r.phase == 'repeat']
  points = [r for r in done(LOSS, loss) if r.phase == 'search']
  assert best.point == points[1].point


def test_bad_settings_change_one_number_of_the_best_nadamw_point():
  runs = done(ACCURACY, accuracy)
  base = json.loads(
    next(r.point for r in runs if r.algorithm == 'baselines.nadamw:paper')
  )
  changed = {r.phase: json.loads(r.point) for r in runs if r.phase in BAD}
  rate = base['learning_rate']
  assert changed == {
    BAD[0]: base | {'learning_rate': rate / 100},
    BAD[1]: base | {'learning_rate': rate * 100},
    BAD[2]: base | {'beta2': 0.0},
  }


def test_where_only_one_algorithm_met_the_target_all_train_to_the_end():
  def reached(run):
    if run.phase == 'whole budget':
      late = {'baselines.adamw': 0.9, 'baselines.heavy_ball': 0.3}
      return curve((late.get(run.algorithm, 0.1), 0.5))
    if run.phase == 'search' and run.algorithm == 'baselines.adamw':
      return curve((0.6 + run.number / 100, 0.5))
    return accuracy(run)

  runs = done(ACCURACY, reached)
  whole = [r for r in runs if r.phase == 'whole budget']
  assert [r.algorithm for r in whole] == list(targets.ALGORITHMS)
  assert [r.number for r in whole][:3] == [5, 1, 3]  # The best points.
  found = targets.targets(ACCURACY, runs)
  assert found.reached_by == ['adamw', 'nesterov']
  assert found.validation == 0.8
  rest = [r for r in runs if r.phase in ('search', *BAD)]
  assert '5 runs missing' in targets.markdown([ACCURACY], rest)


def test_no_targets_while_a_run_is_missing():
  runs = done(ACCURACY, accuracy)
  for number in (0, 22, len(runs) - 1):
    rest = [*runs[:number], *runs[number + 1 :]]
    assert targets.targets(ACCURACY, rest) is None
  assert '1 runs missing' in targets.markdown([ACCURACY], runs[:-1])


@pytest.mark.parametrize('workload', MINI.base_workloads)
def test_the_rules_have_the_targets_that_follow_from_the_recorded_runs(
  workload,
):
  found = targets.targets(workload, RECORDED)
  goal = MINI.workloads[workload]
  assert goal.validation_target == found.validation
  assert goal.test_target == found.test


@pytest.mark.parametrize('workload', MINI.base_workloads)
def test_targets_tell_good_settings_from_bad_ones(workload):
  found = targets.targets(workload, RECORDED)
  goal = MINI.workloads[workload]
  assert len(found.reached_by) >= 2
  assert not any(goal.reached(v, found.validation) for v in found.bad.values())


@pytest.mark.parametrize('workload', MINI.base_workloads)
def test_recorded_runs_went_as_far_as_the_procedure_says(workload):
  budget = MINI.workloads[workload].budget
  ends = {r.phase: r.values[-1][0] for r in RECORDED if r.workload == workload}
  assert ends.pop('whole budget', budget) == budget
  assert ends['search'] == ends['repeat'] == round(0.75 * budget)


def test_the_figure_shows_every_run_of_every_workload():
  runs = done(ACCURACY, accuracy) + done(LOSS, lambda run: curve((0.5, 0.4)))
  table = target_curves.curves(runs)
  count = table.groupby('workload')['run'].nunique()
  assert count.to_dict() == {ACCURACY: 28, LOSS: 28 + 4}
  first = table[table['run'] == 0]
  assert first['submission'].tolist() == ['search', 'search']
  assert first['step'].tolist() == [10, 20]
  assert first['validation/accuracy'].tolist() == [0.1, 0.5]
  roles = table.groupby('submission')['run'].nunique().to_dict()
  assert roles == {'search': 40, 'best': 10, 'bad': 6, 'whole': 4}


def test_the_figure_has_a_panel_a_workload():
  panels = target_curves.draw(RECORDED)
  titles = [ax.get_title(loc='left') or ax.get_title() for ax in panels]
  assert titles == list(MINI.base_workloads)
  for ax, name in zip(panels, titles):
    lines = len([r for r in RECORDED if r.workload == name])
    assert len(ax.lines) == lines + 1  # And the target.
