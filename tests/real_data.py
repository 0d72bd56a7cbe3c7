# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What training on any prepared data must hold: killed, or by two processes.

A target is `MODULE:FUNCTION`, a function that makes a workload with a small
model from the folder of all prepared data. Run as a module, this file is one of
the processes: `python -m tests.real_data ROLE TARGET DATA_DIR FOLDER ...`.
"""

import csv
import dataclasses
import hashlib
import importlib
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import jax
import numpy as np

from jaxperf import mesh
from jaxperf import workload as workload_lib
from jaxperf.trial import batches, checkpoint, run, trial
from tests import tiny

STEPS, KILLED_AT = 20, 9
_BATCHES = 3  # That processes compare.


def make(target: str, data_dir) -> workload_lib.Workload:
  """The workload of a target."""
  module, name = target.split(':')
  return getattr(importlib.import_module(module), name)(pathlib.Path(data_dir))


def make_trial(target: str, data_dir) -> trial.Trial:
  """Twenty steps with an evaluation after every tenth, saved at each step."""
  workload = make(target, data_dir)
  goal = dataclasses.replace(
    tiny.GOAL,
    metric='loss',
    minimize=True,
    validation_target=-1,
    test_target=-1 if workload.description.num_test else None,
  )
  training = tiny.make_training(
    workload=workload, goal=goal, minimize=True, budget=STEPS, eval_period=10
  )
  return tiny.make_trial(training, goal, checkpoint_every_s=0)


def check_killed(target: str, data_dir, folder: pathlib.Path) -> None:
  """Trains, evaluates all splits; killed and started again, ends the same.

  Raises:
    AssertionError: if weights, state or any metric differ in a bit.
  """
  whole, killed = folder / 'whole', folder / 'killed'
  made = make_trial(target, data_dir)
  assert run.run(made, whole) == 'budget'
  child = _start('killed', target, data_dir, killed)
  child.communicate()
  assert child.returncode == -signal.SIGKILL
  assert not (killed / 'result.json').exists()
  assert run.run(made, killed) == 'budget'
  (one, _), (two, progress) = _final(whole, made), _final(killed, made)
  jax.tree.map(np.testing.assert_array_equal, one, two)
  assert progress['preemption_count'] == 1
  splits = made.training.workload.description.splits
  columns = [f'{split}/loss' for split in splits]
  one, two = (_evaluations(path, columns) for path in (whole, killed))
  assert one == two
  assert len(one) == 1 + STEPS // 10
  assert all(np.isfinite([float(x) for x in row]).all() for row in one)


def _final(folder: pathlib.Path, made: trial.Trial):
  """State and progress at the end."""
  checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
  like = made.training.method.abstract_state(made.training)
  state, progress = checkpointer.restore(like)
  checkpointer.close()
  return jax.tree.map(np.asarray, state), progress


def _evaluations(folder: pathlib.Path, columns: list[str]) -> list[list[str]]:
  with (folder / 'eval_measurements.csv').open() as file:
    return [[row[c] for c in columns] for row in csv.DictReader(file)]


def check_devices(target: str, data_dir) -> None:
  """One device and eight get the same batches, and learn alike."""
  found = []
  for devices in (1, 8):
    training = tiny.make_training(
      workload=make(target, data_dir), devices=jax.devices()[:devices]
    )
    _, losses = tiny.run_steps(training, 5)
    found.append((losses, list(_digests(training))))
  (one, batches_of_one), (eight, batches_of_eight) = found
  assert batches_of_one == batches_of_eight
  np.testing.assert_allclose(one, eight, rtol=1e-4)


def check_two_processes(target: str, data_dir, folder: pathlib.Path) -> None:
  """Two processes, each reading its rows, hold what one process holds."""
  training = tiny.make_training(
    workload=make(target, data_dir), devices=jax.devices()
  )
  expected = list(_digests(training))
  with socket.socket() as free:
    free.bind(('localhost', 0))
    port = free.getsockname()[1]
  children = [
    _start('share', target, data_dir, folder, str(i), str(port))
    for i in range(2)
  ]
  for child in children:
    output, _ = child.communicate(timeout=300)
    assert child.returncode == 0, output
  halves = [
    json.loads((folder / f'{i}.json').read_text()) for i in range(len(children))
  ]
  rows = training.workload.batch_shards or training.run.batch_size
  assert [half['rows'] for half in halves] == [
    [0, rows // 2],
    [rows // 2, rows],
  ]
  assert [half['digests'] for half in halves] == [expected, expected]


def _digests(training: trial.Training):
  """Hashes of whole batches, as all devices together hold them."""
  workload, devices = training.workload, training.run.mesh
  shards = workload.batch_shards
  share = mesh.share(devices, shards or training.run.batch_size)
  stream = batches.of_share(
    workload.data.train, share, 0, training.run.batch_size, None
  )
  for batch, cursor in itertools.islice(stream, _BATCHES):
    yield f'{cursor} {_digest(batch, devices, share)}'
  size = workload.eval_batch_size
  share = mesh.share(devices, shards or size)
  for split in workload.description.splits:
    stream = batches.of_share(workload.data.evaluation, share, split, size)
    for batch in stream:
      yield f'{split} {_digest(batch, devices, share)}'


def _digest(batch, devices, share: mesh.Share) -> str:
  """Hash of a batch, gathered from the devices."""
  gather = jax.jit(lambda x: x, out_shardings=mesh.replicated(devices))
  placed = mesh.place_batch(batch, devices, share)
  digest = hashlib.sha256()
  for path, x in jax.tree.leaves_with_path(gather(placed)):
    x = np.asarray(x)
    digest.update(f'{jax.tree_util.keystr(path)} {x.dtype}{x.shape}'.encode())
    digest.update(np.ascontiguousarray(x).tobytes())
  return digest.hexdigest()


def _start(role: str, *arguments) -> subprocess.Popen:
  """Starts this file in a process of its own."""
  root = pathlib.Path(__file__).parents[1]
  devices = 4 if role == 'share' else 8
  flags = f'--xla_force_host_platform_device_count={devices}'
  return subprocess.Popen(
    [sys.executable, '-m', 'tests.real_data', role, *map(str, arguments)],
    env=os.environ | {'PYTHONPATH': str(root), 'XLA_FLAGS': flags},
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
  )


def _be_killed(target: str, data_dir: str, folder: str) -> None:
  """Trains, and is killed between two steps."""
  calls = itertools.count()

  def should_stop() -> bool:
    if next(calls) == KILLED_AT:
      os.kill(os.getpid(), signal.SIGKILL)
    return False

  run.run(make_trial(target, data_dir), pathlib.Path(folder), should_stop)


def _share(
  target: str, data_dir: str, folder: str, process: str, port: str
) -> None:
  """Reads its share of batches; writes which, and what all hold together."""
  jax.distributed.initialize(f'localhost:{port}', 2, int(process))
  workload, asked = make(target, data_dir), []

  def train(*arguments, rows):
    asked.append(rows)
    return workload.data.train(*arguments, rows=rows)

  seen = workload._replace(data=workload.data._replace(train=train))
  training = tiny.make_training(workload=seen, devices=jax.devices())
  found = {'digests': list(_digests(training)), 'rows': asked[0]}
  (pathlib.Path(folder) / f'{process}.json').write_text(json.dumps(found))


if __name__ == '__main__':
  {'killed': _be_killed, 'share': _share}[sys.argv[1]](*sys.argv[2:])
