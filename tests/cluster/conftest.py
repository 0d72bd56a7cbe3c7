# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A SLURM for each module of tests, with the module's `SETTINGS`."""

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


@pytest.fixture(scope='module')
def reference(tmp_path_factory):
  """A trial in one process that nothing happened to."""
  made = cluster_lib.Experiment(tmp_path_factory.mktemp('reference'))
  made.run(launcher='local')
  return made
