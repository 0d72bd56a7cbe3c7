# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""`jaxperf check`: what a submission will take, before it takes it."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxperf import errors
from jaxperf import rules as rules_lib
from jaxperf import text as text_lib
from jaxperf.costs import first_steps, step_cost
from jaxperf.running import config as config_lib
from jaxperf.running import entries, isolated, plugins, specs
from jaxperf.running import jobs as jobs_lib

_UNITS = {'KB': 10**3, 'MB': 10**6, 'GB': 10**9, 'TB': 10**12}
_UNITS |= {'KiB': 2**10, 'MiB': 2**20, 'GiB': text_lib.GIB, 'TiB': 2**40}
# Collectives may move this many times the gradient without a remark.
_GRADIENTS = 1.1
_MINI_DEVICES = 8  # Mini batches are small.
_UNFORESEEABLE = (
  'an AlgoPerf file, which is stepped from Python and compiles what it likes: '
  'memory, operations and collectives cannot be told, nor whether all tuning '
  'points work; only the first steps were tried, with the first point'
)
_COLUMNS = (
  *('workload', 'opt. state', 'arguments', 'temporaries', 'total', 'TFLOP'),
  *('collectives', 'compile', 'result'),
)


def run(options: argparse.Namespace) -> int:
  """Runs `jaxperf check`; returns the exit code.

  Raises:
    UserError: if a name or an option is wrong.
  """
  memory = options.device_memory and parse_bytes(options.device_memory)
  ruleset, entry = _entry(options)
  config = config_lib.make_config(
    {
      'submissions': (options.submission,),
      'workloads': options.workloads or (),
      'rules': options.rules or _rules(options.workloads),
      'ruleset': ruleset,
      'data': 'fake',
      'studies': 1,
    }
  )
  jobs = collections.defaultdict(list)
  for job in jobs_lib.plan(config, {entry.spec: entry}).jobs:
    jobs[job.workload].append(job)
  rows = []
  for name, own in jobs.items():
    print(f'[{len(rows) + 1}/{len(jobs)}] {name}', file=sys.stderr, flush=True)
    rows.append(_row(_Subject(config, entry, own), options, memory))
  if options.format == 'json':
    asked = {'device_memory': memory, 'execute': options.execute}
    content = dataclasses.asdict(config) | asked | {'rows': rows}
    print(json.dumps(content, indent=2))
  else:
    print(table(rows, options.devices))
  return int(any(row['problems'] for row in rows))


def _rules(workloads: str | None) -> str:
  """The newest rules that know the first of some workloads, or of all."""
  for name in specs.parts(workloads or ''):
    if found := rules_lib.newest(name):
      return found.name
  return rules_lib.newest_first()[0]


def parse_bytes(text: str) -> int:
  """A size in bytes.

  >>> parse_bytes('16GiB') == 16 * 2**30
  True

  Raises:
    UserError: if it is not a number and a unit.
  """
  found = re.fullmatch(r'(\d+(?:\.\d+)?) *([KMGT]i?B)', text)
  if not found or not float(found[1]):
    raise errors.UserError(
      f'--device-memory is {text!r}, expected a number and one of '
      f'{", ".join(_UNITS)}, e.g. 16GiB'
    )
  return int(float(found[1]) * _UNITS[found[2]])


def table(rows: Sequence[Mapping[str, Any]], devices: int) -> str:
  """The rows as text, and what there is to say about them.

  Args:
    rows: what `_row` returns.
    devices: number that the programs were compiled for.
  """
  lines = [
    text_lib.layout(_COLUMNS, [_cells(row) for row in rows]),
    '',
    f'opt. state to total: GiB per device of {devices}; TFLOP: of a step, over '
    'all devices;',
    'collectives: GiB per device and step; compile: seconds, on this machine',
  ]
  remarks = collections.defaultdict(list)
  for row in rows:
    for text in row['problems'] + row['remarks']:
      remarks[text].append(row['workload'])
  for text, names in remarks.items():
    lines += textwrap.wrap(
      f'{", ".join(names)}: {text}',
      text_lib.WIDTH,
      subsequent_indent='  ',
      break_on_hyphens=False,
    )
  return '\n'.join(lines)


class _Subject(NamedTuple):
  """What is checked on one workload: an entry, and its jobs there."""

  config: config_lib.Config
  entry: entries.Entry
  jobs: Sequence[jobs_lib.Job]


def _entry(options: argparse.Namespace) -> tuple[str, entries.Entry]:
  """The rule set for tuning, `'self'` if the submission can, and its entry."""
  if options.ruleset is None:
    return entries.entry_of_any(options.submission)
  return options.ruleset, entries.entry(options.submission, options.ruleset)


