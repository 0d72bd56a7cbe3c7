# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step takes, read from the compiled program."""

from __future__ import annotations

import dataclasses
import math
import resource
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jaxperf import mesh
from jaxperf import workload as workload_lib
from jaxperf.costs import flops, hlo
from jaxperf.running import build
from jaxperf.trial import compiled, step, stopwatch, trial

PyTree = Any
# The program is looked at, never run: optimised machine code would be wasted.
_COMPILER_OPTIONS = {'xla_backend_optimization_level': 0}
_HELPS = 0.99  # Microbatches that save less memory than this are no use.


def ahead_of_time(
  config: Mapping[str, Any],
  jobs: Sequence[Mapping[str, Any]],
  device_memory: int | None,
) -> dict[str, Any]:
  """Cost of a step on the devices at hand; nothing of it is run or allocated.

  Args:
    config: fields of a `config.Config`.
    jobs: from `jobs.as_json`, of one submission on one workload; all are
      checked, the first is compiled.
    device_memory: bytes of a device; where a step needs more, smaller and
      smaller microbatches are tried.

  Returns:
    What `_cost` says about the undivided batch, `batch_size`, `devices`,
    `microbatches` (the fewest that fit, None if none do) with their `needed`
    bytes, `ignored` hyperparameters and `host_memory` of this process.

  Raises:
    UserError: if the submission cannot work on this workload.
  """
  trainings = build.trainings_from_json(config, jobs)
  for training in trainings:
    training.method.check(training)
  training = trainings[0]
  axis = training.workload.batch_shards or training.run.batch_size
  devices = training.run.mesh.size
  mesh.check_batch_size(training.run.mesh, axis, 1)
  cost = _cost(training)
  microbatches, needed = _fitting(training, axis, cost, device_memory)
  return cost | {
    'batch_size': training.run.batch_size,
    'devices': devices,
    'microbatches': microbatches,
    'needed': needed,
    'ignored': ignored([vars(t.hps) for t in trainings], training.workload),
    'host_memory': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
  }


def ignored(
  points: Sequence[Mapping[str, Any]], workload: workload_lib.Workload
) -> list[str]:
  """Hyperparameters, as `'NAME=VALUE'`, that a workload does not use.

  Args:
    points: tuning points; no dropout, or no smoothing, is what a workload that
      has none does. No workload uses `aux_dropout_rate`, whatever its value.
    workload: whose description tell what it uses.
  """
  smoothing = workload.description.uses_label_smoothing
  dropout = workload.description.default_dropout is not None
  found = []
  for point in points:
    if not smoothing and point.get('label_smoothing'):
      found.append(f'label_smoothing={point["label_smoothing"]:g}')
    if not dropout and point.get('dropout_rate'):
      found.append(f'dropout_rate={point["dropout_rate"]:g}')
    if point.get('aux_dropout_rate') is not None:
      found.append(f'aux_dropout_rate={point["aux_dropout_rate"]:g}')
  return sorted(set(found))


def _fitting(
  training: trial.Training,
  axis: int,
  cost: Mapping[str, Any],
  device_memory: int | None,
) -> tuple[int | None, int]:
  """The fewest microbatches that fit (None if none do), and what they need.

  Twice as many are tried until they fit, no longer help, or cannot be made.
  """
  microbatches, needed = 1, cost['memory']
  fixed = cost['memory'] - cost['temporaries']
  while device_memory is not None and needed > device_memory:
    divisible = axis % (training.run.mesh.size * microbatches * 2) == 0
    if not divisible or fixed > device_memory:
      return None, needed
    microbatches *= 2
    divided = dataclasses.replace(training, microbatches=microbatches)
    before, needed = needed, _cost(divided)['memory']
    # The first division adds a second copy of the gradient.
    if microbatches > 2 and needed > _HELPS * before:
      return None, min(needed, before)
  return microbatches, needed


def _cost(training: trial.Training) -> dict[str, Any]:
  """Bytes per device, operations and seconds of one compiled step.

  Returns:
    `params`, `opt_state`, `arguments` (both, and the batch), `temporaries` and
    `memory` in bytes per device; `collectives`, kind -> bytes per device and
    step; `flops` per step over all devices; `compile_s`.
  """
  state = compiled.abstract_state(training)
  batch = compiled.abstract_batch(training)
  eval_params = training.submission.eval_params
  if eval_params is not None:
    judged, *_ = jax.eval_shape(
      eval_params, state.opt_state, state.params, state.model_state
    )
    step.check_same_tree('params in eval_params', state.params, judged)
  watch = stopwatch.Stopwatch(counts_compilation=False)
  lowered = compiled.lower_step(training, state)
  watch.switch('compile')
  program = lowered.compile(compiler_options=_COMPILER_OPTIONS)
  watch.switch('setup')
  memory = program.memory_analysis()
  arguments, temporaries = (
    memory.argument_size_in_bytes,
    memory.temp_size_in_bytes,
  )
  results = memory.output_size_in_bytes - memory.alias_size_in_bytes
  return {
    'params': _bytes(state.params),
    'opt_state': _bytes(state.opt_state),
    'arguments': arguments,
    'temporaries': temporaries,
    'memory': arguments + temporaries + results,
    'collectives': hlo.collective_bytes(program.as_text()),
    'flops': flops.of_function(step.make_step(training), state, batch),
    'compile_s': watch.seconds()['compile'],
  }


def _bytes(tree: PyTree) -> int:
  """Bytes of the part of each array that one device holds."""
  return sum(
    math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
    for x in jax.tree.leaves(tree)
  )
