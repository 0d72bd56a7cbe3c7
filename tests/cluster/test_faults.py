# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Fifty faults over twelve trials: none is lost, none ends twice."""

import random
import signal
import time

import pytest

from tests import trial_files
from tests.cluster import cluster as cluster_lib

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
FAULTS, TRIALS, NODES = 50, 12, ('n1', 'n2', 'n3')


@pytest.fixture
def cluster(tmp_path):
  made = cluster_lib.started(tmp_path / 'slurm', NODES=3, PORT=17500, NET=1)
  yield made
  made.stop()


def kill_node(cluster, rng):
  node = rng.choice(NODES)
  cluster.kill(node)
  time.sleep(rng.uniform(0, 20))  # SLURM sees it after some 16.
  cluster.start()


def kill_process(cluster, rng):
  nodes = [node for node in NODES if cluster.processes(node)]
  if nodes:
    node = rng.choice(nodes)
    pid, _ = rng.choice(cluster.processes(node) or [(0, '')])
    if pid:
      cluster.kill_process(node, pid, signal.SIGKILL)


def cut_cable(cluster, rng):
  node = rng.choice(NODES)
  cluster.cut(node)
  time.sleep(rng.uniform(0, 20))
  cluster.mend(node)


def requeue(cluster, rng):
  out = cluster.run('squeue', '--array', '-h', '-t', 'R', '-o', '%A')
  if jobs := out.split():
    cluster.run('scontrol', 'requeue', rng.choice(jobs))


def test_no_fault_loses_or_doubles_a_trial(tmp_path, cluster):
  rng = random.Random(FAULTS)
  settings = {'steps': 600, 'delay': 0.05}
  keys = {'studies': TRIALS, 'max_parallel': 3, 'retries': 20}
  whole = cluster_lib.Experiment(tmp_path / 'whole', **settings)
  made = cluster_lib.Experiment(tmp_path / 'hit', cluster, **settings)
  front, hits = made.start(**keys), {}
  for number in range(FAULTS):
    time.sleep(rng.uniform(1, 6))
    fault = rng.choice([kill_node, kill_process, cut_cable, requeue, None])
    if fault is None:
      front.kill()
      front.wait()
    else:
      fault(cluster, rng)
    hits[fault] = hits.get(fault, 0) + 1
    if front.poll() is not None:
      front = made.start(**keys)
    done = sum(made.result(study) is not None for study in range(TRIALS))
    print(number, getattr(fault, '__name__', 'front end'), done, flush=True)
  while front.wait(timeout=1200):
    front = made.start(**keys)
  whole.run(launcher='local', studies=TRIALS, max_parallel=2)
  for study in range(TRIALS):
    assert made.log(study).count('outcome: budget') == 1
    trial_files.assert_same(made.results, whole.results, made.name(study))
