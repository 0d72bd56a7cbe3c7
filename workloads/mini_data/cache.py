# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Derived arrays, kept between runs in the user's cache folder.

A set of arrays is one folder of `.npy` files and an index of their SHA-256.
Its name holds a digest of everything that the arrays depend on, so a stale
one is never read. Folders appear by one rename, so several processes may
start at once; whoever comes second uses what is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping

import numpy as np

from jaxperf import cache as cache_lib
from workloads.mini_data import files

_INDEX = 'index.json'


def cached(
  name: str,
  depends_on: tuple[str, ...],
  compute: Callable[[], Mapping[str, np.ndarray]],
) -> dict[str, np.ndarray]:
  """Arrays that `compute` makes, memory-mapped read-only from the cache.

  They are computed if the cache has none that were made from `depends_on` or
  if a file in it is damaged. Without a writable cache folder they are computed
  and kept in memory, with a warning.

  Args:
    name: of the set of arrays, a valid file name.
    depends_on: what the arrays are made from: hashes of packed files, and a
      version that changes with the code.
    compute: makes the arrays from their names on; none of them of object type.
  """
  digest = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:16]
  folder = cache_lib.folder('mini') / f'{name}-{digest}'
  arrays = _load(folder)
  if arrays is not None:
    return arrays
  made = dict(compute())
  try:
    _store(folder, made)
    _drop_others(folder, name)
  except OSError as error:
    warnings.warn(
      f'{folder} cannot be written ({error.strerror}): {name} is computed '
      'again in each process. Set XDG_CACHE_HOME to a writable folder.',
      stacklevel=3,
    )
    return files.frozen(made)
  return _load(folder) or files.frozen(made)


def _load(folder: pathlib.Path) -> dict[str, np.ndarray] | None:
  """The arrays in a folder, or None if it is missing or damaged."""
  try:
    index = json.loads((folder / _INDEX).read_text('utf-8'))
    for name, digest in index.items():
      if _digest(folder / f'{name}.npy') != digest:
        return None
    return {
      name: np.load(folder / f'{name}.npy', mmap_mode='r') for name in index
    }
  except (OSError, ValueError):
    return None


def _store(folder: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
  """Writes a folder beside its final place and moves it there."""
  folder.parent.mkdir(parents=True, exist_ok=True)
  _drop_abandoned(folder.parent)
  with tempfile.TemporaryDirectory(
    prefix=f'.part-{os.getpid()}-',
    dir=folder.parent,
    ignore_cleanup_errors=True,
  ) as scratch:
    part = pathlib.Path(scratch) / 'new'
    part.mkdir()
    for name, array in arrays.items():
      np.save(part / f'{name}.npy', array, allow_pickle=False)
    index = {name: _digest(part / f'{name}.npy') for name in arrays}
    (part / _INDEX).write_text(json.dumps(index), 'utf-8')
    if folder.exists() and _load(folder) is None:
      os.rename(folder, pathlib.Path(scratch) / 'damaged')
    try:
      os.rename(part, folder)
    except OSError:
      if _load(folder) is None:  # Else another process was faster.
        raise


def _drop_abandoned(parent: pathlib.Path) -> None:
  """Deletes what processes that were killed were writing."""
  for part in parent.glob('.part-*'):
    try:
      os.kill(int(part.name.split('-')[1]), 0)
    except ProcessLookupError:
      shutil.rmtree(part, ignore_errors=True)
    except PermissionError:
      continue  # Alive, and somebody else's.


def _drop_others(folder: pathlib.Path, name: str) -> None:
  """Deletes what earlier versions left under the same name."""
  for other in folder.parent.glob(f'{name}-*'):
    if other != folder:
      shutil.rmtree(other, ignore_errors=True)


def _digest(path: pathlib.Path) -> str:
  """SHA-256 of a file."""
  with path.open('rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()
