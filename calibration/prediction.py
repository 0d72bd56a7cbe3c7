# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How well the small tasks predict the published results of the competition.

python -m calibration.prediction --ruleset=self --minutes=60

Run it from the root of a clone. It trains the algorithms of the 2024
competition (v0.5) on the mini workloads, one study, as `jaxperf run` does, but
always for the whole budget. Every finished run is a line of
`prediction_runs.csv` (`--table=PATH`); started again the script goes on there.
Then it compares what was asked for, in each rule set on the workloads that no
algorithm misses a run on: the times to target follow from the recorded curves
and the targets that the mini rules have at that moment. `--minutes=0` only
compares. Where everything is compared the figure goes to
`docs/images/mini_prediction.png`; `--figure=PATH` draws it there in any case.

Self-tuning comes first, it has one run a workload. Sinv6 is run only where
`JAXPERF_SINV6_WEIGHTS` names its weights.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from calibration import agreement, agreement_report, options, recorded_runs
from jaxperf import errors, rules
from jaxperf.report import style
from jaxperf.running import build, entries
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib

TABLE = pathlib.Path(__file__).with_name('prediction_runs.csv')
FIGURE = 'docs/images/mini_prediction.png'
ENTRIES = {  # Published name -> algorithm, best-placed first.
  'self': {
    'schedule_free_adamw': 'baselines.schedule_free_adamw',
    'baseline': 'baselines.nadamw',
    'nadamw_sequential': 'baselines.nadamw_sequential',
    'sinv6_75': 'baselines.sinv6:three_quarters',
    'sinv6': 'baselines.sinv6',
    'adamg': 'baselines.adamg',
  },
  'external': {
    'shampoo_submission': 'baselines.shampoo',
    'schedule_free_adamw': 'baselines.schedule_free_adamw',
    'generalized_adam': 'baselines.generalized_adam',
    'cyclic_lr': 'baselines.cyclic_lr',
    'nadamp': 'baselines.nadamp',
    'baseline': 'baselines.nadamw',
    'amos': 'baselines.amos',
    'caspr_adaptive': 'baselines.caspr',
    'lawa_queue': 'baselines.lawa_queue',
    'lawa_ema': 'baselines.lawa_ema',
    'schedule_free_prodigy': 'baselines.schedule_free_prodigy',
  },
}
_NAMES = list(dict.fromkeys(n for e in ENTRIES.values() for n in e))
_WORKLOADS = rules.load('mini').base_workloads
_WEIGHTS = 'JAXPERF_SINV6_WEIGHTS'


def main() -> None:
  """Runs what is missing, then compares."""
  given = _options()
  deadline = time.monotonic() + 60 * given.minutes
  for ruleset in [given.ruleset] if given.ruleset else ENTRIES:
    wanted = [n for n in ENTRIES[ruleset] if n in given.submissions]
    done = recorded_runs.read(given.table)
    for run in to_run(ruleset, wanted, given.workloads, done):
      if time.monotonic() > deadline:
        break
      _do(run, given.table)
  found = compare(
    given.submissions, given.workloads, recorded_runs.read(given.table)
  )
  print(agreement_report.markdown(found))
  whole = (len(given.submissions), len(given.workloads)) == (
    len(_NAMES),
    len(_WORKLOADS),
  )
  figure = given.figure or (FIGURE if whole else None)
  if figure and found:
    style.save(agreement_report.scatter(found)[0], figure)
    print(f'\n{figure}')


def plan(ruleset: str, names: Collection[str]) -> Iterator[recorded_runs.Run]:
  """The runs of some entries, in order: one study of the mini rules.

  All workloads take turns, so that the table is useful before it is complete.
  The phase of a run is the rule set, its number that of the trial.

  Args:
    ruleset: `'external'` or `'self'`.
    names: published ones.
  """
  for name, algorithm in ENTRIES[ruleset].items():
    jobs = _jobs(algorithm, ruleset) if name in names else []
    for job in sorted(jobs, key=lambda job: job.trial):
      point = json.dumps(dict(job.point))
      yield recorded_runs.Run(
        job.workload, algorithm, ruleset, job.trial, point
      )


def to_run(
  ruleset: str,
  names: Collection[str],
  workloads: Collection[str],
  runs: Sequence[recorded_runs.Run],
) -> Iterator[recorded_runs.Run]:
  """Those runs of a plan that can be done and have not been.

  Args:
    ruleset: `'external'` or `'self'`.
    names: published ones, of the entries that are wanted.
    workloads: that are wanted.
    runs: that have been done.
  """
  able = [n for n in names if 'sinv6' not in n or os.environ.get(_WEIGHTS)]
  wanted = (run for run in plan(ruleset, able) if run.workload in workloads)
  return recorded_runs.missing(wanted, runs)


def train(run: Sequence[Any]) -> str:
  """Trains for the whole budget; returns the evaluations."""
  workload, algorithm, ruleset, number, _ = run
  (job,) = (
    job
    for job in _jobs(algorithm, ruleset)
    if (job.workload, job.trial) == (workload, number)
  )
  entry = entries.entry(algorithm, ruleset)
  config = _config(algorithm, ruleset)
  made = build.make_trial(config, job, entry, build.problem(config, workload))
  return recorded_runs.train_to_the_end(made)


def compare(
  names: Collection[str],
  workloads: Collection[str],
  runs: Sequence[recorded_runs.Run],
) -> list[agreement.Agreement]:
  """What the runs say, one agreement a rule set; says where they say nothing.

  Args:
    names: published ones, of the entries to compare.
    workloads: to compare on, where no run is left to do.
    runs: that have been done.
  """
  found = []
  for ruleset, named in ENTRIES.items():
    wanted = [name for name in named if name in names]
    left = {run.workload for run in to_run(ruleset, wanted, workloads, runs)}
    planned = {
      name: [
        run
        for run in plan(ruleset, [name])
        if run.workload in workloads and run.workload not in left
      ]
      for name in wanted
    }
    if any(planned.values()):
      found.append(agreement.compare(ruleset, planned, runs))
    elif wanted:
      print(f'{ruleset}: no workload has the runs of all algorithms.\n')
  return found


def _do(run: recorded_runs.Run, table: pathlib.Path) -> None:
  """Does a run and keeps it; one that fails stays missing."""
  from calibration import prediction  # Not `__main__`.

  print(*run[:4], flush=True)
  try:
    done = recorded_runs.trained(run, prediction.train)
  except errors.UserError as error:
    print(error, flush=True)
  else:
    recorded_runs.append(table, done)


def _config(algorithm: str, ruleset: str) -> config_lib.Config:
  """The experiment that all runs of an algorithm are part of."""
  return config_lib.make_config(
    {'ruleset': ruleset, 'submissions': (algorithm,), 'studies': 1}
  )


def _jobs(algorithm: str, ruleset: str) -> list[jobs_lib.Job]:
  """Its jobs."""
  return jobs_lib.plan(_config(algorithm, ruleset)).jobs


def _options() -> argparse.Namespace:
  """What was asked for."""
  parser = options.parser(__doc__, TABLE)
  options.add_figure(parser, FIGURE, when=' if everything is compared')
  options.add_minutes(parser)
  options.add_names(parser, '--workloads', _WORKLOADS)
  options.add_names(parser, '--submissions', _NAMES)
  parser.add_argument('--ruleset', choices=ENTRIES)
  return parser.parse_args()


if __name__ == '__main__':
  main()
