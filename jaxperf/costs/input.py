# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how fast batches are made, and how fast they would be needed."""

from __future__ import annotations

import importlib
import json
import pathlib
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from jaxperf import cores, errors, prepared, text
from jaxperf import rules as rules_lib
from jaxperf import workload as workload_lib
from jaxperf.running import environment, isolated, plugins

_SECONDS = 1.0  # Of a measurement, at least.
_WARM_UP = 2  # Batches before the first.
_CORES = 16  # Of the host of the benchmark's eight devices, as we assume.


def bench(
  names: Sequence[str] | None,
  data_dir: str,
  workers: Sequence[int] | None,
  batch_size: int | None,
  repeats: int,
  form: str,
) -> str:
  """Training examples per second on this host, without any device.

  Beside them what the published hardware needs: the rate at which the step
  hint of the newest rules fits into their budget.

  Args:
    names: workloads; by default all base workloads whose data is there.
    data_dir: folder of all prepared data; empty for `$JAXPERF_DATA`.
    workers: numbers of processes or threads that make batches; by default the
      number that a run would have.
    batch_size: replaces each workload's own.
    repeats: measurements of a second; the median is reported.
    form: `'table'` or `'json'`.

  Raises:
    UserError: if there is no data, or it cannot be read.
  """
  folder = pathlib.Path(data_dir) if data_dir else None
  rows = []
  for name in names or _there(folder):
    for count in workers or (None,):
      print(f'{name} ...', file=sys.stderr, flush=True)
      arguments = {
        **{'name': name, 'data_dir': data_dir, 'batch_size': batch_size},
        'repeats': repeats,
      }
      variables = {cores.ENVIRONMENT: str(count)} if count else {}
      row, error = isolated.call(measure, arguments, variables)
      if error:
        raise errors.UserError(f'{name}: {error}')
      rows.append({'workload': name, 'workers': count} | row)
  if form == 'json':
    return json.dumps(
      {'input': rows, 'environment': environment.describe()}, indent=2
    )
  header = [
    *(
      'workload',
      'workers',
      'batch size',
      'examples/s',
      'needed',
      'times needed',
    ),
    *('CPU ms/example', f'needed on {_CORES} cores', 'stored kB/example'),
    'batches MB/s',
  ]
  return text.layout(header, [_cells(row) for row in rows])


def measure(
  name: str, data_dir: str, batch_size: int | None, repeats: int
) -> dict[str, Any]:
  """Speed of one workload's training stream."""
  workload = plugins.workload(
    name, pathlib.Path(data_dir) if data_dir else None
  )
  workload.data.check()
  size = batch_size or workload.default_batch_size
  stream = workload.data.train(0, size)
  for _ in range(_WARM_UP):
    batch, _ = next(stream)
  clock = _Clock()
  cpu = clock()
  counts = [_batches(stream) for _ in range(repeats)]
  cpu = (clock() - cpu) / (size * sum(count for count, _ in counts))
  rates = [size * count / seconds for count, seconds in counts]
  rate = statistics.median(rates)
  needed = _needed(workload)
  return {
    'batch_size': size,
    'examples_per_s': rate,
    'all_examples_per_s': rates,
    'cpu_s_per_example': cpu,
    'batch_bytes_per_s': rate
    * sum(x.nbytes for x in jax.tree.leaves(batch))
    / size,
    'stored_bytes_per_example': _stored(name, data_dir),
    'needed_examples_per_s': needed,
    'times_needed': rate / needed if needed else None,
    'needed_cpu_s_per_example': _CORES / needed if needed else None,
  }


def _there(folder: pathlib.Path | None) -> list[str]:
  """Base workloads of the newest rules whose data is there.

  Raises:
    UserError: if there are none; what one of them says.
  """
  newest = rules_lib.load(rules_lib.newest_first()[0])
  found, told = [], []
  for name in newest.base_workloads:
    try:
      plugins.workload(name, folder).data.check()
      found.append(name)
    except errors.UserError as error:
      told.append(error)
  if not found:
    raise told[0]
  return found


class _Clock:
  """CPU seconds of this process and of those that it started."""

  def __init__(self):
    try:
      self._process = importlib.import_module('psutil').Process()
    except ImportError as error:
      raise errors.UserError(
        'CPU time is measured with the package psutil, which cannot be '
        f"imported ({errors.first_line(error)}): pip install 'jaxperf[data]'"
      ) from None

  def __call__(self) -> float:
    processes = [self._process, *self._process.children(recursive=True)]
    times = [process.cpu_times() for process in processes]
    return sum(time.user + time.system for time in times)


def _batches(stream: Iterator) -> tuple[int, float]:
  """Batches that are taken in about a second, and the seconds."""
  batches, began = 0, time.perf_counter()
  while (seconds := time.perf_counter() - began) < _SECONDS:
    next(stream)
    batches += 1
  return batches, seconds


def _stored(name: str, data_dir: str) -> float | None:
  """Bytes of prepared data for an example, all splits together."""
  dataset = plugins.dataset_of(name)
  if dataset is None:
    return None
  manifest = prepared.load(prepared.folder(dataset, data_dir))
  examples = sum(manifest.counts[split] for split in workload_lib.SPLITS)
  return sum(file.bytes for file in manifest.files) / examples


def _needed(workload: workload_lib.Workload) -> float | None:
  """Examples per second for the step hint within the budget of seconds."""
  rules = rules_lib.newest(workload.name)
  if rules is None or rules.unit != 'seconds':
    return None
  goal = rules.for_workload(workload.name)
  return workload.default_batch_size * goal.step_hint / goal.budget


def _cells(row: dict[str, Any]) -> list[str]:
  """A line of the table."""

  def shown(key: str, form: str, scale: int | float = 1) -> str:
    return '-' if row[key] is None else format(row[key] * scale, form)

  return [
    row['workload'],
    shown('workers', ','),
    shown('batch_size', ','),
    shown('examples_per_s', ',.0f'),
    shown('needed_examples_per_s', ',.0f'),
    shown('times_needed', ',.1f'),
    shown('cpu_s_per_example', '.3g', 1e3),
    shown('needed_cpu_s_per_example', '.3g', 1e3),
    shown('stored_bytes_per_example', ',.1f', 1e-3),
    shown('batch_bytes_per_s', ',.1f', 1e-6),
  ]
