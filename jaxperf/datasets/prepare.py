# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares a data set: from raw files to a folder with a manifest."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence

import jaxperf
from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import progress as progress_lib
from jaxperf.datasets import workers as workers_lib

_SPARE = 2**26  # Bytes, for journals and the manifest.


def run(
  dataset: dataset_lib.Dataset,
  raw: pathlib.Path,
  data_dir: pathlib.Path,
  workers: int = 1,
  options: Mapping[str, str] | None = None,
) -> str:
  """Makes the folder `data_dir/NAME`, or goes on with it.

  Args:
    dataset: what to prepare.
    raw: folder of what its provider offers.
    data_dir: folder of all prepared data.
    workers: processes.
    options: the data set's own.

  Returns:
    A sentence on what is there now.

  Raises:
    UserError: for all that can be wrong with folders, disk and raw data.
  """
  options = options or {}
  if not raw.is_dir():
    raise errors.UserError(
      f'{raw} is not a folder: name the one that holds the files from '
      f'{dataset.provider}'
    )
  for key in options:
    if key not in dataset.options:
      raise errors.UserError(
        f'{dataset.name} has no option --{key}'
        f'{errors.nearest(key, dataset.options)} Its own options: '
        f'{", ".join(f"--{name}" for name in dataset.options) or "none"}.'
      )
  plan = dataset.plan(raw, options)
  folder = data_dir / dataset.name
  with _alone(folder):
    ready = _ready(dataset, plan, folder)
    if ready:
      _tidy(folder)
      return f'{folder} is prepared already: {_counted(ready.counts)}'
    _check_space(folder, plan.bytes)
    prepared.withdraw(folder)
    manifest = _prepare(dataset, plan, folder, workers)
    _tidy(folder)
  return f'{folder} is prepared: {_counted(manifest.counts)}'


def _prepare(dataset, plan, folder, workers) -> prepared.Manifest:
  """The manifest of the data set, made and written."""
  progress = progress_lib.Progress(plan.total, plan.records)
  results: list[dataset_lib.Result] = []
  try:
    for stage in plan.stages:
      results += workers_lib.run(
        dataset, stage(folder), folder, workers, progress
      )
  finally:
    progress.close()
  for left in folder.rglob('*.part'):  # Of processes that were killed.
    left.unlink()
  manifest = prepared.Manifest(
    dataset=dataset.name,
    version=dataset.version,
    parameters=dict(plan.parameters),
    counts=dataset.finish(plan, results),
    files=_final(results),
    tool=jaxperf.__version__,
    partial=plan.partial,
    tools=dict(plan.tools),
  )
  prepared.write(folder, manifest)
  return manifest


def _final(
  results: Sequence[dataset_lib.Result],
) -> tuple[prepared.File, ...]:
  """Files that stay, sorted by name."""
  files = sorted(file for result in results for file in result.files)
  return tuple(
    file for file in files if pathlib.Path(file.name).parts[0] != prepared.WORK
  )


def _tidy(folder: pathlib.Path) -> None:
  """Removes what only the preparation has needed."""
  if (folder / prepared.WORK).is_dir():
    shutil.rmtree(folder / prepared.WORK)


def _ready(dataset, plan, folder) -> prepared.Manifest | None:
  """The manifest that is there, if nothing is left to do.

  Raises:
    UserError: if the folder holds data of another version or parameters.
  """
  if not prepared.is_complete(folder):
    return None
  old = prepared.read(folder, dataset.version)
  if old.parameters != plan.parameters:
    different = [
      f'{key} {value!r} instead of {plan.parameters.get(key)!r}'
      for key, value in old.parameters.items()
      if value != plan.parameters.get(key)
    ]
    raise errors.UserError(
      f'{folder} was prepared with other parameters ({"; ".join(different)}): '
      'choose another folder, or remove its manifest.json to make anew what '
      'depends on them'
    )
  whole = not old.partial and not prepared.problems(folder, old)
  return old if whole else None


@contextlib.contextmanager
def _alone(folder: pathlib.Path) -> Iterator[None]:
  """Makes the folder and keeps other processes from preparing it.

  Raises:
    UserError: if it cannot be written to, or is being prepared.
  """
  try:
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / 'lock').open('a')
  except OSError as error:
    raise errors.UserError(
      f'{folder} cannot be written to ({error.strerror}): name a folder that '
      'can, --to=DIR'
    ) from None
  with lock:
    try:
      fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      raise errors.UserError(
        f'{folder} is being prepared by another process: wait for it'
      ) from None
    yield
    (folder / 'lock').unlink()


def _check_space(folder: pathlib.Path, size: int) -> None:
  """Refuses to start what the disk cannot hold.

  Args:
    folder: of the data set; what it holds already is not needed again.
    size: bytes of the prepared data.

  Raises:
    UserError: with the bytes needed and free.
  """
  needed, free = size - _held(folder), shutil.disk_usage(folder).free
  if needed > 0 and needed + _SPARE > free:
    raise errors.UserError(
      f'{folder} needs {needed / 1e9:,.1f} GB more and its disk has '
      f'{free / 1e9:,.1f} GB free: make room or name another folder, --to=DIR'
    )


def _held(folder: pathlib.Path) -> int:
  """Bytes of the files that are there and complete."""
  held = 0
  for place, _, names in os.walk(folder):
    for name in names:
      # Workers of a start that was killed may remove files until they notice.
      with contextlib.suppress(FileNotFoundError):
        if not name.endswith('.part'):
          held += os.stat(os.path.join(place, name)).st_size
  return held


def _counted(counts: Mapping[str, int]) -> str:
  """Counts for people.

  >>> _counted({'train': 1000, 'test': 20})
  '1,000 train, 20 test'
  """
  return ', '.join(f'{count:,} {name}' for name, count in counts.items())
