# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Fifty faults over twelve trials: none is lost, none ends twice."""

import random
import signal
import subprocess
import time

import pytest

from tests import trial_files
from tests.cluster import cluster as cluster_lib

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
FAULTS, TRIALS, STEPS, NODES = 50, 12, 1000, ('n1', 'n2', 'n3')


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
  return True


def kill_process(cluster, rng):
  found = [(n, pid) for n in NODES for pid, _ in cluster.processes(n)]
  return bool(found) and _hits(
    cluster.kill_process, *rng.choice(found), signal.SIGKILL
  )


def cut_cable(cluster, rng):
  node = rng.choice(NODES)
  cluster.cut(node)
  time.sleep(rng.uniform(0, 20))
  cluster.mend(node)
  return True


def requeue(cluster, rng):
  jobs = cluster.run('squeue', '--array', '-h', '-t', 'R', '-o', '%A').split()
  return bool(jobs) and _hits(
    cluster.run, 'scontrol', 'requeue', rng.choice(jobs)
  )


def kill_front_end(front):
  front.kill()
  front.wait()
  return True


def _hits(fault, *arguments):
  """Whether there was still something to hit."""
  try:
    fault(*arguments)
  except subprocess.CalledProcessError:
    return False
  return True


def test_no_fault_loses_or_doubles_a_trial(tmp_path, cluster):
  rng = random.Random(FAULTS)
  keys = {'studies': TRIALS, 'max_parallel': 3, 'retries': 20}
  whole = cluster_lib.Experiment(tmp_path / 'whole', steps=STEPS, delay=0)
  made = cluster_lib.Experiment(tmp_path / 'hit', cluster, steps=STEPS)
  front, hits = made.start(**keys), 0
  while hits < FAULTS:
    time.sleep(rng.uniform(1, 6))
    fault = rng.choice([kill_node, kill_process, cut_cable, requeue, None])
    hits += fault(cluster, rng) if fault else kill_front_end(front)
    if front.poll() is not None:
      front = made.start(**keys)
    done = sum(made.result(study) is not None for study in range(TRIALS))
    print(hits, getattr(fault, '__name__', 'front end'), done, flush=True)
  assert done < TRIALS, 'the last faults hit nothing'
  while front.wait(timeout=1200):
    front = made.start(**keys)
  whole.run(launcher='local', studies=TRIALS, max_parallel=4)
  for study in range(TRIALS):
    assert made.log(study).count('outcome: budget') == 1
    trial_files.assert_same(made.results, whole.results, made.name(study))
