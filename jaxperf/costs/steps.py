# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""`jaxperf bench steps`: what a training step takes on the devices at hand."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from jaxperf import errors, mesh, text
from jaxperf import rules as rules_lib
from jaxperf.running import build, environment, isolated
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.trial import batches, memory, stopwatch, trial
from jaxperf.trial import step as step_lib

_SUBMISSION = 'baselines.nadamw'
_BLOCK_S = 1.0  # Of training in one measurement, at least.
_WARM_UP = 3
_COLUMNS = (
  *('workload', 'batch size', 'step', 'examples per s', 'data wait'),
  *('compile', 'peak GiB'),
)


def bench(
  names: Sequence[str] | None,
  batch_size: int | None,
  repeats: int,
  form: str,
) -> str:
  """Step time and memory of workloads on fake data, as text.

  Args:
    names: workloads; by default those of the newest rules, on CPUs the mini
      ones.
    batch_size: examples in a batch; each workload's own by default.
    repeats: measurements, of which the median is reported.
    form: `'table'` or `'json'`.

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
    row, error = isolated.call(measure, arguments)
    rows.append({'workload': name, 'error': error} | (row or {}))
  if form == 'json':
    return json.dumps({'steps': rows, 'environment': machine}, indent=2)
  return _table(rows, machine, repeats)


def measure(
  config: Mapping[str, Any],
  jobs: Sequence[Mapping[str, Any]],
  batch_size: int | None,
  repeats: int,
) -> dict[str, Any]:
  """Times the training step of one job on the devices at hand.

  Blocks of steps on one batch that stays on the devices, which give the time of
  a step, take turns with blocks that are fed by the input pipeline, which give
  the share of time that the devices wait for data.

  Args:
    config: fields of a `config.Config`.
    jobs: from `jobs.as_json`, one.
    batch_size: replaces the one of the job unless None.
    repeats: blocks of each kind.
  """
  (training,) = build.trainings_from_json(config, jobs)
  run = dataclasses.replace(
    training.run, batch_size=batch_size or training.run.batch_size
  )
  training = dataclasses.replace(training, run=run)
  mesh.check_batch_size(
    run.mesh, training.workload.batch_shards or run.batch_size, 1
  )
  loop = _Loop(training)
  loop.bare(_WARM_UP)
  steps = math.ceil(_BLOCK_S / max(loop.bare(1)['train'], 1e-6))
  bare, fed = [], []
  for _ in range(repeats):
    bare.append(loop.bare(steps)['train'] / steps)
    seconds = loop.fed(steps)
    fed.append(seconds['data_wait'] / sum(seconds.values()))
  loop.close()
  step_s = statistics.median(bare)
  return {
    'batch_size': run.batch_size,
    'devices': run.mesh.size,
    'step_s': step_s,
    'step_s_blocks': bare,
    'examples_per_s': run.batch_size / step_s,
    'data_wait': statistics.median(fed),
    'compile_s': loop.compile_s,
    'peak_memory': memory.peak(),
  }


class _Loop:
  """A compiled step with its state, batches for it, and a clock."""

  def __init__(self, training: trial.Training):
    self._watch = stopwatch.Stopwatch(counts_compilation=False)
    self._state = training.method.initial_state(training)
    self._watch.switch('compile', after=self._state)
    self._step = training.method.compile(training, self._state).step
    self._watch.switch('setup')
    self.compile_s = self._watch.seconds()['compile']
    seed, batch_size = training.seed, training.run.batch_size
    self._batches = batches.Prefetcher(
      training.workload.data.train(seed, batch_size, None),
      lambda batch: mesh.place_batch(batch, training.run.mesh),
    )
    self._batch = next(self._batches)
    self.close = self._batches.close

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


def _table(
  rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any], repeats: int
) -> str:
  """The rows as text, with what they were measured on."""
  lines = [
    text.layout(_COLUMNS, [_cells(row) for row in rows]),
    '',
    f'median of {repeats}; fake data; {machine["device_count"]} x '
    f'{machine["device_kind"]}; jax {machine["jax_version"]}; peak memory of '
    + (
      'the host'
      if machine['device_platform'] == 'cpu'
      else 'the fullest device'
    ),
  ]
  lines += [
    f'{row["workload"]}: {row["error"]}' for row in rows if row['error']
  ]
  return '\n'.join(lines)


def _cells(row: Mapping[str, Any]) -> list[str]:
  """A row of the table as text."""
  if row['error']:
    return [row['workload'], *['-'] * (len(_COLUMNS) - 1)]
  return [
    row['workload'],
    f'{row["batch_size"]:,}',
    f'{row["step_s"] * 1000:.1f} ms',
    f'{row["examples_per_s"]:,.0f}',
    f'{row["data_wait"]:.0%}',
    f'{row["compile_s"]:.0f} s',
    f'{row["peak_memory"]["bytes"] / text.GIB:.2f}',
  ]
