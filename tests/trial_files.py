# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial has left on disk, to be compared with that of another one."""

import contextlib
import csv

import jax
import numpy as np

from jaxperf.running import folder as folder_lib
from jaxperf.running import worker
from jaxperf.trial import checkpoint

TABLES = ('eval_measurements.csv', 'measurements.csv')


def rows(trial, name):
  """A table without the columns of the clock."""
  with (trial / name).open(newline='') as file:
    return [
      {
        key: value
        for key, value in row.items()
        if key in ('global_step', 'loss', 'grad_norm') or '/' in key
      }
      for row in csv.DictReader(file)
    ]


def final_state(results, name):
  """The arrays of the last checkpoint of a trial, in order."""
  with contextlib.chdir(results.parent):  # Its files may be named from there.
    config = folder_lib.read_config(results)
    made = worker.make_trial(config, folder_lib.read_job(results, name))
  checkpointer = checkpoint.Checkpointer(results / name / 'checkpoints')
  like = made.training.method.abstract_state(made.training)
  state, _ = checkpointer.restore(like)
  checkpointer.close()
  return [
    np.asarray(
      jax.random.key_data(x)
      if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
      else x
    )
    for x in jax.tree.leaves(state)
  ]


def assert_same(results, others, name):
  """Rows and final state of a trial in two results folders, bit for bit."""
  for table in TABLES:
    assert rows(results / name, table) == rows(others / name, table)
  for one, other in zip(
    final_state(results, name), final_state(others, name), strict=True
  ):
    np.testing.assert_array_equal(one, other)
