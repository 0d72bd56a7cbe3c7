# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Experiments of many trials on a real SLURM."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from tests import trial_files
from tests.cluster import cluster as cluster_lib

SETTINGS = {'NODES': 3, 'PORT': 17100}
pytestmark = pytest.mark.slurm


def test_an_array_keeps_to_its_limit_and_is_submitted_once(tmp_path, cluster):
  made = cluster_lib.Experiment(tmp_path, cluster, steps=50)
  running, hosts = [], set()
  process = made.start(studies=6, max_parallel=2)
  while process.poll() is None:
    now = [host for state, host, *_ in cluster.queue() if state == 'RUNNING']
    running.append(len(now))
    hosts.update(now)
    time.sleep(0.2)
  assert process.returncode == 0, made.output()
  assert max(running) == 2
  assert len(hosts) == 2
  assert [made.result(k)['outcome'] for k in range(6)] == ['budget'] * 6
  assert made.output().count('submitted array') == 1
  made.run(studies=6, max_parallel=2)
  assert made.output().count('submitted array') == 1
  assert '6 trials, 6 done already' in made.output()


def test_two_front_ends_run_each_trial_once(tmp_path, cluster):
  made = cluster_lib.Experiment(tmp_path, cluster, steps=50)
  keys = {'studies': 2, 'max_parallel': 2}
  both = [made.start(**keys) for _ in range(2)]
  assert [each.wait(timeout=200) for each in both] == [0, 0], made.output()
  for study in range(2):
    assert made.result(study)['preemption_count'] == 0
    assert len(list(made.trial(study).glob('flags_*.json'))) == 1
    assert len(trial_files.rows(made.trial(study), 'measurements.csv')) == 52


@pytest.mark.skipif(not shutil.which('bindfs'), reason='needs bindfs')
def test_a_claim_is_seen_through_another_mount(tmp_path):
  """Where `flock` through one mount knows nothing of the other."""
  made = cluster_lib.Experiment(tmp_path / 'one', steps=1500)
  subprocess.run(
    made.command('plan', launcher='local'),
    cwd=made.place,
    env=cluster_lib.ONE_DEVICE,
    check=True,
  )
  (tmp_path / 'two').mkdir()
  subprocess.run(['bindfs', tmp_path / 'one', tmp_path / 'two'], check=True)
  command = [sys.executable, '-P', '-m', 'jaxperf', 'trial', 'results']
  first = subprocess.Popen(
    [*command, made.name()],
    cwd=made.place,
    env=cluster_lib.ONE_DEVICE,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )
  try:
    made.wait_for_step(1)
    second = subprocess.run(
      [*command, made.name()],
      cwd=tmp_path / 'two',
      capture_output=True,
      text=True,
    )
  finally:
    subprocess.run(['fusermount', '-u', tmp_path / 'two'], check=True)
    first.kill()
    first.wait()
  assert second.returncode == 76
  assert 'is being run by process' in second.stderr


def test_without_squeue_the_results_are_the_same(tmp_path, cluster, reference):
  """And without accounting: `sacct` fails on this cluster."""
  made = cluster_lib.Experiment(tmp_path, cluster)
  tools = tmp_path / 'bin'
  tools.mkdir()
  for name in ('sbatch', 'srun', 'bash', 'sed'):
    (tools / name).symlink_to(shutil.which(name))
  process = made.start({'PATH': str(tools)})
  assert process.wait(timeout=200) == 0, made.output()
  trial_files.assert_same(made.results, reference.results, made.name())


def test_what_slurm_refuses_is_said_in_its_words(tmp_path, cluster):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start(**{'slurm.partition': 'none'})
  assert process.wait(timeout=60) == 2
  assert 'invalid partition' in made.output()
  assert 'config.slurm' in made.output()


def test_a_wrong_setting_is_not_tried_again(tmp_path, cluster):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start(command='/no/such/python -m jaxperf')
  cluster_lib.wait_for(
    lambda: list(tmp_path.glob('results.launch/*.log')), 60, made.output
  )
  cluster_lib.wait_for(lambda: not cluster.queue(), 30)
  (log,) = tmp_path.glob('results.launch/*.log')
  assert 'has no /no/such/python' in log.read_text()
  process.terminate()
  assert process.wait(timeout=60) == 130
  assert os.path.exists(made.trial() / 'job.json')
