# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Checks prepared data: against its manifest, then by what it should hold."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import progress as progress_lib
from jaxperf.datasets import show as show_lib


def run(
  dataset: dataset_lib.Dataset,
  folder: pathlib.Path,
  deep: bool,
  say: Callable[[str], None],
) -> bool:
  """Whether all is well with the data in a folder.

  Args:
    dataset: whose folder it is.
    folder: of the data set.
    deep: also read every byte and compare the hashes.
    say: told each finding, a line.

  Raises:
    UserError: if there is no manifest of this version.
  """
  manifest = prepared.read(folder, dataset.version)
  fine = True
  for good, sentence in _findings(dataset, folder, manifest, deep):
    say(f'{"ok  " if good else "BAD "} {sentence}')
    fine &= good
  return fine


def show(
  dataset: dataset_lib.Dataset, folder: pathlib.Path, path: pathlib.Path
) -> None:
  """Draws the first examples of each split.

  Args:
    dataset: whose folder it is; one that has pictures.
    folder: of the data set.
    path: of the PNG.

  Raises:
    UserError: if examples cannot be read or the PNG cannot be written.
  """
  manifest = prepared.read(folder, dataset.version)
  try:
    show_lib.draw(dataset.pictures(folder, manifest), path)
  except OSError as error:
    raise errors.UserError(f'{path} cannot be drawn: {error}') from None


def _findings(dataset, folder, manifest, deep) -> Iterator[tuple[bool, str]]:
  """One after the other; what needs the files only if they are there."""
  size = sum(file.bytes for file in manifest.files)
  part = ', of a part of the raw data' if manifest.partial else ''
  yield (
    not manifest.partial,
    f'manifest: {len(manifest.files)} files, {size / 1e9:,.3f} GB, prepared by '
    f'jaxperf {manifest.tool}{part}',
  )
  wrong = prepared.problems(folder, manifest)
  yield from ((False, f'{sentence}: prepare again') for sentence in wrong)
  if not wrong:
    yield True, 'files: all there, in their sizes'
  if deep:
    yield from _hashes(folder, manifest)
  if wrong:
    return
  try:
    yield from dataset.check(folder, manifest, deep)
  except errors.UserError as error:
    yield False, str(error)


def _hashes(folder, manifest) -> Iterator[tuple[bool, str]]:
  """Compares the hash of every file."""
  progress = progress_lib.Progress(
    sum(file.bytes for file in manifest.files) // 10**6, 'MB'
  )
  damaged = 0
  for file in manifest.files:
    path = folder / file.name
    if not path.is_file():
      continue
    found = prepared.sha256(path)
    progress.add(file.bytes // 10**6)
    if found != file.sha256:
      damaged += 1
      yield (
        False,
        f'{path} is damaged: its SHA-256 is {found[:16]}..., expected '
        f'{file.sha256[:16]}...: remove this file and prepare again',
      )
  progress.close()
  if not damaged:
    yield True, 'SHA-256: of every file as in the manifest'
