# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Trials over several hosts of a real SLURM."""

import json
import signal
import subprocess
import time

import pytest

from tests.cluster import cluster as cluster_lib

SETTINGS = {'NODES': 2, 'PORT': 17200, 'NET': 1}
pytestmark = pytest.mark.slurm


@pytest.mark.parametrize('processes', [1, 2])
def test_two_hosts_give_the_curve_of_one_and_stop_together(
  tmp_path, cluster, reference, processes
):
  made = cluster_lib.Experiment(tmp_path, cluster)
  keys = {
    'nodes': 2,
    'processes_per_node': processes,
    'slurm.cpus-per-task': 4 // processes,
  }
  process = made.start(**keys)
  made.wait_for_step(40)
  last = cluster.processes('n2')[-1][0]
  cluster.kill_process('n2', last, signal.SIGTERM)
  told = time.monotonic()
  cluster_lib.wait_for(
    lambda: not any(cluster.processes(node) for node in ('n1', 'n2')), 30
  )
  seconds = time.monotonic() - told
  print(f'{2 * processes} processes had ended {seconds:.1f} s after SIGTERM')
  assert process.wait(timeout=200) == 0, made.output() + made.log()
  assert 'resumed at step' in made.log()
  made.assert_curve(reference)
  assert seconds < 10
  settings = json.loads((made.trial() / 'meta_data_0.json').read_text())
  assert settings['process_count'] == 2 * processes
  assert settings['device_count'] == 2 * processes


def test_a_trial_goes_on_with_another_number_of_hosts(
  tmp_path, cluster, reference
):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start(nodes=2)
  made.wait_for_step(60)
  cluster.run('scancel', '--me')
  cluster_lib.wait_for(lambda: not cluster.queue(), 60)
  process.terminate()
  process.wait(timeout=60)
  assert made.result() is None
  made.run(launcher='local')
  assert 'resumed at step' in made.log()
  made.assert_curve(reference)


def test_the_printed_lines_run_a_trial_over_processes(tmp_path, reference):
  """`--format=commands`, without any scheduler."""
  made = cluster_lib.Experiment(tmp_path)
  words = made.command('plan', launcher='local', nodes=2)
  lines = subprocess.run(
    [*words, '--format=commands'],
    cwd=made.place,
    env=cluster_lib.ONE_DEVICE,
    capture_output=True,
    text=True,
    check=True,
  ).stdout.splitlines()
  assert len(lines) == 2
  port = 29_000 + int(tmp_path.stat().st_ino) % 500
  processes = [
    subprocess.Popen(
      ['bash', '-c', f'export JAXPERF_COORDINATOR=localhost:{port}; {line}'],
      cwd='/',
      env=cluster_lib.ONE_DEVICE,
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )
    for line in lines
  ]
  outputs = [p.communicate(timeout=200)[0] for p in processes]
  assert [p.returncode for p in processes] == [0, 0], outputs
  assert 'process 1 of 2' in outputs[1]
  made.assert_curve(reference)
