# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step takes, read from the compiled program."""

from __future__ import annotations

import math
import resource
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxperf import check, compiled, experiment, flops, hlo, job, train
from jaxperf import mesh as mesh_lib
from jaxperf import stopwatch as stopwatch_lib

PyTree = Any
STEPS = 5
# The program is looked at, never run: time spent on machine code is lost.
_COMPILER_OPTIONS = {'xla_backend_optimization_level': 0}


def ahead_of_time(
  config: Mapping[str, Any],
  jobs: Sequence[Mapping[str, Any]],
  device_memory: int | None,
) -> dict[str, Any]:
  """Cost of one step, without allocating or running anything.

  Args:
    config: fields of an `experiment.Config`.
    jobs: fields of the `job.Job`s of one submission on one workload. All are
      checked, the first is compiled.
    device_memory: bytes of a device; if the step needs more, microbatches are
      looked for with which it fits.

  Returns:
    `batch_size`, `devices`, `microbatches` (the smallest number that fits, or
    None), `remarks`, and what `_cost` returns for an undivided batch.

  Raises:
    UserError: if the submission cannot work on this workload.
  """
  made_config = experiment.make_config(config)
  trainings = [job.make_training(made_config, job.Job(**j)) for j in jobs]
  for training in trainings:
    check.check_update(training)
  training = trainings[0]
  run, workload = training.run, training.workload
  axis = workload.batch_shards or run.batch_size
  mesh_lib.check_batch_size(run.mesh, axis, 1)
  cost = _cost(training)
  microbatches, needed = 1, cost['memory']
  while device_memory and needed > device_memory:
    microbatches *= 2
    if axis % (run.mesh.size * microbatches):
      microbatches = None
      break
    needed = _cost(
      dataclasses.replace(training, microbatches=microbatches)
    )['memory']
  return cost | {
    'batch_size': run.batch_size,
    'devices': run.mesh.size,
    'microbatches': microbatches,
    'memory_with_microbatches': needed,
    'remarks': _ignored(vars(training.hps), workload.facts),
    'host_memory': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
  }
