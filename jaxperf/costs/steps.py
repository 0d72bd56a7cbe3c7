# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""`jaxperf bench steps`: what a step and an evaluation take on the devices."""

from __future__ import annotations

import collections
import dataclasses
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from jaxperf import errors, mesh
from jaxperf import rules as rules_lib
from jaxperf.costs import flops, hlo, peak
from jaxperf.running import build, environment, isolated, launch
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.trial import (
  batches,
  compiled,
  evaluation,
  memory,
  stopwatch,
  trial,
)
from jaxperf.trial import step as step_lib

_SUBMISSION = 'baselines.nadamw'
_BLOCK_S = 1.0  # Of training in one measurement, at least.
_WARM_UP = 3


def bench(
  names: Sequence[str] | None,
  batch_size: int | None,
  repeats: int,
) -> dict[str, Any]:
  """What steps and evaluations of workloads take, on fake data.

  Args:
    names: workloads; by default those of the newest rules, on CPUs the mini
      ones.
    batch_size: examples in a batch, also of evaluation; each workload's own by
      default.
    repeats: measurements, of which the median is reported.

  Returns:
    `steps`, for each workload what `measure` returns with `workload` and
    `error`, and `environment`.

  Raises:
    UserError: if a workload or the devices cannot be used at all.
  """
  machine, error = isolated.call(environment.describe, {})
  if error:
    raise errors.UserError(f'the devices cannot be used: {error}')
  if not names:
    rules = (
      'mini'
      if machine['device_platform'] == 'cpu'
      else rules_lib.newest_first()[0]
    )
    names = rules_lib.load(rules).base_workloads
  rows = []
  for name in names:
    config = config_lib.make_config(
      {
        'submissions': (_SUBMISSION,),
        'workloads': (name,),
        'rules': getattr(rules_lib.newest(name), 'name', 'mini'),
        'data': 'fake',
      }
    )
    arguments = {
      'config': dataclasses.asdict(config),
      'jobs': jobs_lib.as_json(jobs_lib.plan(config).jobs[:1]),
      'batch_size': batch_size,
      'repeats': repeats,
    }
    print(f'{name} ...', file=sys.stderr, flush=True)
    row, error = isolated.call(measure, arguments, launch.HUGE_PAGES)
    rows.append({'workload': name, 'error': error} | (row or {}))
  return {'steps': rows, 'environment': machine}


def measure(
  config: Mapping[str, Any],
  jobs: Sequence[Mapping[str, Any]],
  batch_size: int | None,
  repeats: int,
) -> dict[str, Any]:
  """Measures step and evaluation of one job on the devices at hand.

  Blocks of steps on one batch that stays on the devices, which give the time of
  a step, take turns with blocks that are fed by the input pipeline, which give
  the share of time that the devices wait for data.

  Args:
    config: fields of a `config.Config`.
    jobs: from `jobs.as_json`, one.
    batch_size: replaces the one of the job, and of evaluation, unless None.
    repeats: blocks of each kind.

  Returns:
    Batch sizes and `devices`; medians of seconds and their blocks; `data_wait`,
    a share; of the compiled step `flops` (over all devices), and per device
    `bytes_accessed`, `temporaries`, `collectives` (kind -> `count`, `bytes`);
    `peak_flops`, FLOP/s of all devices in products, and the step's
    `share_of_peak`; `compile_s`; `peak_memory`.
  """
  (training,) = build.trainings_from_json(config, jobs)
  run = dataclasses.replace(
    training.run, batch_size=batch_size or training.run.batch_size
  )
  training = dataclasses.replace(training, run=run)
  mesh.check_batch_size(
    run.mesh, training.workload.batch_shards or run.batch_size, 1
  )
  loop = _Loop(training, batch_size)
  loop.bare(_WARM_UP)
  steps = math.ceil(_BLOCK_S / max(loop.bare(1)['train'], 1e-6))
  loop.evaluation()  # It compiles.
  bare, fed, evaluations = [], [], []
  for _ in range(repeats):
    bare.append(loop.bare(steps)['train'] / steps)
    seconds = loop.fed(steps)
    fed.append(seconds['data_wait'] / sum(seconds.values()))
    evaluations.append(loop.evaluation())
  loop.close()
  peak_memory = memory.peak()  # Before the matrices of the devices' peak.
  step_s, peak_flops = statistics.median(bare), peak.flops_per_s(run.mesh)
  return loop.program() | {
    'batch_size': run.batch_size,
    'eval_batch_size': loop.eval_batch_size,
    'devices': run.mesh.size,
    'step_s': step_s,
    'step_s_blocks': bare,
    'eval_s': statistics.median(evaluations),
    'eval_s_blocks': evaluations,
    'examples_per_s': run.batch_size / step_s,
    'data_wait': statistics.median(fed),
    'peak_flops': peak_flops,
    'share_of_peak': loop.flops / step_s / peak_flops,
    'compile_s': loop.compile_s,
    'peak_memory': peak_memory,
  }


