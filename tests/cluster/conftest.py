# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A SLURM for each module of tests, with the module's `SETTINGS`."""

import fcntl
import os

import pytest

from tests.cluster import cluster as cluster_lib


@pytest.fixture(scope='module')
def whole_cluster(request, tmp_path_factory):
  folder = tmp_path_factory.mktemp('slurm')
  made = cluster_lib.started(folder, **request.module.SETTINGS)
  yield made
  made.stop()


@pytest.fixture
def cluster(request, whole_cluster):
  """It runs, and nobody uses it."""
  yield whole_cluster
  whole_cluster.start()
  if request.module.SETTINGS.get('NET'):
    whole_cluster.mend('n2')
  whole_cluster.clear()


@pytest.fixture(scope='session')
def reference(tmp_path_factory):
  """A trial in one process that nothing happened to; one for all workers."""
  folder = tmp_path_factory.getbasetemp()
  if 'PYTEST_XDIST_WORKER' in os.environ:
    folder = folder.parent
  with (folder / 'reference.lock').open('w') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    made = cluster_lib.Experiment(folder / 'reference', delay=0)
    if made.result() is None:
      made.run(launcher='local')
  return made
