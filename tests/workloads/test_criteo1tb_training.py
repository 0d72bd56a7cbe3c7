# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training and evaluation on prepared click logs."""

import csv
import dataclasses
import itertools
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest

from jaxperf import errors, mesh
from jaxperf import workload as workload_api
from jaxperf.running import config as config_lib
from jaxperf.running import run as run_lib
from jaxperf.trial import compiled, run
from tests import click_logs, tiny
from workloads.criteo1tb import model, shards
from workloads.criteo1tb import workload as workload_lib

EXPECTED = click_logs.expected()
ROWS = EXPECTED['rows']
BATCH = 32


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp('data')
  click_logs.prepared(path)
  return path


def small(folder):
  """The workload with a small model, on prepared data."""
  settings = dataclasses.replace(
    workload_lib.FULL,
    model=model.Dlrm(
      model.Config(vocab_size=512, embed_dim=8, bottom=(16, 8), top=(16, 1))
    ),
    batch_size=BATCH,
    eval_batch_size=64,
  )
  return workload_lib.build('criteo1tb', settings, data=folder)


def steps(training, state, functions, cursor, count):
  stream = training.workload.data.train(0, BATCH, cursor)
  for batch, taken in itertools.islice(stream, count):
    placed = mesh.place_batch(batch, training.run.mesh)
    state, _ = functions.step(state, placed)
    cursor = taken
  return state, cursor


def test_training_evaluates_and_resumes_bit_for_bit(folder):
  workload = small(folder)
  training = tiny.make_training(workload=workload)
  start = compiled.initial_state(training)
  functions = compiled.compile_functions(training, start)
  whole, _ = steps(training, start, functions, None, 20)
  state = compiled.initial_state(training)
  state, cursor = steps(training, state, functions, None, 9)
  state = jax.tree.map(np.asarray, state)
  shardings = jax.tree.map(lambda x: x.sharding, whole)
  state = jax.device_put(state, shardings)
  again, _ = steps(training, state, functions, cursor, 11)
  jax.tree.map(np.testing.assert_array_equal, whole, again)
  key = jax.random.key(0)
  for split in workload_api.SPLITS:
    sums = [
      workload.evaluate(whole.params, whole.model_state, batch, key)[0]
      for batch in workload.data.evaluation(split, workload.eval_batch_size)
    ]
    total = {name: sum(float(s[name]) for s in sums) for name in sums[0]}
    assert np.isfinite(workload.finish(total, {})['loss'])
    pieces = shards.open_splits(folder).evaluated(split)
    assert total['num_examples'] == pieces.num_rows


def test_a_stopped_trial_goes_on_to_the_same_numbers(folder, tmp_path):
  goal = dataclasses.replace(
    tiny.GOAL, metric='loss', minimize=True, validation_target=0, test_target=0
  )
  training = tiny.make_training(
    workload=small(folder), goal=goal, minimize=True, budget=20, eval_period=5
  )
  made = tiny.make_trial(training, goal)
  steps_taken = itertools.count()
  outcome = run.run(made, tmp_path / 'two', lambda: next(steps_taken) >= 12)
  assert outcome == 'stopped'
  for name in ('one', 'two'):
    assert run.run(made, tmp_path / name) == 'budget'
  columns = ('global_step', 'train/loss', 'validation/loss', 'test/loss')
  one, two = (
    list(csv.DictReader((tmp_path / name / 'eval_measurements.csv').open()))
    for name in ('one', 'two')
  )
  assert len(one) >= 4
  assert [[row[c] for c in columns] for row in one] == (
    [[row[c] for c in columns] for row in two]
  )


def test_devices_do_not_change_the_batches(folder):
  found = []
  for devices in (1, 8):
    training = tiny.make_training(
      workload=small(folder), devices=jax.devices()[:devices]
    )
    _, losses = tiny.run_steps(training, 20)
    stream = training.workload.data.train(0, BATCH)
    batches = [
      mesh.place_batch(batch, training.run.mesh)
      for batch, _ in itertools.islice(stream, 15)
    ]
    found.append((losses, jax.tree.map(np.asarray, batches)))
  (one, batches), (eight, same) = found
  jax.tree.map(np.testing.assert_array_equal, batches, same)
  np.testing.assert_allclose(one, eight, rtol=1e-4)


def test_memory_stays_flat_over_epochs(folder):
  script = f"""
import pathlib, resource
from workloads.criteo1tb import data
stream = data.prepared(pathlib.Path({str(folder)!r})).train(0, 32, None)
for epoch in range(3):
  for _ in range({ROWS['train'] // BATCH} * 50):
    next(stream)
  print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  first, *_, last = map(int, out.stdout.split())
  assert last - first < 2_000  # KiB.


def _config(**values):
  return config_lib.make_config(
    {
      'rules': 'v0.6',
      'submissions': ('baselines.nadamw',),
      'workloads': ('criteo1tb',),
      'ruleset': 'self',
    }
    | values
  )


def test_a_run_without_data_is_refused_before_anything_is_written(
  folder, tmp_path
):
  results = tmp_path / 'results'
  with pytest.raises(errors.UserError, match='holds no prepared data'):
    run_lib.run(_config(data_dir=str(tmp_path)), results, False)
  assert not results.exists()
  shutil.copytree(folder, tmp_path / 'half')
  (tmp_path / 'half' / 'criteo1tb' / 'manifest.json').unlink()
  with pytest.raises(errors.UserError, match='is not finished'):
    run_lib.run(_config(data_dir=str(tmp_path / 'half')), results, False)
  assert not results.exists()


def test_a_mini_run_imports_nothing_of_preparation():
  script = """
import sys
import jaxperf, workloads
next(workloads.build('mini_clicks').data.train(0, 8, None))
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'pyarrow', 'h5py', 'soundfile')) or m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == '[]'
