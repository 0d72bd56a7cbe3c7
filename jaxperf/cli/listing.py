# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The command that lists what there is to choose from."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from jaxperf import rules as rules_lib
from jaxperf import text as text_lib

_LIMITS = (
  *('metric', 'direction', 'validation_target', 'test_target'),
  *('budget', 'unit', 'rules'),
)


def add_parsers(commands: argparse._SubParsersAction) -> None:
  """Registers the command; sets `handler(options) -> exit code`."""
  parser = commands.add_parser('list', help='what there is to choose from')
  parser.add_argument('what', choices=tuple(_ROWS))
  parser.add_argument('--format', choices=('table', 'json'), default='table')
  parser.set_defaults(handler=_list)


def _list(options: argparse.Namespace) -> int:
  print(show(options.what, options.format))
  return 0


def show(what: str, form: str) -> str:
  """Workloads, baselines, experiments or rules as text.

  Args:
    what: `'workloads'`, `'baselines'`, `'experiments'` or `'rules'`.
    form: `'table'` or `'json'`.
  """
  rows = _ROWS[what]()
  if form == 'json':
    return json.dumps(rows, indent=2)
  return _workload_table(rows) if what == 'workloads' else _table(rows)


def _workloads() -> list[dict[str, Any]]:
  import jax

  from jaxperf.running import environment, plugins

  environment.only_cpu()
  rows = []
  for name in plugins.workload_names():
    workload = plugins.workload(name, 'fake')
    params, _ = jax.eval_shape(workload.init, jax.random.key(0))
    limits = _newest_limits(name)
    rows.append(
      {
        'name': name,
        'task': workload.description.task,
        'dataset': workload.description.dataset,
        'model': workload.description.model,
        'parameters': sum(x.size for x in jax.tree.leaves(params)),
        'loss': workload.description.loss,
      }
      | limits
    )
  return rows


def _newest_limits(workload: str) -> dict[str, Any]:
  """Goal and budget under the newest rules that know the workload."""
  rules = rules_lib.newest(workload)
  if rules is None:
    return dict.fromkeys(_LIMITS)
  goal = rules.workloads[workload]
  return {
    'metric': goal.metric,
    'direction': 'minimize' if goal.minimize else 'maximize',
    'validation_target': goal.validation_target,
    'test_target': goal.test_target,
    'budget': goal.budget,
    'unit': rules.unit,
    'rules': rules.name,
  }


def _baselines() -> list[dict[str, Any]]:
  from jaxperf.running import plugins

  return [
    {'name': f'baselines.{name}', 'summary': summary, 'submissions': found}
    for name, summary, found in plugins.baselines()
  ]


def _experiments() -> list[dict[str, Any]]:
  from jaxperf.running import plugins

  return [
    {'name': name, 'summary': plugins.summary('experiments', name)}
    for name in plugins.experiment_names()
  ]


def _rules() -> list[dict[str, Any]]:
  rows = []
  for name in rules_lib.names():
    rules = rules_lib.load(name)
    rows.append(
      {
        'name': name,
        'title': rules.title,
        'workloads': len(rules.base_workloads),
        'variants': len(rules.workloads) - len(rules.base_workloads),
        'studies': rules.studies,
        'trials': rules.external_trials,
        'self_tuning_budget': rules.self_tuning_budget,
        'unit': rules.unit,
        'hardware': rules.hardware,
      }
    )
  return rows


_ROWS = {
  'workloads': _workloads,
  'baselines': _baselines,
  'experiments': _experiments,
  'rules': _rules,
}


def _workload_table(rows: Sequence[Mapping[str, Any]]) -> str:
  """One line a workload; what a group of them is about stands above it."""
  cells = [
    [row['name'], f'{row["parameters"]:,}', _target(row), _budget(row)]
    for row in rows
  ]
  header = ['workload', 'parameters', 'target', 'budget']
  head, rule, *lines = text_lib.layout(header, cells).split('\n')
  text, about = [head, rule], None
  for row, line in zip(rows, lines):
    sentence = (
      f'{row["task"]}: {row["model"]} on {row["dataset"]}. '
      f'Loss: {row["loss"]}. Metric: {(row["metric"] or "-")}.'
    ).replace('_', ' ')
    if sentence != about:
      text += [
        '',
        *textwrap.wrap(sentence[0].upper() + sentence[1:], text_lib.WIDTH),
      ]
      about = sentence
    text.append(line)
  return '\n'.join(text)


def _target(row: Mapping[str, Any]) -> str:
  """The validation target under the newest rules."""
  if row['rules'] is None:
    return '-'
  sign = '<' if row['direction'] == 'minimize' else '>'
  return f'{sign} {row["validation_target"]:g}'


def _budget(row: Mapping[str, Any]) -> str:
  """The budget under the newest rules."""
  if row['rules'] is None:
    return '-'
  return f'{row["budget"]:,} {"s" if row["unit"] == "seconds" else "steps"}'


def _text(value: Any) -> str:
  """A value as people read it."""
  if value is None or value == '':
    return '-'
  if isinstance(value, (list, tuple)):
    return ', '.join(value)
  return f'{value:,}' if isinstance(value, int) else str(value)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
  """Aligned columns; long texts wrap within theirs."""
  names = list(rows[0])
  prose = [
    name.replace('_', ' ')
    for name in names[1:]
    if not isinstance(rows[0][name], (int, float))
  ]
  return text_lib.layout(
    [name.replace('_', ' ') for name in names],
    [[_text(row[name]) for name in names] for row in rows],
    prose,
  )
