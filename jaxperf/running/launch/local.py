# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs trials as processes on this machine, a few at a time."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

_POLL_S = 0.2
_GRACE_S = 60.0  # For a child to save its state after SIGTERM.
# Pages of 2 MiB for large blocks: on a CPU, steps that take and give back their
# arrays would else spend up to a quarter of their time on page faults.
_HUGE_PAGES = {'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1'}


class Process(NamedTuple):
  """A trial that runs.

  Attributes:
    folder: of the trial.
    popen: its process.
    slot: which of the `max_parallel` places it has.
  """

  folder: pathlib.Path
  popen: subprocess.Popen
  slot: int


class Launcher:
  """A pool of trial processes; ends its children when it is closed.

  With several places and `CUDA_VISIBLE_DEVICES` set, each place gets an equal
  share of those devices.
  """

  def __init__(self, max_parallel: int):
    self._max_parallel = max_parallel
    self._running: list[Process] = []

  @property
  def running(self) -> Sequence[Process]:
    """Trials that run now."""
    return tuple(self._running)

  def start(self, command: Sequence[str], folder: pathlib.Path) -> None:
    """Starts a trial; its output goes to `trial.log` in its folder."""
    taken = {process.slot for process in self._running}
    slot = min(set(range(self._max_parallel)) - taken)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'trial.log').open('a') as log:
      popen = subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=_HUGE_PAGES
        | os.environ
        | _visible_devices(slot, self._max_parallel),
        start_new_session=True,  # Ctrl-C reaches the parent alone.
      )
    self._running.append(Process(folder, popen, slot))

  def full(self) -> bool:
    """Whether another trial would have to wait."""
    return len(self._running) >= self._max_parallel

  def ended(self) -> list[Process]:
    """Trials that have ended since the last call; waits a moment."""
    time.sleep(_POLL_S)
    done = [p for p in self._running if p.popen.poll() is not None]
    self._running = [p for p in self._running if p.popen.returncode is None]
    return done

  def close(self, progress: Callable[[], None] = lambda: None) -> None:
    """Asks the children to save and end; kills those that do not.

    Args:
      progress: called while waiting.
    """
    for process in self._running:
      _signal(process, signal.SIGTERM)
    waited = 0.0
    while any(p.popen.poll() is None for p in self._running):
      time.sleep(_POLL_S)
      waited += _POLL_S
      progress()
      if waited > _GRACE_S:
        for process in self._running:
          _signal(process, signal.SIGKILL)
    self._running = []


def _signal(process: Process, number: int) -> None:
  """Sends a signal to a child and to whatever it started."""
  with contextlib.suppress(ProcessLookupError):
    os.killpg(process.popen.pid, number)


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
