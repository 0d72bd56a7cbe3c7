# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how fast batches are made, and how fast they would be needed."""

from __future__ import annotations

import json
import pathlib
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from jaxperf import errors, text
from jaxperf import rules as rules_lib
from jaxperf import workload as workload_lib
from jaxperf.running import environment, plugins

_SECONDS = 1.0  # Of a measurement.
_WARM_UP = 2  # Batches before the first.


def bench(
  names: Sequence[str] | None, data_dir: str, repeats: int, form: str
) -> str:
  """Training examples per second on this host, without any device.

  Beside them what the published hardware needs: the rate at which the step
  hint of the newest rules fits into their budget.

  Args:
    names: workloads; by default all base workloads whose data is there.
    data_dir: folder of all prepared data; empty for `$JAXPERF_DATA`.
    repeats: measurements of a second; the median is reported.
    form: `'table'` or `'json'`.

  Raises:
    UserError: if there is no data.
  """
  folder = pathlib.Path(data_dir) if data_dir else None
  rows = [
    _row(plugins.workload(name, folder), repeats)
    for name in names or _there(folder)
  ]
  if form == 'json':
    return json.dumps(
      {'input': rows, 'environment': environment.describe()}, indent=2
    )
  header = [
    *('workload', 'batch size', 'examples/s', 'MB/s', 'CPU s/s'),
    *('needed examples/s', 'times needed'),
  ]
  return text.layout(header, [_cells(row) for row in rows])


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


def _row(workload: workload_lib.Workload, repeats: int) -> dict[str, Any]:
  """Speed of one workload's training stream."""
  workload.data.check()
  size = workload.default_batch_size
  stream = workload.data.train(0, size)
  for _ in range(_WARM_UP):
    batch, _ = next(stream)
  speeds = [_speed(stream, size) for _ in range(repeats)]
  rate = statistics.median(rate for rate, _ in speeds)
  needed = _needed(workload)
  return {
    'workload': workload.name,
    'batch_size': size,
    'examples_per_s': rate,
    'all_examples_per_s': [rate for rate, _ in speeds],
    'bytes_per_s': rate * sum(x.nbytes for x in jax.tree.leaves(batch)) / size,
    'cpu_s_per_s': statistics.median(cpu for _, cpu in speeds),
    'needed_examples_per_s': needed,
    'times_needed': rate / needed if needed else None,
  }


def _speed(stream: Iterator, size: int) -> tuple[float, float]:
  """Examples and CPU seconds per second."""
  batches, cpu, began = 0, time.process_time(), time.perf_counter()
  while (seconds := time.perf_counter() - began) < _SECONDS:
    next(stream)
    batches += 1
  return batches * size / seconds, (time.process_time() - cpu) / seconds


def _needed(workload: workload_lib.Workload) -> float | None:
  """Examples per second for the step hint within the budget of seconds."""
  rules = rules_lib.newest(workload.name)
  if rules is None or rules.unit != 'seconds':
    return None
  goal = rules.for_workload(workload.name)
  return workload.default_batch_size * goal.step_hint / goal.budget


def _cells(row: dict[str, Any]) -> list[str]:
  """A line of the table."""
  needed, times = row['needed_examples_per_s'], row['times_needed']
  return [
    row['workload'],
    f'{row["batch_size"]:,}',
    f'{row["examples_per_s"]:,.0f}',
    f'{row["bytes_per_s"] / 1e6:,.1f}',
    f'{row["cpu_s_per_s"]:.2f}',
    f'{needed:,.0f}' if needed else '-',
    f'{times:,.1f}' if times else '-',
  ]
