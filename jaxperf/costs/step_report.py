# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What `jaxperf bench steps` prints, and how two of its runs compare."""

from __future__ import annotations

import json
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from jaxperf import errors, text

_COLUMNS = (
  *('workload', 'batch size', 'step', 'examples per s', 'data wait'),
  *('evaluation batch size', 'evaluation', 'TFLOP', 'of peak'),
  *('accessed GB', 'temporary GiB', 'collectives', 'exchanged MB'),
  *('compile', 'peak GiB'),
)
_COMPARED = (
  *('workload', 'step', 'pairs', 'evaluation', 'evaluation pairs'),
  *('FLOP', 'accessed', 'temporary', 'collectives', 'exchanged'),
)
# What a program takes, beside time.
_SIZES = ('flops', 'bytes_accessed', 'temporaries', 'count', 'exchanged')
_WORSE = 0.95  # Before / after; what is below is told.
_SAME = ('batch_size', 'devices', 'eval_batch_size')
_MACHINE = ('device_kind', 'device_count', 'cpu_model_name', 'jax_version')


def read(path: str) -> dict[str, Any]:
  """A run that was saved as JSON.

  Raises:
    UserError: if the file is none.
  """
  expected = 'expected what `jaxperf bench steps --format=json` prints'
  try:
    run = json.loads(pathlib.Path(path).read_text(encoding='utf-8'))
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror}'
    ) from error
  except ValueError as error:
    raise errors.UserError(f'{path} is not JSON: {expected}') from error
  rows = run.get('steps') if isinstance(run, dict) else None
  if not isinstance(rows, list) or not isinstance(run.get('environment'), dict):
    raise errors.UserError(f'{path} has no `steps`: {expected}')
  for row in rows:
    missing = {'eval_s_blocks', 'step_s_blocks', *_SIZES[:3]} - set(row)
    if not row.get('error') and missing:
      raise errors.UserError(
        f'{path} has no {", ".join(sorted(missing))}: {expected} in this '
        'version'
      )
  return run


def table(run: Mapping[str, Any]) -> str:
  """A run as text, with what it was measured on.

  Args:
    run: `steps`, a row for each workload, and `environment`.
  """
  rows, machine = run['steps'], run['environment']
  lines = [
    text.layout(_COLUMNS, [_cells(row) for row in rows]),
    '',
    f'medians; fake data; {_machine(machine)}; peak memory of '
    + (
      'the host'
      if machine['device_platform'] == 'cpu'
      else 'the fullest device'
    ),
    'evaluation: of one batch; TFLOP: of a step, over all devices; accessed to '
    'exchanged: of the',
    'compiled step, per device (of what is accessed, loops count once);',
    'of peak: of what the same devices reach in products of float32 matrices',
  ]
  lines += [
    f'{row["workload"]}: {row["error"]}' for row in rows if row['error']
  ]
  return '\n'.join(lines)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict]:
  """Ratios before / after, above 1 where less is taken now.

  Blocks of time are compared in pairs, in their order. A time is worse if the
  median of its ratios is below 0.95 and no pair is above 1, a size if its ratio
  is below 0.95.

  Args:
    before: a run.
    after: another one.

  Returns:
    For each workload of both: `workload`, `error`, and else `step`,
    `evaluation` (lists of ratios), `flops`, `bytes_accessed`, `temporaries`,
    `count`, `exchanged` (ratios), `worse` (names of these).
  """
  old = {row['workload']: row for row in before['steps']}
  return [
    {'workload': row['workload']} | _compared(old[row['workload']], row)
    for row in after['steps']
    if row['workload'] in old
  ]


