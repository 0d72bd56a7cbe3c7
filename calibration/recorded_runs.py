# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training runs that a script does one by one, each a line of a table.

Started again, a script goes on where its table ends.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from jaxperf import errors, rules
from jaxperf.records import files, parse
from jaxperf.running import isolated


class Run(NamedTuple):
  """One training run, a line of a table.

  The first four fields tell runs apart.

  Attributes:
    workload: name.
    algorithm: module.
    phase: of the script, what the run is for.
    number: of the run within its phase.
    point: hyperparameters, JSON.
    evaluations: `step:validation:test` by evaluation, blanks between.
  """

  workload: str
  algorithm: str
  phase: str
  number: int
  point: str
  evaluations: str = ''

  @property
  def values(self) -> list[tuple[int, float, float]]:
    """Step, validation and test metric of each evaluation."""
    fields = [e.split(':') for e in self.evaluations.split()]
    return [(int(a), float(b), float(c)) for a, b, c in fields]

  def best(self, goal: rules.WorkloadRules) -> float:
    """The best finite validation value; without one infinitely bad."""
    values = [value for _, value, _ in self.values if math.isfinite(value)]
    worst = math.inf if goal.minimize else -math.inf
    return min(values, key=lambda value: as_loss(goal, value), default=worst)


def as_loss(goal: rules.WorkloadRules, value: float) -> float:
  """A number that is smaller for better values."""
  return value if goal.minimize else -value


def missing(plan: Iterable[Run], runs: Iterable[Run]) -> Iterator[Run]:
  """Those runs of a plan that have not been done, in order."""
  done = {run[:4] for run in runs}
  return (run for run in plan if run[:4] not in done)


def trained(run: Run, train: Callable[[list[Any]], str]) -> Run:
  """The run with its evaluations, from a process of its own.

  Args:
    run: what to train.
    train: from the first five fields of a run to its evaluations; a function of
      an imported module, not of `__main__`.

  Raises:
    UserError: if the training failed.
  """
  # This package is not installed: it is found in a clone alone.
  clone = str(pathlib.Path(__file__).parents[1])
  path = os.pathsep.join([clone, *filter(None, [os.environ.get('PYTHONPATH')])])
  evaluations, error = isolated.call(
    train, {'run': list(run[:5])}, {'PYTHONPATH': path}
  )
  if error:
    raise errors.UserError(f'{" ".join(map(str, run[:4]))}: {error}')
  return run._replace(evaluations=evaluations)


def train_to_the_end(made) -> str:
  """Trains for the whole budget, whatever is reached.

  Args:
    made: a `trial.Trial`; its targets are ignored.

  Returns:
    The evaluations, in the form of `Run`.

  Raises:
    UserError: if the training ended with an error.
  """
  from jaxperf.trial import run as run_lib

  goal = made.training.goal
  never = -math.inf if goal.minimize else math.inf
  goal = dataclasses.replace(goal, validation_target=never, test_target=never)
  training = dataclasses.replace(made.training, goal=goal)
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder)
    outcome = run_lib.run(dataclasses.replace(made, training=training), path)
    if outcome.failed:
      message = files.read_json(path / 'result.json')['message']
      raise errors.UserError(f'{outcome}: {message}')
    name = 'eval_measurements.csv'
    rows, _ = parse.evaluations({0: (name, (path / name).read_bytes())})
  values = rows[['step', f'validation/{goal.metric}', f'test/{goal.metric}']]
  return ' '.join(
    f'{step:.0f}:{validation:.5g}:{test:.5g}'
    for step, validation, test in values.itertuples(index=False)
  )


def read(table: pathlib.Path) -> list[Run]:
  """All runs so far."""
  if not table.exists():
    return []
  with table.open(newline='') as file:
    rows = list(csv.DictReader(file))
  return [Run(**(row | {'number': int(row['number'])})) for row in rows]


def append(table: pathlib.Path, run: Run) -> None:
  """Adds a line to a table."""
  new = not table.exists()
  with table.open('a', newline='') as file:
    writer = csv.writer(file, lineterminator='\n')
    if new:
      writer.writerow(Run._fields)
    writer.writerow(run)
