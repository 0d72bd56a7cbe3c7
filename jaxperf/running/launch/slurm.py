# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs trials as job arrays of SLURM.

Truth is in the trials' folders. `squeue` is asked so that nothing is submitted
twice, and to say what waits; where it cannot be asked the results are the same.
A trial that was submitted twice runs once: the second one finds it claimed.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from jaxperf import errors, text
from jaxperf.records import claims
from jaxperf.running import launch, sbatch

_POLL_S = 2.0
_ASK_S = 30.0  # Between two calls of `squeue`: schedulers are shared.
_GONE_S = 60.0  # Files of other hosts may appear so late.
_LARGEST = 1001  # SLURM's own default of MaxArraySize.
_RUNS = ('RUNNING', 'COMPLETING', 'STOPPED', 'SUSPENDED')


def make(config) -> Slurm:
  """A launcher that submits what it is given.

  Raises:
    UserError: if there is no SLURM here.
  """
  if shutil.which('sbatch') is None:
    raise errors.UserError(
      'config.launcher is slurm, but there is no sbatch here: start it on a '
      'login node, or print what to run with --config.launcher=commands'
    )
  return Slurm(config.max_parallel)


class Queued(NamedTuple):
  """An array task that SLURM knows.

  Attributes:
    job: as `scancel` takes it, e.g. `17_3`.
    state: as `squeue` has it, e.g. `PENDING`.
    where: hosts, or why it waits.
  """

  job: str
  state: str
  where: str

  @property
  def runs(self) -> bool:
    """Whether it has hosts."""
    return self.state in _RUNS


class Slurm:
  """Arrays of a scheduler that runs on without us; see `launch.Launcher`."""

  detached = True

  def __init__(self, max_parallel: int):
    self._max_parallel = max_parallel
    self._open: list[launch.Task] = []
    self._jobs: list[str] = []
    self._queue: dict[str, Queued] | None = None
    self._asked_at = 0.0
    self._gone: dict[pathlib.Path, float] = {}

  def start(self, tasks: Sequence[launch.Task]) -> None:
    """Submits what is not queued already, and follows all of it."""
    if not tasks:
      return
    results = _results(tasks[0])
    there = queue(results) or {}
    new = [
      task
      for task in tasks
      if task.command[-1] not in there and claims.owner(task.folder) is None
    ]
    if len(new) < len(tasks):
      count = text.plural(len(tasks) - len(new), 'trial')
      print(f'{count} queued or running already')
    self._open += tasks
    arrays = sbatch.write(results, new, self._max_parallel, _largest())
    for number, array in enumerate(arrays):
      chained = number and self._max_parallel < len(new)
      self._jobs.append(_submit(array, self._jobs[-1] if chained else None))
    self._asked_at = 0.0

  @property
  def running(self) -> Sequence[launch.Running]:
    """Tasks that run now."""
    known = self._queue or {}
    return [
      launch.Running(task, f'job {found.job} on {found.where}')
      for task in self._open
      if (found := known.get(task.command[-1])) and found.runs
    ]

  @property
  def waiting(self) -> int:
    """Number of tasks that have no place yet."""
    return len(self._open) - len(self.running)

  def ended(self) -> list[launch.Ended]:
    """Tasks that have ended since the last call; waits a moment."""
    time.sleep(_POLL_S)
    done = [
      launch.Ended(task, None)
      for task in self._open
      if (task.folder / 'result.json').exists()
    ]
    self._drop(done)
    if self._open and time.monotonic() - self._asked_at > _ASK_S:
      self._asked_at = time.monotonic()
      self._queue = queue(_results(self._open[0]))
    gone = [
      launch.Ended(t, launch.STOPPED) for t in self._open if self._left(t)
    ]
    self._drop(gone)
    return done + gone

  def stop(self) -> None:
    """Leaves what was submitted to itself."""
    if self._open:
      count = text.plural(len(self._open), 'trial')
      how = f'; end: scancel {" ".join(self._jobs)}' if self._jobs else ''
      print(f'{count} left to SLURM{how}')
    self._open = []

  def _left(self, task: launch.Task) -> bool:
    """Whether nobody has a task, for so long that files are seen."""
    name = task.command[-1]
    if (
      self._queue is None
      or name in self._queue
      or claims.owner(task.folder) is not None
    ):
      self._gone.pop(task.folder, None)
      return False
    since = self._gone.setdefault(task.folder, time.monotonic())
    return time.monotonic() - since > _GONE_S

  def _drop(self, ended: Sequence[launch.Ended]) -> None:
    done = [each.task for each in ended]
    self._open = [task for task in self._open if task not in done]


def queue(results: pathlib.Path) -> dict[str, Queued] | None:
  """What SLURM has of a results folder's trials; None if that cannot be told.

  Returns:
    Folder of a trial below the results -> its array task.
  """
  place, begin = sbatch.folder(results), sbatch.prefix(results)
  if not place.is_dir() or shutil.which('squeue') is None:
    return None
  command = ['squeue', '--me', '--noheader', '--array']
  done = subprocess.run(
    [*command, '--format=%F|%K|%T|%R|%j'], capture_output=True, text=True
  )
  if done.returncode:
    return None
  found = {}
  for line in done.stdout.splitlines():
    job, index, state, where, name = line.strip().split('|', 4)
    listed = place / f'{name.removeprefix(begin + "-")}.txt'
    if not name.startswith(f'{begin}-') or not index.isdecimal():
      continue
    if not listed.is_file():
      continue
    trial = listed.read_text().splitlines()[int(index)]
    found[trial] = Queued(f'{job}_{index}', state, where)
  return found


def _results(task: launch.Task) -> pathlib.Path:
  return pathlib.Path(task.command[-2])


def _largest() -> int:
  """How many tasks an array may have here."""
  if shutil.which('scontrol') is None:
    return _LARGEST
  done = subprocess.run(
    ['scontrol', 'show', 'config'], capture_output=True, text=True
  )
  found = re.search(r'MaxArraySize\s*=\s*(\d+)', done.stdout)
  return int(found[1]) if found else _LARGEST


def _submit(array: sbatch.Array, after: str | None) -> str:
  """Hands an array to SLURM; returns the number of its job.

  Raises:
    UserError: with what `sbatch` says, if it refuses.
  """
  chain = [f'--dependency=afterany:{after}'] if after else []
  done = subprocess.run(
    ['sbatch', '--parsable', *chain, str(array.script)],
    capture_output=True,
    text=True,
  )
  if done.returncode:
    said = ' '.join(done.stderr.split()).removeprefix('sbatch: ')
    raise errors.UserError(
      f'SLURM refuses {array.script} ({said}): options for your site go into '
      'config.slurm, e.g. --config.slurm.account=mine'
    )
  job = done.stdout.strip().split(';')[0]
  count = text.plural(len(array.tasks), 'trial')
  print(f'submitted array {job} of {count}: {array.script}', flush=True)
  return job