def comparison_table(
  before: Mapping[str, Any], after: Mapping[str, Any], rows: Sequence[dict]
) -> str:
  """What `compare` returns as text."""
  if not rows:
    raise errors.UserError('the two runs have no workload in common')
  lines = [
    text.layout(_COMPARED, [_compared_cells(row) for row in rows]),
    '',
    'before / after: above 1 is less now; of times the median, least and most '
    'of the pairs',
  ]
  old, new = before['environment'], after['environment']
  if any(old.get(name) != new.get(name) for name in _MACHINE):
    lines.append(
      f'not the same machine: before {_machine(old)}, after {_machine(new)}'
    )
  alone = set(_names(before)) ^ set(_names(after))
  if alone:
    lines.append(f'only in one of the runs: {", ".join(sorted(alone))}')
  lines += [f'{r["workload"]}: {r["error"]}' for r in rows if r['error']]
  lines += [
    f'{r["workload"]}: worse in {", ".join(r["worse"])}'
    for r in rows
    if not r['error'] and r['worse']
  ]
  return '\n'.join(lines)


def _names(run: Mapping[str, Any]) -> list[str]:
  return [row['workload'] for row in run['steps']]


def _compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict:
  """Ratios of two rows, or why there are none."""
  if error := before['error'] or after['error']:
    return {'error': error}
  for name in _SAME:
    if before[name] != after[name]:
      return {
        'error': f'{name} is {before[name]} before and {after[name]} after: '
        'it must be the same'
      }
  times = {
    name: [a / b for a, b in zip(before[key], after[key])]
    for name, key in (
      ('step', 'step_s_blocks'),
      ('evaluation', 'eval_s_blocks'),
    )
  }
  sizes = {
    name: _ratio(a, b)
    for name, a, b in zip(_SIZES, _sizes(before), _sizes(after))
  }
  worse = [
    name
    for name, pairs in times.items()
    if statistics.median(pairs) < _WORSE and max(pairs) <= 1
  ]
  worse += [name for name, ratio in sizes.items() if ratio < _WORSE]
  return {'error': None, **times, **sizes, 'worse': worse}


def _sizes(row: Mapping[str, Any]) -> list[int]:
  """The numbers that `_SIZES` names."""
  kinds = row['collectives'].values()
  return [
    *(row[name] for name in _SIZES[:3]),
    sum(kind['count'] for kind in kinds),
    sum(kind['bytes'] for kind in kinds),
  ]


def _ratio(before: float, after: float) -> float:
  """Before / after; nothing is as much as nothing."""
  if not after:
    return float('inf') if before else 1.0
  return before / after


def _machine(machine: Mapping[str, Any]) -> str:
  return (
    f'{machine.get("device_count")} x {machine.get("device_kind")}, '
    f'{machine.get("cpu_model_name")}, jax {machine.get("jax_version")}'
  )


def _cells(row: Mapping[str, Any]) -> list[str]:
  """A row of the table as text."""
  if row['error']:
    return [row['workload'], *['-'] * (len(_COLUMNS) - 1)]
  flops, accessed, temporaries, count, exchanged = _sizes(row)
  return [
    row['workload'],
    f'{row["batch_size"]:,}',
    f'{row["step_s"] * 1000:,.1f} ms',
    f'{row["examples_per_s"]:,.0f}',
    f'{row["data_wait"]:.0%}',
    f'{row["eval_batch_size"]:,}',
    f'{row["eval_s"] * 1000:,.1f} ms',
    f'{flops / 1e12:.3g}',
    f'{row["share_of_peak"]:.0%}',
    f'{accessed / 1e9:.3g}',
    f'{temporaries / text.GIB:.3g}',
    f'{count:,}',
    f'{exchanged / 1e6:,.1f}',
    f'{row["compile_s"]:.0f} s',
    f'{row["peak_memory"]["bytes"] / text.GIB:.2f}',
  ]


def _compared_cells(row: Mapping[str, Any]) -> list[str]:
  """A row of the comparison as text."""
  if row['error']:
    return [row['workload'], *['-'] * (len(_COMPARED) - 1)]
  cells = [row['workload']]
  for name in ('step', 'evaluation'):
    pairs = row[name]
    cells += [
      f'{statistics.median(pairs):.2f}',
      f'{min(pairs):.2f}-{max(pairs):.2f}',
    ]
  return cells + [f'{row[name]:.2f}' for name in _SIZES]
