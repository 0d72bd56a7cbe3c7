# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs trials as processes on this machine, a few at a time."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from jaxperf import errors
from jaxperf.running import launch

_POLL_S = 0.2
_GRACE_S = 60.0  # For a child to save its state after SIGTERM.


def make(config) -> Local:
  """A launcher with `config.max_parallel` places."""
  return Local(config.max_parallel)


class _Child(NamedTuple):
  """A task, its process, its place, and the system's kills before it."""

  task: launch.Task
  popen: subprocess.Popen
  slot: int
  kills: int


class Local:
  """A pool of processes; see `launch.Launcher`.

  With several places and `CUDA_VISIBLE_DEVICES` set, each place gets an equal
  share of those devices.
  """

  detached = False

  def __init__(self, places: int):
    self._places = places
    self._waiting: collections.deque[launch.Task] = collections.deque()
    self._children: list[_Child] = []

  def start(self, tasks: Sequence[launch.Task]) -> None:
    """Takes tasks over: starts what has a place, keeps the others waiting."""
    for task in tasks:
      if task.resources.processes > 1:
        raise errors.UserError(
          'config.launcher is local, which gives a trial one process with all '
          'devices: leave nodes and processes_per_node at 1, or choose '
          '--config.launcher=slurm or commands'
        )
    self._waiting.extend(tasks)
    self._fill()

  @property
  def running(self) -> Sequence[launch.Running]:
    """Tasks that run now."""
    return [
      launch.Running(child.task, f'place {child.slot + 1} of {self._places}')
      for child in self._children
    ]

  @property
  def waiting(self) -> int:
    """Number of tasks that have no place yet."""
    return len(self._waiting)

  def ended(self) -> list[launch.Ended]:
    """Tasks that have ended since the last call; waits a moment."""
    time.sleep(_POLL_S)
    done = [c for c in self._children if c.popen.poll() is not None]
    self._children = [c for c in self._children if c not in done]
    for child in done:  # What it started and left behind ends with it.
      _signal(child, signal.SIGKILL)
    self._fill()
    return [
      launch.Ended(
        c.task,
        c.popen.returncode,
        c.popen.returncode == -signal.SIGKILL and _memory_kills() > c.kills,
      )
      for c in done
    ]

  def stop(self) -> None:
    """Asks the children to save and end; kills those that do not."""
    self._waiting.clear()
    self._signal(signal.SIGTERM)
    waited = 0.0
    while any(child.popen.poll() is None for child in self._children):
      time.sleep(_POLL_S)
      waited += _POLL_S
      if waited > _GRACE_S:
        self._signal(signal.SIGKILL)
    self._children = []

  def _fill(self) -> None:
    """Starts waiting tasks as long as there are places."""
    while self._waiting and len(self._children) < self._places:
      task = self._waiting.popleft()
      taken = {child.slot for child in self._children}
      slot = min(set(range(self._places)) - taken)
      kills = _memory_kills()
      popen = _start(task, _visible_devices(slot, self._places))
      self._children.append(_Child(task, popen, slot, kills))

  def _signal(self, number: int) -> None:
    """Sends a signal to all children."""
    for child in self._children:
      _signal(child, number)


def _signal(child: _Child, number: int) -> None:
  """Sends a signal to a child and to whatever it started."""
  with contextlib.suppress(ProcessLookupError):
    os.killpg(child.popen.pid, number)


def _memory_kills() -> int:
  """How many processes Linux has ended for want of memory."""
  with contextlib.suppress(OSError), open('/proc/vmstat') as file:
    for line in file:
      name, _, count = line.partition(' ')
      if name == 'oom_kill':
        return int(count)
  return 0


def _start(task: launch.Task, variables: dict[str, str]) -> subprocess.Popen:
  """Starts a process whose output goes to the trial's log."""
  try:
    log = (task.folder / 'trial.log').open('a')
  except FileNotFoundError:
    raise errors.UserError(
      f'{task.folder} is gone: if it was moved, go on with the same command '
      'and the new --workdir'
    ) from None
  with log:
    return subprocess.Popen(
      task.command,
      stdout=log,
      stderr=subprocess.STDOUT,
      stdin=subprocess.DEVNULL,
      env=launch.HUGE_PAGES | os.environ | variables,
      start_new_session=True,  # Ctrl-C reaches the parent alone.
    )


def _visible_devices(slot: int, slots: int) -> dict[str, str]:
  """The share of `CUDA_VISIBLE_DEVICES` of one place."""
  devices = [
    d for d in os.environ.get('CUDA_VISIBLE_DEVICES', '').split(',') if d
  ]
  if slots == 1 or not devices:
    return {}
  share = max(len(devices) // slots, 1)
  mine = devices[slot * share : (slot + 1) * share]
  return {'CUDA_VISIBLE_DEVICES': ','.join(mine or devices[-share:])}
