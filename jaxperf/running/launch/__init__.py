# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The launcher contract: start tasks, say which have ended, stop.

A launcher is a module of this package with a function `make(config)`; the
config key `launcher` names it. The unit of work is a command line, and truth is
the trial's folder: a launcher may forget everything when it ends.
"""

from __future__ import annotations

import importlib
import pathlib
import pkgutil
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jaxperf import errors
from jaxperf.running import resources as resources_lib

# Exit statuses of a trial.
STOPPED = 75  # It saved its state, or lost its peers, and can go on.
TAKEN = 76  # Another process runs it.
# Pages of 2 MiB for large blocks: on a CPU, steps that take and give back their
# arrays would else spend up to a quarter of their time on page faults.
HUGE_PAGES = {'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1'}


COMMANDS = 'commands'  # Starts nothing: the command lines are printed.


class Task(NamedTuple):
  """A trial to run.

  Attributes:
    folder: of the trial; what the command prints goes to `trial.log` in it.
    command: words of the command line; the last two are the results folder and
      the trial's folder below it.
    resources: what it asks of a cluster.
    limit_s: wall seconds that it may take, None if that is not known.
  """

  folder: pathlib.Path
  command: Sequence[str]
  resources: resources_lib.Resources = resources_lib.Resources()
  limit_s: float | None = None


class Running(NamedTuple):
  """A task that runs.

  Attributes:
    task: what was started.
    place: where, for people: `place 1 of 2`, a host, a job of a scheduler.
  """

  task: Task
  place: str


class Ended(NamedTuple):
  """A task that has ended.

  Attributes:
    task: what was started.
    status: exit status of its process; None if that is not known.
    out_of_memory: whether the system ended it for want of host memory.
  """

  task: Task
  status: int | None
  out_of_memory: bool = False

  @property
  def lost(self) -> bool:
    """Whether its process ended in a way that a trial does not choose."""
    chosen = (None, 0, 1, 2, STOPPED, TAKEN)
    return self.status not in chosen and not self.out_of_memory


class Launcher(Protocol):
  """Runs tasks somewhere; does not know what is in them.

  Attributes:
    detached: tasks go on without this process; those that another one has
      started are followed like its own.
  """

  detached: bool

  def start(self, tasks: Sequence[Task]) -> None:
    """Takes tasks over: starts what has a place, keeps the others waiting."""

  @property
  def running(self) -> Sequence[Running]:
    """Tasks that run now."""

  @property
  def waiting(self) -> int:
    """Number of tasks that have no place yet."""

  def ended(self) -> list[Ended]:
    """Tasks that have ended since the last call; waits a moment."""

  def stop(self) -> None:
    """Asks what runs to save and end, and waits for it; drops what waits.

    One whose tasks are detached leaves them alone.
    """


def names() -> list[str]:
  """Names of the launchers."""
  return sorted(module.name for module in pkgutil.iter_modules(__path__))


def make(config) -> Launcher:
  """The launcher that a config names.

  Args:
    config: a `config.Config`.

  Raises:
    UserError: if there is none of that name.
  """
  known = [*names(), COMMANDS]
  if config.launcher not in known:
    raise errors.UserError(
      f'config.launcher is {config.launcher!r}'
      f'{errors.nearest(config.launcher, known)} Expected one of '
      f'{", ".join(known)}.'
    )
  module = importlib.import_module(f'{__name__}.{config.launcher}')
  return module.make(config)
