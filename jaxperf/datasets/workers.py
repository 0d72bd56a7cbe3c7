# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Units of work in processes of their own, which end with this one."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import signal
from collections.abc import Iterable, Iterator
from multiprocessing import connection
from typing import Any

from jaxperf import errors
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from jaxperf.datasets import progress as progress_lib


def run(
  dataset: dataset_lib.Dataset,
  units: Iterable[dataset_lib.Unit],
  folder: pathlib.Path,
  workers: int,
  progress: progress_lib.Progress,
) -> list[dataset_lib.Result]:
  """Prepares units, some at once, in the order given.

  Args:
    dataset: whose units they are.
    units: may be lazy; the next is taken when a worker is free.
    folder: of the data set.
    workers: processes; with 1 all is done in this process.
    progress: told of records as they are done.

  Raises:
    UserError: at the first unit that is refused; finished files stay.
  """
  if workers == 1:
    return [_in_process(dataset, unit, folder, progress) for unit in units]
  with _Pool(dataset, folder, workers) as pool:
    return list(pool.results(units, progress))


def _in_process(dataset, unit, folder, progress) -> dataset_lib.Result:
  """The result of one unit, made here."""
  progress.start(unit.name)
  result = prepare(dataset, unit, folder, progress.add)
  progress.end(unit.name)
  return result


def prepare(
  dataset: dataset_lib.Dataset,
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  report: dataset_lib.Report,
) -> dataset_lib.Result:
  """The result of one unit: from its journal as far as it goes.

  Raises:
    UserError: if the raw data is bad (nothing of the unit is kept), or the disk
      is.
  """
  try:
    with journal_lib.Journal(folder, unit.name, unit.origin) as journal:
      if journal.counts is not None:
        report(unit.records, True)
      else:
        try:
          dataset.prepare(unit, folder, journal, report)
        except errors.UserError:
          journal.discard()
          raise
      return dataset_lib.Result(
        unit.name, tuple(journal.files), journal.counts or {}
      )
  except OSError as error:
    raise errors.UserError(
      f'{unit.name} could not be prepared ({error}): mend that, then the same '
      'command goes on'
    ) from None


class _Pool:
  """Processes that each do one unit after another."""

  def __init__(
    self, dataset: dataset_lib.Dataset, folder: pathlib.Path, workers: int
  ):
    # Spawned: forked ones would keep pipes open that tell of this one's end.
    context = multiprocessing.get_context('spawn')
    self._processes = {}
    for _ in range(workers):
      ours, theirs = context.Pipe()
      process = context.Process(
        target=_work, args=(theirs, dataset, folder), daemon=True
      )
      process.start()
      theirs.close()
      self._processes[ours] = process

  def __enter__(self) -> _Pool:
    return self

  def __exit__(self, *_) -> None:
    for pipe, process in self._processes.items():
      pipe.close()
      process.terminate()
    for process in self._processes.values():
      process.join()

  def results(
    self, units: Iterable[dataset_lib.Unit], progress: progress_lib.Progress
  ) -> Iterator[dataset_lib.Result]:
    """Results as they come.

    Raises:
      UserError: if a unit is refused or a process dies.
    """
    waiting = iter(units)
    busy: dict[Any, str] = {}
    for pipe in self._processes:
      self._start(pipe, waiting, busy, progress)
    while busy:
      for pipe in connection.wait(list(busy)):
        kind, content = self._receive(pipe, busy[pipe])
        if kind == 'error':
          raise errors.UserError(content)
        if kind == 'report':
          progress.add(*content)
          continue
        progress.end(busy.pop(pipe))
        yield content
        self._start(pipe, waiting, busy, progress)

  def _start(self, pipe, waiting, busy, progress) -> None:
    """Gives a process the next unit, if there is one."""
    unit = next(waiting, None)
    if unit is not None:
      busy[pipe] = unit.name
      progress.start(unit.name)
      pipe.send(unit)

  def _receive(self, pipe, unit: str) -> tuple[str, Any]:
    try:
      return pipe.recv()
    except EOFError:
      self._processes[pipe].join()
      raise errors.UserError(
        f'the process that prepared {unit} ended with status '
        f'{self._processes[pipe].exitcode}, perhaps for want of memory: run '
        'the same command again with fewer --workers'
      ) from None


def _work(pipe, dataset, folder) -> None:
  """What a process does: units, until its parent is gone."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent decides.
  try:
    while True:
      unit = pipe.recv()
      try:
        result = prepare(
          dataset, unit, folder, lambda *count: pipe.send(('report', count))
        )
      except errors.UserError as error:
        pipe.send(('error', str(error)))
      else:
        pipe.send(('result', result))
  except (EOFError, BrokenPipeError, ConnectionResetError):
    os._exit(1)
