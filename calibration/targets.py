# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sets the targets of the mini rule set by the benchmark's own procedure.

python -m calibration.targets --minutes=60 --workloads=mini_clicks

Run it from the root of a clone. For each workload AdamW, NadamW, Nesterov and
heavy-ball momentum train at five quasi-random points of the published search
spaces, with learning rates adapted to the small scale, for three quarters of
the budget. The best point is trained again with five seeds, and three
deliberately bad settings once. Where fewer than two algorithms reached the
target in the search, the best point of each trains for the whole budget, as
users do. From these:

- validation target: median over the seeds of the best validation value,
- test target: worst test value, at the best evaluation, of the seeds that reach
  the validation target,

both rounded to three digits in the direction that is easier. Every finished run
is a line of `target_runs.csv` (`--table=PATH`); started again the script goes
on there. `--minutes=0` only prints what the runs say.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import pathlib
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from calibration import options, recorded_runs
from jaxperf import rules, tuning
from jaxperf.running import build, entries, jobs
from jaxperf.running import config as config_lib

TABLE = pathlib.Path(__file__).with_name('target_runs.csv')
_TRIALS, _SEEDS, _DRAW = 5, 5, 20_260_101
_SMALL_SCALE = {'label_smoothing': tuning.Choice((0.0, 0.1))}
_ADAM = {'learning_rate': tuning.Range(3e-4, 3e-2, 'log')} | _SMALL_SCALE
_MOMENTUM = {'learning_rate': tuning.Range(5e-3, 1.0, 'log')} | _SMALL_SCALE
ALGORITHMS = {  # Changes to the search space of each.
  'baselines.adamw': _ADAM,
  'baselines.nadamw:paper': _ADAM,
  'baselines.nesterov': _MOMENTUM,
  'baselines.heavy_ball': _MOMENTUM,
}
_BAD = {  # Changes to the best NadamW point.
  'learning rate / 100': lambda p: {'learning_rate': p['learning_rate'] / 100},
  'learning rate x 100': lambda p: {'learning_rate': p['learning_rate'] * 100},
  'no adaptation': lambda p: {'beta2': 0.0},
}
WHOLE = 'whole budget'


def main() -> None:
  """Runs what is missing, then prints the targets."""
  from calibration import targets as targets_lib  # Not `__main__`.

  workloads = rules.load('mini').base_workloads
  parser = options.parser(__doc__, TABLE)
  options.add_minutes(parser)
  options.add_names(parser, '--workloads', workloads)
  given = parser.parse_args()
  deadline = time.monotonic() + 60 * given.minutes
  for name in given.workloads:
    while todo := next(missing(name, recorded_runs.read(given.table)), None):
      if time.monotonic() > deadline:
        break
      print(*todo[:4], flush=True)
      run = recorded_runs.trained(todo, targets_lib.train)
      recorded_runs.append(given.table, run)
  print(markdown(given.workloads, recorded_runs.read(given.table)))


def missing(
  workload: str, runs: Sequence[recorded_runs.Run]
) -> Iterator[recorded_runs.Run]:
  """The runs of a workload that are not in the table, in order.

  The phase of a run is `search`, `repeat`, how it is bad, or `whole budget`;
  its number is that of the seed in a repetition, else of the search's point.
  """
  plan = itertools.chain(
    _search(workload),
    _repeats(workload, runs),
    _bad(workload, runs),
    _whole(workload, runs),
  )
  return recorded_runs.missing(plan, runs)


def _search(workload: str) -> Iterator[recorded_runs.Run]:
  """Quasi-random points of every algorithm."""
  for algorithm, changes in ALGORITHMS.items():
    space = entries.entry(algorithm, 'external').tuning.dimensions
    points = tuning.draw(
      tuning.SearchSpace(**(dict(space) | changes)), _TRIALS, _DRAW
    )
    for number, point in enumerate(points, start=1):
      yield recorded_runs.Run(
        workload, algorithm, 'search', number, json.dumps(point)
      )


def _repeats(
  workload: str, runs: Sequence[recorded_runs.Run]
) -> Iterator[recorded_runs.Run]:
  """The best point with other seeds."""
  best = best_of(workload, runs)
  for seed in range(1, _SEEDS + 1):
    yield best._replace(phase='repeat', number=seed, evaluations='')


def _bad(
  workload: str, runs: Sequence[recorded_runs.Run]
) -> Iterator[recorded_runs.Run]:
  """NadamW, badly tuned."""
  best = best_of(workload, runs, 'baselines.nadamw:paper')
  point = json.loads(best.point)
  for phase, change in _BAD.items():
    bad = json.dumps(point | change(point))
    yield best._replace(phase=phase, number=1, point=bad, evaluations='')


def _whole(
  workload: str, runs: Sequence[recorded_runs.Run]
) -> Iterator[recorded_runs.Run]:
  """The best point of every algorithm, if fewer than two met the target."""
  if any(recorded_runs.missing(_repeats(workload, runs), runs)):
    return  # The target is not known yet.
  own = [run for run in runs if run.workload == workload]
  validation = _validation_target(workload, own)
  if len(_reached_by(workload, own, validation, ('search',))) < 2:
    for algorithm in ALGORITHMS:
      best = best_of(workload, runs, algorithm)
      yield best._replace(phase=WHOLE, evaluations='')


