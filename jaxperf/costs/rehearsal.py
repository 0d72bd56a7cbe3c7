# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a dress rehearsal measured, and the hours that follow from it."""

from __future__ import annotations

import csv
import dataclasses
import math
import pathlib
from collections.abc import Mapping

from jaxperf import rules as rules_lib
from jaxperf import text
from jaxperf import workload as workload_lib
from jaxperf.records import files, layout
from jaxperf.running import folder as folder_lib
from jaxperf.running import plugins

_HOUR = 3600.0
_MEASURED = (
  *('workload', 'batch size', 'step', 'data wait', 'evaluation of an example'),
  *('whole evaluation', 'set-up', 'peak GiB', 'published pace'),
)


@dataclasses.dataclass(frozen=True)
class Measured:
  """What one workload took.

  Attributes:
    workload: its name.
    batch_size: examples in a training batch.
    batch_share: that batch size, relative to the workload's own.
    step_s: seconds from step to step, waiting for data left out.
    wait_s: seconds that a step waits for data.
    example_s: seconds that an evaluation takes for an example.
    eval_s: seconds that an evaluation of all splits takes, from `example_s`.
    setup_s: seconds before the first step: set-up and compiling.
    peak_bytes: of the fullest device, or of the host.
  """

  workload: str
  batch_size: int
  batch_share: float
  step_s: float
  wait_s: float
  example_s: float
  eval_s: float
  setup_s: float
  peak_bytes: int

  def trial_s(self, rules: rules_lib.Rules, name: str, ruleset: str) -> float:
    """Wall seconds of a trial that spends its whole budget.

    With a budget b and evaluation period p, in seconds, there are an evaluation
    after the first step and one each p: 1 + floor(b / p), beside b. In steps
    the last step is evaluated too, and steps count as long as measured, in
    proportion to the batch size.

    Args:
      rules: of the trial.
      name: of the workload, or a variant of it, which is taken to cost as much.
      ruleset: `'external'` or `'self'`.
    """
    goal, budget = rules.workloads[name], rules.budget(name, ruleset)
    if rules.unit == 'seconds':
      training, evaluations = budget, 1 + budget // goal.eval_period
    else:
      training = budget * (self.step_s + self.wait_s) / self.batch_share
      evaluations = 1 + math.ceil(budget / goal.eval_period)
    return self.setup_s + training + evaluations * self.eval_s

  def pace(self, rules: rules_lib.Rules) -> float | None:
    """Steps per second, relative to what the rules' step hint stands for."""
    goal = rules.workloads[self.workload]
    if rules.unit != 'seconds' or self.batch_share != 1:
      return None
    return goal.budget / goal.step_hint / (self.step_s + self.wait_s)


def report(folder: pathlib.Path) -> str:
  """What was measured, and the hours of trials, studies, the benchmark.

  Args:
    folder: results of a rehearsal.
  """
  measured, failed = [], []
  for job in folder_lib.read_jobs(folder):
    if (job.study, job.trial) != (0, 1):
      continue
    found = _measured(folder / job.folder, job.workload)
    if found is None:
      failed.append(job.workload)
    else:
      measured.append(found)
  config = folder_lib.read_config(folder)
  lines = [
    f'dress rehearsal: {config.max_steps} steps, evaluations of '
    f'{config.rehearsal} batches a split',
    *([f'not measured: {", ".join(failed)}'] if failed else []),
  ]
  if measured:
    lines += [text.layout(_MEASURED, [_cells(row) for row in measured]), '']
    lines += _hours({row.workload: row for row in measured})
  return '\n'.join(lines)


def _measured(trial: pathlib.Path, name: str) -> Measured | None:
  """What a trial took; None if it has not ended well."""
  result = files.read_json(trial / 'result.json')
  if result is None or layout.Outcome(result['outcome']).failed:
    return None
  with (trial / layout.EVALUATIONS).open(encoding='utf-8') as file:
    rows = [float(row['accumulated_eval_time']) for row in csv.DictReader(file)]
  settings = files.read_json(trial / 'flags_0.json')
  workload = plugins.workload(name, 'fake')
  buckets, steps = result['buckets'], result['step']
  # The first evaluation compiles.
  last = rows[-1] - rows[-2]
  example = last / (result['eval_batches'] * result['eval_batch_size'])
  return Measured(
    workload=name,
    batch_size=settings['batch_size'],
    batch_share=settings['batch_size'] / workload.default_batch_size,
    step_s=buckets['train'] / steps,
    wait_s=buckets['data_wait'] / steps,
    example_s=example,
    eval_s=example * _evaluated(workload.description),
    setup_s=buckets['setup'] + buckets['compile'] + rows[0] - last,
    peak_bytes=result['peak_memory']['bytes'],
  )


