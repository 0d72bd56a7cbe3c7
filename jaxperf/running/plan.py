# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""`jaxperf plan`: all that comes before the first trial; touches no device."""

from __future__ import annotations

import pathlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxperf import errors
from jaxperf.records import files, layout, starts
from jaxperf.running import build, environment, identity, launch, resources
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.trial import trial as trial_lib

# Untimed evaluations take this part of what is timed, about, and a time limit
# leaves this much room: a trial that hits it saves its state and goes on.
_EVALUATIONS, _ROOM, _ROOM_S = 1 / 3, 1.5, 1800.0


class Planned(NamedTuple):
  """An experiment that is ready to be run.

  Attributes:
    jobs: all that the config asks for, in the order in which they run.
    tasks: of those that are missing.
  """

  jobs: Sequence[jobs_lib.Job]
  tasks: Sequence[launch.Task]


def plan(
  config: config_lib.Config,
  folder: pathlib.Path,
  retry: bool = False,
  rerun: bool = False,
) -> Planned:
  """Checks an experiment and writes what each of its trials is to be.

  Args:
    config: checked.
    folder: results folder.
    retry: failed trials are missing again; anew if what makes them changed.
    rerun: begin trials anew that another version of their submission or other
      settings have made; what they hold is kept beside.

  Raises:
    UserError: for whatever can be known to be wrong; nothing is written then.
  """
  whole = folder_lib.merged_config(folder, config)
  environment.check()
  made = jobs_lib.plan(whole)
  jobs = _asked_for(config, made.jobs)
  trainings = _check(config, made, jobs)
  identity.settle(
    {
      folder / job.folder: identity.of_job(
        config, job, made.entries[job.spec], trainings[job.spec, job.workload]
      )
      for job in jobs
    },
    anew=lambda trial: rerun or (retry and _failed(trial)),
  )
  folder_lib.write(folder, whole, made)
  if retry:
    _forget_failures(folder, jobs)
  tasks = [
    _task(config, folder, job, trainings[job.spec, job.workload])
    for job in jobs
    if outcome(folder, job) is None
  ]
  for task in tasks:
    starts.forget(task.folder)
  return Planned(jobs, tasks)


def outcome(folder: pathlib.Path, job: jobs_lib.Job) -> layout.Outcome | None:
  """How a job ended, None if it has not."""
  result = files.read_json(folder / job.folder / 'result.json')
  return layout.Outcome(result['outcome']) if result else None


def _asked_for(
  config: config_lib.Config, jobs: Sequence[jobs_lib.Job]
) -> list[jobs_lib.Job]:
  """The jobs of this config, of all that its folder is to hold."""
  workloads = config_lib.workload_names(config)
  return [
    job
    for job in jobs
    if job.spec in config.submissions and job.workload in workloads
  ]


def _check(
  config: config_lib.Config,
  plan: jobs_lib.Plan,
  jobs: Sequence[jobs_lib.Job],
) -> Mapping[tuple[str, str], trial_lib.Training]:
  """Refuses submissions that cannot work, before any device is touched.

  Returns:
    Spec and workload -> the training of one of its jobs.
  """
  environment.only_cpu()
  trainings: dict[tuple[str, str], trial_lib.Training] = {}
  for job in jobs:
    entry, key = plan.entries[job.spec], (job.spec, job.workload)
    if key not in trainings:
      trainings[key] = training = build.make_training(
        config, job, entry, build.problem(config, job.workload)
      )
      try:
        training.method.check(training)
      except errors.UserError as error:
        raise errors.UserError(f'{" on ".join(key)}: {error}') from None
  return trainings


def _task(
  config: config_lib.Config,
  folder: pathlib.Path,
  job: jobs_lib.Job,
  training: trial_lib.Training,
) -> launch.Task:
  """The command line of one trial: the unit of work, also on other machines.

  Files of the user's in the current folder must not hide modules (`-P`).
  """
  start = shlex.split(config.command) or [sys.executable, '-P', '-m', 'jaxperf']
  run = training.run
  timed = _ROOM * run.budget * (1 + _EVALUATIONS) + _ROOM_S
  return launch.Task(
    folder / job.folder,
    [*start, 'trial', str(folder), str(job.folder)],
    resources.of(config, job.workload),
    timed if run.unit == 'seconds' else None,
  )


def _failed(trial: pathlib.Path) -> bool:
  """Whether the trial in a folder has ended, and failed."""
  result = files.read_json(trial / 'result.json')
  return bool(result) and layout.Outcome(result['outcome']).failed


def _forget_failures(
  folder: pathlib.Path, jobs: Sequence[jobs_lib.Job]
) -> None:
  """Removes results of failed trials, so that they run again."""
  for job in jobs:
    if _failed(folder / job.folder):
      (folder / job.folder / 'result.json').unlink()
