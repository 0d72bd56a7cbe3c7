# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the user sees of the trials of an experiment while it runs."""

from __future__ import annotations

import pathlib
import shutil
import signal

import rich.console
import rich.live
import rich.text

from jaxperf import errors
from jaxperf.records import claims, layout, status
from jaxperf.running import launch

_FULL_BYTES = 2**16  # Less is left, in units of whole blocks, when it is full.


class Shown:
  """A line an event, and a live part."""

  def __init__(
    self, folder: pathlib.Path, count: int, console: rich.console.Console
  ):
    self.folder = folder
    self._console, self._count, self._done = console, count, 0
    self._started: set[pathlib.Path] = set()
    self._live = rich.live.Live(
      console=console, transient=True, refresh_per_second=4
    )

  def __enter__(self) -> Shown:
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

  def elsewhere(self, task: launch.Task) -> None:
    """Says who else runs a trial, which is waited for."""
    name = task.folder.relative_to(self.folder)
    who = claims.owner(task.folder) or 'another process'
    self._console.print(
      f'{name}: is being run by {who}; waiting for it', markup=False
    )

  def lost(self, ended: launch.Ended) -> None:
    """Says that a trial was lost, and is started again."""
    name = ended.task.folder.relative_to(self.folder)
    self._started.discard(ended.task.folder)
    self._console.print(f'{name}: {_lost(ended)}; started again', markup=False)

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
      raise errors.UserError(_full(ended.task) or _last_line(log))
    if trial.result is not None:
      outcome = layout.Outcome(trial.result['outcome'])
      text = f'{outcome:<8} {status.describe(trial)}'
      if outcome.failed:
        text += f': {trial.result["message"]} (see {log})'
    elif ended.status == launch.STOPPED:
      text = 'stopped, can be continued'
    else:
      text = f'error: {_end(ended)} (see {log})'
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


def _end(ended: launch.Ended) -> str:
  """How a process ended that left no result."""
  if full := _full(ended.task):
    return full
  return f'{_lost(ended)}; started again, it goes on'


def _lost(ended: launch.Ended) -> str:
  """How a process ended."""
  if ended.status is not None and ended.status < 0:
    return f'its process was ended by {signal.Signals(-ended.status).name}'
  return (
    f'its process ended with status {ended.status} and left no result, as '
    'after os._exit or a crash'
  )


def _full(task: launch.Task) -> str | None:
  """That the disk is full, if it is."""
  if shutil.disk_usage(task.folder).free > _FULL_BYTES:
    return None
  return f'the disk of {task.folder} is full: free some space, and start again'


def _last_line(path: pathlib.Path) -> str:
  """The last line of a log."""
  lines = path.read_text('utf-8', 'replace').strip().splitlines()
  return lines[-1].removeprefix('jaxperf: ') if lines else f'see {path}'
