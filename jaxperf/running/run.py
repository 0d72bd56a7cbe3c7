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

import jax
import rich.console
import rich.live
import rich.text

from jaxperf import errors
from jaxperf.records import files, layout, sinks, status
from jaxperf.running import build, launch
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib


def run(config: config_lib.Config, folder: pathlib.Path, retry: bool) -> int:
  """Runs what is missing in a results folder.

  Args:
    config: checked.
    folder: results folder.
    retry: run trials that failed again.

  Returns:
    Exit code: 0 if no trial failed, 1 otherwise, 130 if it was interrupted.

  Raises:
    UserError: for whatever can be known to be wrong; nothing is written then.
  """
  exports = sinks.load(config.all_sinks)
  launcher = launch.make(config)
  whole = folder_lib.merged_config(folder, config)
  plan = jobs_lib.plan(whole)
  jobs = _asked_for(config, plan.jobs)
  _check(config, plan, jobs)
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
  shown = _Shown(folder, len(missing), console)
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
) -> None:
  """Refuses submissions that cannot work, before any device is touched."""
  jax.config.update('jax_platforms', 'cpu')  # Of this process alone.
  first: dict[tuple, jobs_lib.Job] = {}
  for job in jobs:
    first.setdefault((job.spec, job.workload), job)
  for job in first.values():
    training = build.make_training(config, job, plan.entries[job.spec])
    try:
      training.method.check(training)
    except errors.UserError as error:
      raise errors.UserError(f'{job.spec} on {job.workload}: {error}') from None


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
  shown: _Shown,
  exports: Sequence[tuple[sinks.Sink, str]],
  interrupted: Callable[[], bool],
) -> None:
  """Starts the tasks and follows them to their ends, unless interrupted."""
  try:
    launcher.start(tasks)
    while (launcher.running or launcher.waiting) and not interrupted():
      shown.running(launcher)
      for ended in launcher.ended():
        shown.ended(ended)
        for sink, target in exports:
          sink.export(shown.folder, target)
  finally:
    launcher.stop()


class _Shown:
  """What the user sees of the trials: a line an event, and a live part."""

  def __init__(
    self, folder: pathlib.Path, count: int, console: rich.console.Console
  ):
    self.folder = folder
    self._console, self._count, self._done = console, count, 0
    self._started: set[pathlib.Path] = set()
    self._live = rich.live.Live(
      console=console, transient=True, refresh_per_second=4
    )

  def __enter__(self) -> _Shown:
    if self._console.is_terminal:
      self._live.start()
    return self

  def __exit__(self, *_) -> None:
    self._live.stop()

  def running(self, launcher: launch.Launcher) -> None:
    """Shows what runs now."""
    if self._console.is_terminal:
      self._live.update(self._text(launcher))
      return
    for task, _ in launcher.running:
      if task.folder not in self._started:
        self._started.add(task.folder)
        self._console.print(f'start {task.folder.relative_to(self.folder)}')

  def ended(self, ended: launch.Ended) -> None:
    """Says how a trial ended.

    Raises:
      UserError: if it could not start because of a mistake of the user's, which
        ends the experiment.
    """
    self._done += 1
    trial = self._trial(ended.task)
    log = ended.task.folder / 'trial.log'
    if ended.status == 2:
      raise errors.UserError(_last_line(log))
    if trial.result is not None:
      outcome = layout.Outcome(trial.result['outcome'])
      text = f'{outcome:<8} {status.describe(trial)}'
      if outcome.failed:
        text += f': {trial.result["message"]} (see {log})'
    elif ended.status == launch.STOPPED:
      text = 'stopped, can be continued'
    else:
      text = (
        f'error: it ended with status {ended.status} and no result (see {log})'
      )
    count = f'[{self._done}/{self._count}]'
    self._console.print(f'{count} {trial.folder}: {text}', markup=False)

  def _trial(self, task: launch.Task) -> status.TrialStatus:
    """The state of a task's trial."""
    return status.read_trial(self.folder, task.folder.relative_to(self.folder))

  def _text(self, launcher: launch.Launcher) -> rich.text.Text:
    """One line a running trial."""
    lines = []
    for task, _ in launcher.running:
      trial = self._trial(task)
      state = status.describe(trial) if trial.progress else 'starting'
      lines.append(f'{trial.folder}: {state}')
    if launcher.waiting:
      lines.append(f'{launcher.waiting} more waiting')
    return rich.text.Text('\n'.join(lines), no_wrap=True, overflow='ellipsis')


def _summary(
  config: config_lib.Config,
  folder: pathlib.Path,
  jobs: Sequence[jobs_lib.Job],
  console: rich.console.Console,
) -> int:
  """Counts the outcomes."""
  outcomes = collections.Counter(
    _outcome(folder, job) or layout.Outcome.ERROR for job in jobs
  )
  text = ', '.join(f'{n} {name}' for name, n in sorted(outcomes.items()))
  console.print(f'{len(jobs)} trials: {text}')
  failed = sum(n for outcome, n in outcomes.items() if outcome.failed)
  if failed:
    console.print(
      f'{failed} failed; after mending the cause run the same command with '
      '--retry'
    )
  where = shlex.quote(str(folder))
  if config.rehearsal:  # Nothing to score.
    return 1 if failed else 0
  console.print(f'next: jaxperf score {where}   jaxperf report {where}')
  return 1 if failed else 0


def _outcome(folder: pathlib.Path, job: jobs_lib.Job) -> layout.Outcome | None:
  """How a job ended, None if it has not."""
  result = files.read_json(folder / job.folder / 'result.json')
  return layout.Outcome(result['outcome']) if result else None


def _forget_failures(
  folder: pathlib.Path, jobs: Sequence[jobs_lib.Job]
) -> None:
  """Removes results of failed trials, so that they run again."""
  for job in jobs:
    outcome = _outcome(folder, job)
    if outcome is not None and outcome.failed:
      (folder / job.folder / 'result.json').unlink()


def _last_line(path: pathlib.Path) -> str:
  """The last line of a log."""
  lines = path.read_text(errors='replace').strip().splitlines()
  return lines[-1].removeprefix('jaxperf: ') if lines else f'see {path}'
