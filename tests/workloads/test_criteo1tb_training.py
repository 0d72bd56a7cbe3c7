# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training and evaluation on prepared click logs."""

import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest

from jaxperf import errors
from jaxperf import workload as workload_api
from jaxperf.running import config as config_lib
from jaxperf.running import run as run_lib
from tests import click_logs, real_data
from workloads.criteo1tb import model, shards
from workloads.criteo1tb import workload as workload_lib

EXPECTED = click_logs.expected()
ROWS = EXPECTED['rows']
BATCH = 32
TARGET = f'{__name__}:small'


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


def test_killed_and_started_again_training_ends_the_same(folder, tmp_path):
  real_data.check_killed(TARGET, folder, tmp_path)


def test_every_example_is_evaluated_once(folder):
  data = small(folder).data
  for split in workload_api.SPLITS:
    pieces = shards.open_splits(folder).evaluated(split)
    weights = [batch['weights'] for batch in data.evaluation(split, 64)]
    assert np.sum(weights) == pieces.num_rows


def test_devices_do_not_change_the_batches(folder):
  real_data.check_devices(TARGET, folder)


def test_processes_do_not_change_the_batches(folder, tmp_path):
  real_data.check_two_processes(TARGET, folder, tmp_path)


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