def best_of(
  workload: str, runs: Sequence[recorded_runs.Run], algorithm: str = ''
) -> recorded_runs.Run:
  """The best run of the search, of all algorithms or of one."""
  goal = rules.load('mini').workloads[workload]
  found = [
    run
    for run in runs
    if (run.workload, run.phase) == (workload, 'search')
    and algorithm in ('', run.algorithm)
  ]
  return min(found, key=lambda run: recorded_runs.as_loss(goal, run.best(goal)))


def train(run: list[Any]) -> str:
  """Trains to the end, whatever is reached; returns the evaluations.

  Args:
    run: the first five fields of a `Run`.
  """
  workload, algorithm, phase, number, point = run
  config = config_lib.make_config(
    {'ruleset': 'external', 'submissions': (algorithm,)}
  )
  seed = number if phase == 'repeat' else 0
  job = jobs.Job(algorithm, workload, 0, 1, json.loads(point), seed)
  entry = entries.entry(algorithm, config.ruleset)
  made = build.make_trial(
    config, job, entry, build.problem(config, job.workload)
  )
  budget = made.training.run.budget
  steps = round(budget if phase == WHOLE else 0.75 * budget)
  limits = dataclasses.replace(made.training.run, budget=steps, step_hint=steps)
  training = dataclasses.replace(made.training, run=limits)
  return recorded_runs.train_to_the_end(
    dataclasses.replace(made, training=training)
  )


class Targets(NamedTuple):
  """What the runs say about a workload.

  Attributes:
    best: the run that was repeated.
    validation: target.
    test: target.
    spread: lowest and highest of the seeds' best validation values.
    reached_by: algorithms with a run that meets the target, in the search or
      with the whole budget.
    bad: how bad settings fared: name -> best validation value.
  """

  best: recorded_runs.Run
  validation: float
  test: float
  spread: tuple[float, float]
  reached_by: list[str]
  bad: dict[str, float]


def targets(workload: str, runs: Sequence[recorded_runs.Run]) -> Targets | None:
  """The targets of a workload; None while runs are missing."""
  if next(missing(workload, runs), None) is not None:
    return None
  goal = rules.load('mini').workloads[workload]
  own = [run for run in runs if run.workload == workload]
  repeats = [run for run in own if run.phase == 'repeat']
  validation = _validation_target(workload, own)
  tests = []
  for run in repeats:
    _, value, test = min(
      run.values, key=lambda e: recorded_runs.as_loss(goal, e[1])
    )
    if goal.reached(value, validation):
      tests.append(test)
  values = [run.best(goal) for run in repeats]
  return Targets(
    best_of(workload, runs),
    validation,
    _easier(goal, max(tests, key=lambda v: recorded_runs.as_loss(goal, v))),
    (min(values), max(values)),
    _reached_by(workload, own, validation, ('search', WHOLE)),
    {run.phase: run.best(goal) for run in own if run.phase in _BAD},
  )


def _validation_target(
  workload: str, own: Sequence[recorded_runs.Run]
) -> float:
  """Median over the seeds of the best value, rounded."""
  goal = rules.load('mini').workloads[workload]
  values = [run.best(goal) for run in own if run.phase == 'repeat']
  return _easier(goal, statistics.median(values))


def _reached_by(
  workload: str,
  own: Sequence[recorded_runs.Run],
  target: float,
  phases: Sequence[str],
) -> list[str]:
  """Algorithms with a run of these phases that meets the target."""
  goal = rules.load('mini').workloads[workload]
  reached = {
    run.algorithm.removeprefix('baselines.')
    for run in own
    if run.phase in phases and goal.reached(run.best(goal), target)
  }
  return sorted(reached)


def _easier(goal: rules.WorkloadRules, value: float) -> float:
  """Three digits after the first, rounded so that it is easier to reach."""
  scale = 10 ** (2 - math.floor(math.log10(abs(value))))
  rounded = math.ceil if goal.minimize else math.floor
  return rounded(value * scale) / scale


def markdown(names: Sequence[str], runs: Sequence[recorded_runs.Run]) -> str:
  """The table of targets, as Markdown."""
  lines = [
    '| workload | best point | seeds: lowest, highest | validation target | '
    'test target | reached by | bad settings |',
    '| --- | --- | --- | ---: | ---: | --- | --- |',
  ]
  for name in names:
    found = targets(name, runs)
    if found is None:
      count = len(list(missing(name, runs))) if _searched(name, runs) else '?'
      lines.append(f'| {name} | {count} runs missing | | | | | |')
      continue
    bad = ', '.join(f'{how}: {value:.4g}' for how, value in found.bad.items())
    algorithm = found.best.algorithm.removeprefix('baselines.')
    lines.append(
      f'| {name} | {algorithm} {found.best.number} | {found.spread[0]:.4g}, '
      f'{found.spread[1]:.4g} | {found.validation:g} | {found.test:g} | '
      f'{", ".join(found.reached_by)} | {bad} |'
    )
  return '\n'.join(lines)


def _searched(name: str, runs: Sequence[recorded_runs.Run]) -> bool:
  """Whether the search of a workload is complete."""
  return not any(recorded_runs.missing(_search(name), runs))


if __name__ == '__main__':
  main()
