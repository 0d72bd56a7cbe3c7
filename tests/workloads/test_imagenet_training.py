# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training and evaluation on prepared ImageNet."""

import csv
import dataclasses
import itertools
import subprocess
import sys

import flax.linen as nn
import jax
import numpy as np
import pytest

from jaxperf import errors, mesh
from jaxperf import workload as workload_api
from jaxperf.running import config as config_lib
from jaxperf.running import run as run_lib
from jaxperf.trial import compiled, run
from tests import imagenet_archives, tiny
from workloads.imagenet import resnet, vit
from workloads.imagenet import workload as workload_lib

SPLITS = imagenet_archives.expected()['splits']
BATCH = 8


class Linear(nn.Module):
  """Logits from the colours of 16 squares; compiles at once."""

  @nn.compact
  def __call__(self, images, *, train):
    squares = nn.avg_pool(images, (56, 56), (56, 56))
    return nn.Dense(1000)(squares.reshape(len(images), -1))


RESNET = dataclasses.replace(
  resnet.FULL, model=resnet.ResNet(resnet.Config(width=4, stage_sizes=(1, 1)))
)
VIT = dataclasses.replace(
  vit.FULL,
  model=vit.ViT(
    vit.Config(patch=56, width=16, depth=1, mlp_width=16, num_heads=2)
  ),
)
LINEAR = dataclasses.replace(vit.FULL, model=Linear(), default_dropout=None)


@pytest.fixture(scope='module', autouse=True)
def processes():
  """One set of them for all tests of this file."""
  batches = small(LINEAR).data.train(0, 1)
  next(batches)
  yield
  batches.close()


def small(settings=LINEAR):
  """A workload with a small model, on prepared data."""
  settings = dataclasses.replace(
    settings, batch_size=BATCH, eval_batch_size=BATCH
  )
  data_dir = imagenet_archives.data_dir()
  return workload_lib.build('imagenet_vit', settings, data=data_dir)


def steps(training, state, functions, cursor, count):
  stream = training.workload.data.train(0, BATCH, cursor)
  for batch, taken in itertools.islice(stream, count):
    placed = mesh.place_batch(batch, training.run.mesh)
    state, _ = functions.step(state, placed)
    cursor = taken
  return state, cursor


@pytest.mark.parametrize(
  'settings',
  [LINEAR] + [pytest.param(x, marks=pytest.mark.slow) for x in (RESNET, VIT)],
)
def test_training_evaluates_and_resumes_bit_for_bit(settings):
  workload = small(settings)
  training = tiny.make_training(workload=workload)
  start = compiled.initial_state(training)
  functions = compiled.compile_functions(training, start)
  whole, _ = steps(training, start, functions, None, 20)
  state = compiled.initial_state(training)
  state, cursor = steps(training, state, functions, None, 9)
  shardings = jax.tree.map(lambda x: x.sharding, whole)
  state = jax.device_put(jax.tree.map(np.asarray, state), shardings)
  again, _ = steps(training, state, functions, cursor, 11)
  jax.tree.map(np.testing.assert_array_equal, whole, again)
  evaluate = jax.jit(workload.evaluate)
  for split in workload_api.SPLITS:
    sums = [
      evaluate(whole.params, whole.model_state, batch, jax.random.key(0))[0]
      for batch in workload.data.evaluation(split, workload.eval_batch_size)
    ]
    total = {name: sum(float(s[name]) for s in sums) for name in sums[0]}
    assert np.isfinite(workload.finish(total, {})['loss'])
    assert total['num_examples'] == len(SPLITS[split]['labels'])


@pytest.mark.slow
def test_a_stopped_trial_goes_on_to_the_same_numbers(tmp_path):
  goal = dataclasses.replace(
    tiny.GOAL, metric='accuracy', validation_target=2, test_target=2
  )
  training = tiny.make_training(
    workload=small(), goal=goal, budget=12, eval_period=4
  )
  made = tiny.make_trial(training, goal)
  steps_taken = itertools.count()
  outcome = run.run(made, tmp_path / 'two', lambda: next(steps_taken) >= 7)
  assert outcome == 'stopped'
  for name in ('one', 'two'):
    assert run.run(made, tmp_path / name) == 'budget'
  columns = ('global_step', 'train/loss', 'validation/loss', 'test/loss')
  one, two = (
    list(csv.DictReader((tmp_path / name / 'eval_measurements.csv').open()))
    for name in ('one', 'two')
  )
  assert len(one) >= 3
  assert [[row[c] for c in columns] for row in one] == (
    [[row[c] for c in columns] for row in two]
  )


def test_devices_do_not_change_the_batches():
  found = []
  for devices in (1, 8):
    training = tiny.make_training(
      workload=small(), devices=jax.devices()[:devices]
    )
    _, losses = tiny.run_steps(training, 8)
    stream = training.workload.data.train(0, BATCH)
    batches = [
      mesh.place_batch(batch, training.run.mesh)
      for batch, _ in itertools.islice(stream, 4)
    ]
    found.append((losses, jax.tree.map(np.asarray, batches)))
  (one, batches), (eight, same) = found
  jax.tree.map(np.testing.assert_array_equal, batches, same)
  np.testing.assert_allclose(one, eight, rtol=1e-4)


def test_memory_stays_flat_over_epochs():
  script = f"""
import os, pathlib, workloads
from workloads.imagenet import pool
data = workloads.build(
  'imagenet_vit', data=pathlib.Path({str(imagenet_archives.data_dir())!r})
).data
stream = data.train(0, 4)
def resident(pid):
  pages = int(open(f'/proc/{{pid}}/statm').read().split()[1])
  return pages * os.sysconf('SC_PAGE_SIZE') // 1024
for epoch in range(4):
  for _ in range({len(SPLITS['train']['labels']) // 4}):
    next(stream)
  list(data.evaluation('validation', 4))
  print(resident(os.getpid()), resident(pool._shared()._processes[0].pid))
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  _, first, *_, last = (
    list(map(int, line.split())) for line in out.stdout.splitlines()
  )
  assert max(b - a for a, b in zip(first, last)) < 4_000, out.stdout  # KiB.
  assert 'Exception ignored' not in out.stderr  # Of a stream left open.


def test_a_run_without_data_is_refused_before_anything_is_written(tmp_path):
  config = config_lib.make_config(
    {
      'rules': 'v0.6',
      'submissions': ('baselines.nadamw',),
      'workloads': ('imagenet_vit',),
      'ruleset': 'self',
      'data_dir': str(tmp_path),
    }
  )
  with pytest.raises(errors.UserError, match='holds no prepared data'):
    run_lib.run(config, tmp_path / 'results', False)
  assert not (tmp_path / 'results').exists()


def test_a_mini_run_imports_nothing_that_real_data_needs():
  script = """
import sys
import jaxperf, workloads
next(workloads.build('mini_images_vit').data.train(0, 8, None))
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'simplejpeg', 'array_record', 'PIL'))
  or m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == '[]'
