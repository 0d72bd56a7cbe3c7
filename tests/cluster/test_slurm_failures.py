# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What can happen to trials of one host, on a real SLURM."""

import subprocess
import sys
import time

import pytest

from tests import trial_files
from tests.cluster import cluster as cluster_lib

SETTINGS = {'NODES': 3, 'PORT': 17300}
pytestmark = pytest.mark.slurm


def test_a_preempted_trial_goes_on_bit_for_bit(tmp_path, cluster, reference):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start()
  made.wait_for_step(40)
  cluster.run(
    *('sbatch', '--partition=urgent', '--nodes=3', '--exclusive'),
    *('--output=/dev/null', '--wrap=sleep 1'),
  )
  preempted = time.monotonic()
  cluster_lib.wait_for(
    lambda: 'resumed at step' in made.log(), 60, lambda: made.log()
  )
  seconds = time.monotonic() - preempted
  print(f'on again {seconds:.1f} s after preemption')
  assert process.wait(timeout=120) == 0, made.output()
  trial_files.assert_same(made.results, reference.results, made.name())
  assert made.result()['preemption_count'] == 1
  # Of these SLURM holds a requeued job 5 s, and JAX starts for some.
  assert seconds < 20 + 10


def test_a_cancelled_trial_stays_stopped_until_it_is_run(
  tmp_path, cluster, reference
):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start()
  made.wait_for_step(40)
  process.kill()  # The front end goes away first.
  cluster.run('scancel', '--me')
  cluster_lib.wait_for(lambda: not cluster.queue(), 60)
  time.sleep(6)  # Longer than a requeue takes.
  assert cluster.queue() == []
  assert made.result() is None
  shown = subprocess.run(
    [sys.executable, '-m', 'jaxperf', 'status', made.results],
    capture_output=True,
    text=True,
    env=cluster.variables,
  ).stdout
  assert f'{made.name()}  stopped' in shown
  made.run()
  assert 'resumed at step' in made.log()
  trial_files.assert_same(made.results, reference.results, made.name())


def test_a_trial_of_a_dead_node_is_taken_over(tmp_path, cluster, reference):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start()
  made.wait_for_step(40)
  before = made.claim()
  cluster.kill(before['process']['host'])
  killed = time.monotonic()
  cluster_lib.wait_for(lambda: 'resumed at' in made.log(), 120, made.output)
  seconds = time.monotonic() - killed
  print(f'on again {seconds:.1f} s after its node died')
  after = made.claim()
  assert after['process']['host'] != before['process']['host']
  assert after['token'] != before['token']
  assert process.wait(timeout=120) == 0, made.output()
  trial_files.assert_same(made.results, reference.results, made.name())
  assert seconds < 90
