# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to a trial over two hosts when one of them is lost."""

import signal
import time

import pytest

from tests.cluster import cluster as cluster_lib

SETTINGS = {'NODES': 2, 'PORT': 17400, 'NET': 1}
pytestmark = pytest.mark.slurm


@pytest.mark.parametrize('what', ['first killed', 'second killed', 'cable cut'])
def test_a_lost_peer_ends_all_and_loses_nothing(
  tmp_path, cluster, reference, what
):
  made = cluster_lib.Experiment(tmp_path, cluster)
  process = made.start(nodes=2)
  made.wait_for_step(60)
  cluster_lib.wait_for(
    lambda: any((made.trial() / 'checkpoints').iterdir()), 30
  )
  before = {node: cluster.processes(node) for node in ('n1', 'n2')}
  if what == 'cable cut':
    cluster.cut('n2')
  else:
    node = 'n1' if what.startswith('first') else 'n2'
    cluster.signal(node, signal.SIGKILL)
  lost = time.monotonic()

  def gone():
    now = {node: cluster.processes(node) for node in ('n1', 'n2')}
    return not any(set(now[node]) & set(before[node]) for node in now)

  cluster_lib.wait_for(gone, 60, made.log)
  seconds = time.monotonic() - lost
  print(f'{what}: no process left after {seconds:.1f} s')
  assert made.result() is None
  assert any((made.trial() / 'checkpoints').iterdir())
  if what == 'cable cut':
    cluster.mend('n2')
  assert process.wait(timeout=300) == 0, made.output() + made.log()
  assert 'resumed at step' in made.log()
  made.assert_curve(reference)
  assert seconds < 45