def _row(
  subject: _Subject, options: argparse.Namespace, memory: int | None
) -> dict[str, Any]:
  """What is found out about one workload, in processes of their own."""
  problems, remarks, steps = [], [], None
  cost, error = None, None
  if subject.entry.method.foreseeable:
    cost, error = _cost(subject, options, memory)
  else:
    remarks.append(_UNFORESEEABLE)
  if error:
    problems.append(error)
  else:
    if cost is not None:
      problems += _too_large(cost, memory)
      remarks += _remarks(cost)
    steps, error = _first_steps(subject, options)
    if error:
      problems.append(f'the first steps failed: {error}')
    elif steps['non_finite']:
      count = len(steps['losses'])
      problems.append(
        f'{steps["non_finite"]} is not finite after {count} '
        f'{"step" if count == 1 else "steps"} on {steps["workload"]}'
      )
  return {
    'workload': subject.jobs[0].workload,
    'result': 'ok' if not problems else 'failed' if error else 'trouble',
    'problems': problems,
    'remarks': remarks,
    'cost': cost,
    'first_steps': steps,
  }


def _cost(
  subject: _Subject, options: argparse.Namespace, memory: int | None
) -> tuple[Any, str | None]:
  """What a step takes, read from the compiled program."""
  arguments = {
    'config': dataclasses.asdict(subject.config),
    'jobs': jobs_lib.as_json(subject.jobs),
    'device_memory': memory,
  }
  return isolated.call(
    step_cost.ahead_of_time,
    arguments,
    isolated.simulated_devices(options.devices),
  )


def _first_steps(
  subject: _Subject, options: argparse.Namespace
) -> tuple[Any, str | None]:
  """Real steps: on the mini sibling of the workload, or at full size."""
  config, entry, (job, *_) = subject
  variables = None
  if not options.execute:
    mini = plugins.mini_sibling(job.workload)
    if mini is None:
      return None, 'it has no mini workload (--execute needs none)'
    config = dataclasses.replace(
      config, rules='mini', data='', workloads=(mini,)
    )
    job, *_ = jobs_lib.plan(config, {entry.spec: entry}).jobs
    variables = isolated.simulated_devices(min(options.devices, _MINI_DEVICES))
  arguments = {
    'config': dataclasses.asdict(config),
    'jobs': jobs_lib.as_json([job]),
  }
  return isolated.call(first_steps.run, arguments, variables)


def _too_large(cost: Mapping[str, Any], memory: int | None) -> list[str]:
  """What to do about a step that a device cannot hold, if it cannot."""
  if memory is None or cost['memory'] <= memory:
    return []
  text = (
    f'a step needs {cost["memory"] / text_lib.GIB:.3g} GiB per device, '
    f'{memory / text_lib.GIB:.3g} GiB are there: '
  )
  if cost['microbatches'] is None:
    return [
      f'{text}microbatches do not help, the least that they need is '
      f'{cost["needed"] / text_lib.GIB:.3g} GiB'
    ]
  return [
    f'{text}microbatches={cost["microbatches"]} fits, with '
    f'{cost["needed"] / text_lib.GIB:.3g} GiB'
  ]


def _remarks(cost: Mapping[str, Any]) -> list[str]:
  """What a user may want to know, but nothing is wrong with."""
  remarks = []
  if cost['ignored']:
    remarks.append(f'ignored here: {", ".join(cost["ignored"])}')
  kinds = cost['collectives']
  if sum(kinds.values()) > _GRADIENTS * cost['params']:
    parts = [
      f'{size / text_lib.GIB:.3g} GiB {kind}' for kind, size in kinds.items()
    ]
    remarks.append(
      'devices exchange more than one gradient '
      f'({cost["params"] / text_lib.GIB:.3g} GiB) a step: {", ".join(parts)}'
    )
  return remarks


def _cells(row: Mapping[str, Any]) -> list[str]:
  """A row of the table as text."""
  cost = row['cost']
  if cost is None:
    return [row['workload'], *['-'] * (len(_COLUMNS) - 2), row['result']]
  sizes = [cost[k] for k in ('opt_state', 'arguments', 'temporaries', 'memory')]
  return [
    row['workload'],
    *[f'{size / text_lib.GIB:.3g}' for size in sizes],
    f'{cost["flops"] / 1e12:.3g}',
    f'{sum(cost["collectives"].values()) / text_lib.GIB:.3g}',
    f'{cost["compile_s"]:.0f}',
    row['result'],
  ]
