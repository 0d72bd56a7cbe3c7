# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Verifies trials without trusting the code that made them.

The weights that were judged are judged again in a process that never loads a
submission's code, and compared with the recorded rows; records are compared
with each other; with `replay`, trials are run again from their seeds.
"""

from __future__ import annotations

import collections
import dataclasses
import fnmatch
import math
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jaxperf import errors, text
from jaxperf import rules as rules_lib
from jaxperf.records import audit, verification
from jaxperf.running import again, isolated
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib

# Relative difference of metrics that is allowed: of the same weights, and of a
# whole training, on another machine or with other versions.
_ROUNDING, _WEIGHTS, _REPLAY = 1e-6, 1e-2, 5e-2


def verify(
  folder: pathlib.Path,
  patterns: Sequence[str] = (),
  replay: bool = False,
  say: Callable[[str], None] = print,
) -> int:
  """Verifies the trials of a results folder; records and says what it found.

  Args:
    folder: results of `jaxperf run`.
    patterns: of the trials' folders below it, as in a shell; all by default.
    replay: train the trials again, too.
    say: is given a line a trial, and one of totals.

  Returns:
    Exit code: 0 if all that have ended passed, 1 otherwise.

  Raises:
    UserError: if there is no such folder or trial.
  """
  jobs = _chosen(folder_lib.read_jobs(folder), patterns)
  config = folder_lib.read_config(folder)
  if config.rehearsal:
    raise errors.UserError(
      f'{folder} holds a dress rehearsal, which judges nothing'
    )
  ended = [j for j in jobs if (folder / j.folder / 'result.json').is_file()]
  by_workload = collections.defaultdict(list)
  for job in ended:
    by_workload[job.workload].append(job)
  passed = 0
  for workload, group in by_workload.items():
    names = [str(job.folder) for job in group]
    arguments = {'folder': str(folder), 'workload': workload, 'names': names}
    judged, error = isolated.call(again.judge, arguments)
    for job in group:
      found = _verified(
        folder, job, config.rules, judged and judged[str(job.folder)], error
      )
      if replay and found.passed:
        found = _replayed(folder, job, found)
      verification.write(folder / job.folder, found)
      passed += found.passed
      say(f'{job.folder}: {_shown(found)}')
  failed = len(ended) - passed
  totals = [text.plural(len(jobs), 'trial'), f'{passed} passed']
  totals += [f'{failed} failed'] if failed else []
  waiting = len(jobs) - len(ended)
  totals += [f'{waiting} not ended'] if waiting else []
  say(f'{totals[0]}: {", ".join(totals[1:])}')
  return 1 if failed else 0


def _chosen(
  jobs: Sequence[jobs_lib.Job], patterns: Sequence[str]
) -> list[jobs_lib.Job]:
  """The jobs whose folders match."""
  names = [str(job.folder) for job in jobs]
  for pattern in patterns:
    if not fnmatch.filter(names, pattern):
      raise errors.UserError(
        f'no trial {pattern!r}{errors.nearest(pattern, names)} '
        '`jaxperf status` lists them.'
      )
  return [
    job
    for job, name in zip(jobs, names)
    if not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)
  ]


def _verified(
  folder: pathlib.Path,
  job: jobs_lib.Job,
  rules_name: str,
  judged: Mapping[str, Any] | None,
  error: str | None,
) -> verification.Found:
  """What is found about one trial without training it.

  Args:
    folder: of the results.
    job: of the trial.
    rules_name: of the rules.
    judged: from `again.judge`.
    error: why there is nothing of it.
  """
  rules = rules_lib.load(rules_name)
  trial = folder / job.folder
  problems = audit.problems(trial, dataclasses.asdict(job), rules)
  checked = ['records']
  error = error or judged['error']
  if error is not None:
    problems.append(f'the weights cannot be judged again: {error}')
    return verification.Found(problems, checked)
  table, _ = audit.rows(trial)
  told = {int(row['global_step']): row for row in again.rows(trial)}
  allowed = _ROUNDING if judged['same'] else _WEIGHTS
  steps = []
  for row, metrics in judged['rows']:
    step = row['global_step']
    steps.append(step)
    problems += _differences(told.get(step, {}), row, step, 0.0, 'was recorded')
    problems += _differences(
      told.get(step, {}), metrics, step, allowed, 'the weights give'
    )
  if not table.empty:
    claimed = table['step'][audit.met(table, rules.for_workload(job.workload))]
    if len(claimed) and int(claimed.iloc[0]) not in steps:
      problems.append(
        f'no weights were kept of step {claimed.iloc[0]:.0f}, where the target '
        'was met (--config.keep_state=true keeps them)'
      )
  if steps:
    checked.append(f'weights of step {text.few([str(s) for s in steps])}')
  return verification.Found(problems, checked)


def _replayed(
  folder: pathlib.Path, job: jobs_lib.Job, found: verification.Found
) -> verification.Found:
  """What is found when a trial is run again."""
  name = str(job.folder)
  with tempfile.TemporaryDirectory() as place:
    arguments = {'folder': str(folder), 'name': name, 'place': place}
    trained, error = isolated.call(again.train, arguments)
  if error is not None:
    problems = [*found.problems, f'it cannot be run again: {error}']
    return found._replace(problems=problems)
  metrics = {int(row['global_step']): row for row in trained['rows']}
  allowed = 0.0 if trained['same'] else _REPLAY
  problems = list(found.problems)
  for row in again.rows(folder / job.folder):
    step = int(row['global_step'])
    one = {n: value for n, value in metrics.get(step, {}).items() if '/' in n}
    if not one:
      problems.append(f'run again, there is no evaluation of step {step}')
    problems += _differences(row, one, step, allowed, 'run again, it is')
  how = 'bit for bit' if trained['same'] else 'within 5 %'
  return verification.Found(problems, [*found.checked, f'replay, {how}'])


def _differences(
  told: Mapping[str, Any],
  found: Mapping[str, Any],
  step: int,
  allowed: float,
  how: str,
) -> Iterator[str]:
  """What a row of the log says otherwise than what was found.

  Args:
    told: the row; empty if there is none.
    found: column -> value.
    step: of both.
    allowed: relative difference.
    how: where the values come from, in words.
  """
  if not told:
    yield f'weights were kept of step {step}, which is not in the log'
    return
  for name, value in found.items():
    said, value = told.get(name, math.nan), float(value)
    equal = said == value or (math.isnan(said) and math.isnan(value))
    if not equal and not (
      abs(said - value) <= allowed * max(abs(said), abs(value))
    ):
      yield f'step {step}: the log says {name} {said:.9g}, {how} {value:.9g}'


def _shown(found: verification.Found) -> str:
  """A verdict in a line."""
  if found.passed:
    return f'passed ({", ".join(found.checked)})'
  return f'FAILED: {"; ".join(found.problems)}'
