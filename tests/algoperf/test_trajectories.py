# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Files written against the AlgoPerf API run as they are."""

import csv
import dataclasses
import json
import pathlib

import jax
import numpy as np
import pytest

from baselines import nadamw, schedule_free_adamw_v2
from jaxperf import submission as submission_lib
from jaxperf.running import entries, plugins
from jaxperf.trial import checkpoint, compiled, run, trial
from tests import tiny

FOLDER = pathlib.Path(__file__).parent
NADAMW = FOLDER / 'nadamw' / 'submission.py'
SCHEDULE_FREE = FOLDER / 'schedule_free' / 'submission.py'
POINTS = json.loads((NADAMW.parent / 'tuning_search_space.json').read_text())


def make_trial(
  submission,
  ruleset,
  point,
  method=compiled.OPTAX,
  workload=tiny.WORKLOAD,
  **options,
):
  """A trial of a submission, native or not, on a small workload."""
  metric = workload.metric_names[0]
  goal = dataclasses.replace(
    tiny.UNREACHABLE, metric=metric, minimize=True, validation_target=-1.0
  )
  devices = options.pop('devices', jax.devices())
  training = tiny.make_training(
    workload=workload, devices=devices, ruleset=ruleset, **options
  )
  hps = submission_lib.Hyperparameters(**point)
  training = dataclasses.replace(
    training, submission=submission, hps=hps, method=method
  )
  return tiny.make_trial(training, goal)


def file_trial(path, ruleset, point, **options):
  entry = entries.entry(str(path), ruleset)
  return make_trial(entry.submission, ruleset, point, entry.method, **options)


def schedule_free_trial():
  devices = jax.devices()[:1]
  return file_trial(SCHEDULE_FREE, 'self', {}, devices=devices)


def rows(folder: pathlib.Path, name: str) -> list[dict[str, str]]:
  with (folder / name).open() as file:
    return list(csv.DictReader(file))


def losses(folder: pathlib.Path) -> np.ndarray:
  table = rows(folder, 'measurements.csv')
  return np.array([float(r['loss']) for r in table if r['loss']])


def metrics(folder: pathlib.Path) -> np.ndarray:
  table = rows(folder, 'eval_measurements.csv')
  names = [n for n in table[0] if n.endswith('/loss')]
  return np.array([[float(r[n]) for n in names] for r in table])


def final_state(folder: pathlib.Path, made: trial.Trial):
  checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
  state, _ = checkpointer.restore(
    made.training.method.abstract_state(made.training)
  )
  checkpointer.close()
  return state


def assert_same_curves(one: pathlib.Path, two: pathlib.Path, rtol):
  np.testing.assert_allclose(losses(one), losses(two), rtol=rtol)
  np.testing.assert_allclose(metrics(one), metrics(two), rtol=rtol)


@pytest.mark.parametrize('point', POINTS)
def test_nadamw_of_a_file_has_the_curve_of_the_baseline(tmp_path, point):
  # With dropout 0.1 in one of the points: the keys are the same, too.
  native = make_trial(nadamw.submission, 'external', point)
  file = file_trial(NADAMW, 'external', point)
  assert run.run(native, tmp_path / 'native') == 'budget'
  assert run.run(file, tmp_path / 'file') == 'budget'
  assert len(losses(tmp_path / 'file')) == 60
  assert_same_curves(tmp_path / 'native', tmp_path / 'file', rtol=2e-5)


def test_schedule_free_of_a_file_has_the_curve_of_the_baseline(tmp_path):
  baseline = schedule_free_adamw_v2.self_tuning
  native = make_trial(baseline, 'self', baseline.tuning.constants)
  assert run.run(native, tmp_path / 'native') == 'budget'
  assert run.run(schedule_free_trial(), tmp_path / 'file') == 'budget'
  assert_same_curves(tmp_path / 'native', tmp_path / 'file', rtol=2e-5)


def test_a_stopped_file_goes_on_to_the_same_bits(tmp_path):
  assert run.run(schedule_free_trial(), tmp_path / 'whole') == 'budget'
  calls, stopped = iter(range(1000)), tmp_path / 'stopped'
  # At step 20: right after an evaluation, with the averaged weights in place.
  outcome = run.run(schedule_free_trial(), stopped, lambda: next(calls) == 19)
  assert outcome == 'stopped'
  assert run.run(schedule_free_trial(), stopped) == 'budget'
  assert rows(stopped, 'eval_measurements.csv')[-1]['preemption_count'] == '1'
  np.testing.assert_array_equal(losses(stopped), losses(tmp_path / 'whole'))
  np.testing.assert_array_equal(metrics(stopped), metrics(tmp_path / 'whole'))
  states = [
    final_state(folder, schedule_free_trial())
    for folder in (tmp_path / 'whole', stopped)
  ]
  jax.tree.map(np.testing.assert_array_equal, *states)
  assert states[1].opt_state.value['name'] == 'schedule-free'
  assert states[1].opt_state.value['is_average'] is True


def test_eight_devices_give_the_curve_of_one(tmp_path):
  for count in (1, 8):
    made = file_trial(
      NADAMW, 'external', POINTS[0], devices=jax.devices()[:count]
    )
    run.run(made, tmp_path / str(count))
  assert_same_curves(tmp_path / '1', tmp_path / '8', rtol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['mini_clicks', 'mini_images_vit'])
def test_files_have_the_curves_of_the_baselines_on_real_data(tmp_path, name):
  point = nadamw.BASELINE_POINTS.points[1]
  options = {'workload': plugins.workload(name), 'devices': jax.devices()[:1]}
  options |= {'budget': 25, 'eval_period': 25}
  native = make_trial(nadamw.submission, 'external', point, **options)
  file = file_trial(NADAMW, 'external', point, **options)
  run.run(native, tmp_path / 'native')
  run.run(file, tmp_path / 'file')
  assert_same_curves(tmp_path / 'native', tmp_path / 'file', rtol=1e-5)
