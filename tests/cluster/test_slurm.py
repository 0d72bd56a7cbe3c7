# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Experiments of many trials on a real SLURM, and what can happen to them."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from tests import trial_files
from tests.cluster import cluster as cluster_lib

pytestmark = pytest.mark.slurm


@pytest.fixture(scope='module')
def whole_cluster(tmp_path_factory):
  folder = tmp_path_factory.mktemp('slurm')
  made = cluster_lib.started(folder, NODES=3, PORT=17100)
  yield made
  made.stop()


@pytest.fixture
def cluster(whole_cluster):
  yield whole_cluster
  whole_cluster.start()
  whole_cluster.clear()


@pytest.fixture(scope='module')
def reference(tmp_path_factory):
  """A trial that nothing happened to."""
  made = cluster_lib.Experiment(tmp_path_factory.mktemp('reference'))
  made.run(launcher='local')
  return made.results


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
  trial_files.assert_same(made.results, reference, made.name())
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
  trial_files.assert_same(made.results, reference, made.name())


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
  trial_files.assert_same(made.results, reference, made.name())
  assert seconds < 90


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
  trial_files.assert_same(made.results, reference, made.name())


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