def _evaluated(description: workload_lib.Description) -> int:
  """Examples of an evaluation of all splits."""
  return (
    description.num_eval_train
    + description.num_validation
    + description.num_test
  )


def _cells(row: Measured) -> list[str]:
  """A line of the first table."""
  pace = row.pace(rules_lib.newest(row.workload))
  return [
    row.workload,
    f'{row.batch_size:,}',
    f'{row.step_s * 1000:,.1f} ms',
    f'{row.wait_s / (row.step_s + row.wait_s):.0%}',
    f'{_number(row.example_s * 1000)} ms',
    f'{_number(row.eval_s)} s',
    f'{_number(row.setup_s)} s',
    f'{row.peak_bytes / text.GIB:.1f}',
    '-' if pace is None else f'{pace:.2f}',
  ]


def _hours(measured: Mapping[str, Measured]) -> list[str]:
  """The second table: a column for each rule set, and what it stands for."""
  columns = [
    (rules, ruleset)
    for rules in map(rules_lib.load, rules_lib.newest_first())
    if not measured.keys().isdisjoint(rules.base_workloads)
    for ruleset in rules_lib.TUNING_RULESETS
  ]
  header = ['hours at most', *(f'{r.name} {ruleset}' for r, ruleset in columns)]
  rows = [
    [name, *(_trial_cell(row, *column) for column in columns)]
    for name, row in measured.items()
  ]
  studies = [_study_s(measured, *column) for column in columns]
  rows.append(['a study of these', *(_hours_cell(s) for s in studies)])
  rows.append(
    [
      'all studies',
      *(_hours_cell(r.studies * s) for (r, _), s in zip(columns, studies)),
    ]
  )
  notes = [
    f'{rules.name}: {rules.studies} studies of '
    f'{rules.trials("external")} trials (external) or 1 (self) each of '
    f'{len(_names(measured, rules))} workloads{_without(measured, rules)}'
    for rules, ruleset in columns
    if ruleset == 'self'
  ]
  return [
    text.layout(header, rows),
    '',
    'Trials that spend their whole budgets, one after the other, with all '
    'evaluations.',
    'Published pace: steps per second, over those that the budget stands for.',
    *notes,
  ]


def _names(
  measured: Mapping[str, Measured], rules: rules_lib.Rules
) -> dict[str, str]:
  """Workloads and held-out variants that count -> which was measured."""
  wanted = dict.fromkeys(rules.base_workloads) | dict(rules.held_out)
  pairs = {name: base or name for name, base in wanted.items()}
  return {name: base for name, base in pairs.items() if base in measured}


def _without(measured: Mapping[str, Measured], rules: rules_lib.Rules) -> str:
  """Which workloads are missing in the sums."""
  missing = [n for n in rules.base_workloads if n not in measured]
  return f', without {", ".join(missing)}' if missing else ''


def _study_s(
  measured: Mapping[str, Measured], rules: rules_lib.Rules, ruleset: str
) -> float:
  """Seconds of one study."""
  return rules.trials(ruleset) * sum(
    measured[base].trial_s(rules, name, ruleset)
    for name, base in _names(measured, rules).items()
  )


def _trial_cell(row: Measured, rules: rules_lib.Rules, ruleset: str) -> str:
  """Hours of a trial of one workload."""
  if row.workload not in rules.workloads:
    return '-'
  return _hours_cell(row.trial_s(rules, row.workload, ruleset))


def _hours_cell(seconds: float) -> str:
  """Hours, exact enough to plan with."""
  return _number(seconds / _HOUR)


def _number(value: float) -> str:
  """Three digits, or all before the point."""
  return f'{value:,.3g}' if value < 1000 else f'{value:,.0f}'