class _Loop:
  """A compiled step with its state, batches for it, and a clock."""

  def __init__(self, training: trial.Training, eval_batch_size: int | None):
    self._watch = stopwatch.Stopwatch(counts_compilation=False)
    self._state = training.method.initial_state(training)
    self._watch.switch('compile', after=self._state)
    self._step = training.method.compile(training, self._state).step
    self._watch.switch('setup')
    self.compile_s = self._watch.seconds()['compile']
    workload, run = training.workload, training.run
    self.flops = flops.of_function(
      step_lib.make_step(training),
      compiled.abstract_state(training),
      compiled.abstract_batch(training),
    )
    self._batches = batches.Prefetcher(
      workload.data.train(training.seed, run.batch_size, None),
      lambda batch: mesh.place_batch(batch, run.mesh),
    )
    self._batch = next(self._batches)
    self.close = self._batches.close
    if eval_batch_size:
      workload = workload._replace(eval_batch_size=eval_batch_size)
    self._evaluator = evaluation.Evaluator(workload, run.mesh)
    self.eval_batch_size = self._evaluator.batch_size
    self._eval_batch = next(
      iter(workload.data.evaluation('validation', self.eval_batch_size))
    )

  def program(self) -> dict[str, Any]:
    """What the compiled step takes, without time."""
    analysis, text = self._step.cost_analysis(), self._step.as_text()
    counts, sizes = hlo.collective_counts(text), hlo.collective_bytes(text)
    return {
      'flops': self.flops,
      'bytes_accessed': int(analysis['bytes accessed']),
      'temporaries': self._step.memory_analysis().temp_size_in_bytes,
      'collectives': {
        kind: {'count': count, 'bytes': sizes[kind]}
        for kind, count in counts.items()
      },
    }

  def evaluation(self) -> float:
    """Seconds from a batch on the host to its sums and rows there."""
    before = self._watch.seconds()['eval']
    self._watch.switch('eval')
    result = self._evaluator.on_batch(
      self._state.params,
      self._state.model_state,
      self._eval_batch,
      jax.random.key(0),
    )
    jax.device_get(result)
    self._watch.switch('setup')
    return self._watch.seconds()['eval'] - before

  def bare(self, steps: int) -> dict[str, float]:
    """Seconds of some steps on one batch."""
    return self._timed(steps, lambda: self._batch)

  def fed(self, steps: int) -> dict[str, float]:
    """Seconds of some steps on new batches, and of the wait for these."""
    return self._timed(steps, self._next_batch)

  def _timed(
    self, steps: int, next_batch: Callable[[], Any]
  ) -> dict[str, float]:
    """Seconds in the buckets `train` and `data_wait`."""
    before = self._watch.seconds()
    self._watch.switch('train', after=self._state)
    in_flight: collections.deque = collections.deque()
    for _ in range(steps):
      self._state, scalars = self._step(self._state, next_batch())
      in_flight.append(scalars)
      if len(in_flight) > step_lib.IN_FLIGHT:
        jax.block_until_ready(in_flight.popleft())
    self._watch.switch('setup', after=self._state)
    after = self._watch.seconds()
    return {name: after[name] - before[name] for name in ('train', 'data_wait')}

  def _next_batch(self) -> Any:
    """The next batch; the devices have nothing to do while it is made."""
    batches.wait(self._batches, self._watch, self._state)
    return next(self._batches)
