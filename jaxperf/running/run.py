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

from jaxperf.records import claims, files, layout, sinks, starts
from jaxperf.records import identity as recorded
from jaxperf.running import config as config_lib
from jaxperf.running import identity, launch, plan
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import shown as shown_lib


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
  planned = plan.plan(config, folder, retry, rerun)
  count, missing = len(planned.jobs), len(planned.tasks)
  console = rich.console.Console(
    highlight=False, soft_wrap=True, force_terminal=sys.stdout.isatty()
  )
  console.print(
    f'{count} trials, {count - missing} done already; results in {folder}'
  )
  for setting in recorded.unusual(identity.numerics()):
    console.print(
      f'caution: {setting} is set, which changes numbers or times; trials '
      'record it, and `jaxperf score` warns of it'
    )
  shown = shown_lib.Shown(folder, missing, console)
  following = _Following(launcher, shown, exports, config.retries)
  with _interrupted() as interrupted, shown:
    following.run(planned.tasks, interrupted)
  if interrupted():
    console.print('interrupted: the same command goes on from here')
    return 130
  return _summary(config, folder, planned.jobs, console)


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


class _Following:
  """Starts tasks and follows them to their ends."""

  def __init__(
    self,
    launcher: launch.Launcher,
    shown: shown_lib.Shown,
    exports: Sequence[tuple[sinks.Sink, str]],
    retries: int,
  ):
    self._launcher, self._shown, self._exports = launcher, shown, exports
    self._retries = retries
    self._losses: dict[pathlib.Path, starts.Starts] = {}
    self._elsewhere: list[launch.Task] = []

  def run(
    self, tasks: Sequence[launch.Task], interrupted: Callable[[], bool]
  ) -> None:
    """All of them, unless interrupted."""
    launcher = self._launcher
    if not launcher.detached:  # Those look for claims themselves.
      self._elsewhere = [t for t in tasks if claims.owner(t.folder)]
    for task in self._elsewhere:
      self._shown.elsewhere(task)
    try:
      launcher.start([task for task in tasks if task not in self._elsewhere])
      while launcher.running or launcher.waiting or self._elsewhere:
        if interrupted():
          break
        self._shown.running(launcher)
        for ended in launcher.ended():
          self._ended(ended)
        self._look_elsewhere()
    finally:
      launcher.stop()

  def _look_elsewhere(self) -> None:
    """Whether somebody else's trials have ended, or were given up."""
    free = [t for t in self._elsewhere if not claims.owner(t.folder)]
    self._elsewhere = [t for t in self._elsewhere if t not in free]
    for task in free:
      if _has_result(task):
        self._finish(launch.Ended(task, None))
      else:
        self._launcher.start([task])

  def _ended(self, ended: launch.Ended) -> None:
    """Waits for a trial that another one runs, begins a lost one again."""
    task = ended.task
    if ended.status == launch.TAKEN:
      self._shown.elsewhere(task)
      self._elsewhere.append(task)
    elif ended.lost and not _has_result(task) and self._may_begin_again(task):
      self._shown.lost(ended)
      self._launcher.start([task])
    else:
      if ended.out_of_memory and not _has_result(task):
        _note_kill(task)
      self._finish(ended)

  def _may_begin_again(self, task: launch.Task) -> bool:
    """Whether a lost trial came further, or has tries left."""
    before = self._losses.get(task.folder, starts.Starts())
    now = self._losses[task.folder] = before.next(starts.step(task.folder))
    return now.fruitless < self._retries

  def _finish(self, ended: launch.Ended) -> None:
    """Shows how a trial ended, here and elsewhere."""
    self._shown.ended(ended)
    for sink, target in self._exports:
      sink.export(self._shown.folder, target)


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
  ends = [plan.outcome(folder, job) for job in jobs]
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
