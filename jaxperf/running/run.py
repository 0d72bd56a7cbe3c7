# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the jobs of an experiment that are still to be done, and shows it."""

from __future__ import annotations

import collections
import contextlib
import pathlib
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import rich.console

from jaxperf import errors
from jaxperf.records import files, layout, sinks
from jaxperf.records import identity as recorded
from jaxperf.running import build, environment, identity, launch
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import shown as shown_lib
from jaxperf.trial import trial as trial_lib


def run(
  config: config_lib.Config,
  folder: pathlib.Path,
  retry: bool = False,
  rerun: bool = False,
) -> int:
  """Runs what is missing in a results folder.

  Args:
    config: checked.
    folder: results folder.
    retry: run trials that failed again; anew if what makes them changed.
    rerun: begin trials anew that another version of their submission or other
      settings have made; what they hold is kept beside.

  Returns:
    Exit code: 0 if no trial failed, 1 otherwise, 130 if it was interrupted.

  Raises:
    UserError: for whatever can be known to be wrong; nothing is written then.
  """
  exports = sinks.load(config.all_sinks)
  launcher = launch.make(config)
  whole = folder_lib.merged_config(folder, config)
  environment.check()
  plan = jobs_lib.plan(whole)
  jobs = _asked_for(config, plan.jobs)
  made_by = _check(config, plan, jobs)
  identity.settle(
    {folder / job.folder: made_by[job.folder] for job in jobs},
    anew=lambda trial: rerun or (retry and _failed(trial)),
  )
  folder_lib.write(folder, whole, plan)
  if retry:
    _forget_failures(folder, jobs)
  missing = [job for job in jobs if _outcome(folder, job) is None]
  console = rich.console.Console(
    highlight=False, soft_wrap=True, force_terminal=sys.stdout.isatty()
  )
  console.print(
    f'{len(jobs)} trials, {len(jobs) - len(missing)} done already; '
    f'results in {folder}'
  )
  for setting in recorded.unusual(identity.numerics()):
    console.print(
      f'caution: {setting} is set, which changes numbers or times; trials '
      'record it, and `jaxperf score` warns of it'
    )
  shown = shown_lib.Shown(folder, len(missing), console)
  tasks = [_task(folder, job) for job in missing]
  with _interrupted() as interrupted, shown:
    _run_all(launcher, tasks, shown, exports, interrupted)
  if interrupted():
    console.print('interrupted: the same command goes on from here')
    return 130
  return _summary(config, folder, jobs, console)


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
) -> dict[pathlib.PurePosixPath, dict]:
  """Refuses submissions that cannot work, before any device is touched.

  Returns:
    Folder of each job -> the identity of its trial.
  """
  environment.only_cpu()
  trainings: dict[tuple, trial_lib.Training] = {}
  made_by = {}
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
    made_by[job.folder] = identity.of_job(config, job, entry, trainings[key])
  return made_by


@contextlib.contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
  """Whether Ctrl-C or SIGTERM came since.

  A flag, not an exception: Python drops one that is raised in a finalizer.
  """
  came = threading.Event()
  old = {
    number: signal.signal(number, lambda *_: came.set())
    for number in (signal.SIGINT, signal.SIGTERM)
  }
  try:
    yield came.is_set
  finally:
    for number, handler in old.items():
      signal.signal(number, handler)


def _task(folder: pathlib.Path, job: jobs_lib.Job) -> launch.Task:
  """The command line of one trial: the unit of work, also on other machines.

  Files of the user's in the current folder must not hide modules (`-P`).
  """
  command = (sys.executable, '-P', '-m', 'jaxperf', 'trial')
  return launch.Task(
    folder / job.folder, [*command, str(folder), str(job.folder)]
  )


def _run_all(
  launcher: launch.Launcher,
  tasks: Sequence[launch.Task],
  shown: shown_lib.Shown,
  exports: Sequence[tuple[sinks.Sink, str]],
  interrupted: Callable[[], bool],
) -> None:
  """Starts the tasks and follows them to their ends, unless interrupted."""
  elsewhere = [task for task in tasks if files.owner(task.folder)]
  for task in elsewhere:
    shown.elsewhere(task)
  try:
    launcher.start([task for task in tasks if task not in elsewhere])
    while launcher.running or launcher.waiting or elsewhere:
      if interrupted():
        break
      shown.running(launcher)
      here = launcher.ended()
      there = [task for task in elsewhere if not files.owner(task.folder)]
      for ended in [*here, *(launch.Ended(task, None) for task in there)]:
        if ended.status == launch.TAKEN:
          shown.elsewhere(ended.task)
        elif ended.task in there and not _has_result(ended.task):
          launcher.start([ended.task])  # Nobody runs it any more.
        else:
          if ended.out_of_memory and not _has_result(ended.task):
            _note_kill(ended.task)
          shown.ended(ended)
          for sink, target in exports:
            sink.export(shown.folder, target)
      taken = [ended.task for ended in here if ended.status == launch.TAKEN]
      elsewhere = [task for task in elsewhere if task not in there] + taken
  finally:
    launcher.stop()


def _has_result(task: launch.Task) -> bool:
  """Whether the trial of a task has ended."""
  return (task.folder / 'result.json').exists()


def _note_kill(task: launch.Task) -> None:
  """Writes how a trial ended that the system has ended."""
  progress = files.read_json(task.folder / 'progress.json') or {}
  result = {
    'outcome': layout.Outcome.OUT_OF_MEMORY,
    'message': 'the system ended it: the host is out of memory',
    'step': progress.get('step', 0),
    'submission_time': None,
  }
  files.write_json(task.folder / 'result.json', result)


def _summary(
  config: config_lib.Config,
  folder: pathlib.Path,
  jobs: Sequence[jobs_lib.Job],
  console: rich.console.Console,
) -> int:
  """Counts the outcomes."""
  ends = [_outcome(folder, job) for job in jobs]
  outcomes = collections.Counter(end or 'not ended' for end in ends)
  text = ', '.join(f'{n} {name}' for name, n in sorted(outcomes.items()))
  console.print(f'{len(jobs)} trials: {text}')
  failed = sum(end is not None and end.failed for end in ends)
  if failed:
    console.print(
      f'{failed} failed; after mending the cause run the same command with '
      '--retry'
    )
  if unended := ends.count(None):
    console.print(f'{unended} did not end: the same command goes on with them')
    failed += unended
  where = shlex.quote(str(folder))
  if config.rehearsal:  # Nothing to score.
    return 1 if failed else 0
  console.print(f'next: jaxperf score {where}   jaxperf report {where}')
  return 1 if failed else 0


def _outcome(folder: pathlib.Path, job: jobs_lib.Job) -> layout.Outcome | None:
  """How a job ended, None if it has not."""
  result = files.read_json(folder / job.folder / 'result.json')
  return layout.Outcome(result['outcome']) if result else None


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
