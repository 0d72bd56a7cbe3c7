# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import itertools
import json

import pytest

import workloads
from jaxperf.trial import evaluation
from tests import command


@pytest.mark.parametrize(
  'name', [name for name in workloads.TABLE if name.startswith('mini_')]
)
def test_a_hundred_batches_need_one_compilation(name):
  """All have the shapes and dtypes that the step was compiled for."""
  workload = workloads.build(name)
  size = workload.default_batch_size
  spec = workload.data.element_spec(size)
  stream = workload.data.train(0, size, None)
  for batch, _ in itertools.islice(stream, 100):
    evaluation.check_batch(batch, spec)


def test_steps_are_timed_and_failures_are_told():
  done = command.jaxperf(
    *('bench', 'steps', '--workloads=mini_clicks,mini_molecules'),
    *('--batch-size=64', '--repeats=1', '--format=json'),
    devices=16,
  )
  content = json.loads(done.stdout)
  clicks, molecules = content['steps']
  assert clicks['error'] is None
  assert (clicks['batch_size'], clicks['devices']) == (64, 16)
  assert clicks['examples_per_s'] * clicks['step_s'] == pytest.approx(64)
  assert 0 <= clicks['data_wait'] < 1
  assert clicks['eval_batch_size'] == 64
  assert clicks['eval_s'] == sorted(clicks['eval_s_blocks'])[0] > 0
  assert clicks['collectives']['all-reduce']['bytes'] > 0
  rate = clicks['share_of_peak'] * clicks['peak_flops'] * clicks['step_s']
  assert clicks['flops'] == pytest.approx(rate)
  assert clicks['bytes_accessed'] > clicks['temporaries'] > 0
  assert clicks['peak_memory']['of'] == 'host'
  assert clicks['peak_memory']['bytes'] > 2**26
  # Graph batches are packed in eight shards.
  assert 'not a multiple of 16 devices' in molecules['error']
  assert content['environment']['device_count'] == 16


def test_a_batch_size_is_refused_where_it_means_nothing():
  done = command.jaxperf('bench', 'loop', '--batch-size=8')
  assert done.returncode == 2
  assert 'bench steps' in done.stderr
