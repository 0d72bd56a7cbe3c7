# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reference numbers: where they are, and parameters made from their paths."""

import functools
import json
import os
import pathlib
import zlib
from collections.abc import Mapping

import numpy as np

FOLDER = pathlib.Path(
  os.environ.get('JAXPERF_FIXTURES') or pathlib.Path(__file__).parent / 'data'
)


@functools.cache
def arrays(name: str) -> Mapping[str, np.ndarray]:
  """The arrays of `NAME.npz`."""
  with np.load(FOLDER / f'{name}.npz') as file:
    return dict(file)


@functools.cache
def index(base: str, folder: pathlib.Path = FOLDER) -> Mapping:
  """The whole index file that describes the base workload `base`.

  Raises:
    KeyError: if no index in the folder describes it.
  """
  files = sorted(folder.glob('index_*.json'))
  for file in files:
    content = json.loads(file.read_text())
    if base in content['workloads']:
      return content
  names = [file.name for file in files]
  raise KeyError(f'{base} is in none of {names} in {folder}')


def stored_part(text: str) -> tuple[slice, ...]:
  """Which part of an array is stored: `'full'`, or a slice as in numpy.

  >>> stored_part('[:, ::8]')
  (slice(None, None, None), slice(None, None, 8))
  """
  if text == 'full':
    return ()
  return tuple(
    slice(*(int(number) if number else None for number in axis.split(':')))
    for axis in text.strip('[]').replace(' ', '').split(',')
  )


def fill(path: str, shape: tuple[int, ...], salt: str) -> np.ndarray:
  """A parameter made from its path: same rule as the reference numbers."""
  seed = zlib.crc32((salt + path).encode()) & 0xFFFFFFFF
  normal = np.random.Generator(np.random.PCG64(seed)).standard_normal(
    tuple(shape), dtype=np.float32
  )
  leaf = path.split('/')[-1]
  if path.startswith('batch_stats/'):
    small = np.float32(0.1)
    if leaf == 'mean':
      return small * normal
    return np.float32(1) + small * np.abs(normal)
  if len(shape) >= 2:
    return normal * np.float32(1 / np.sqrt(float(np.prod(shape[:-1]))))
  if leaf == 'scale':
    return np.float32(1) + np.float32(0.1) * normal
  return np.float32(0.1) * normal


def filled(
  base: str,
  leaves: list[dict],
  multipliers: Mapping[str, float] | None = None,
  folder: pathlib.Path = FOLDER,
) -> dict:
  """A nested dict of filled leaves.

  Args:
    base: the base workload, whose index gives the salt.
    leaves: an index list of `{path, shape}`.
    multipliers: path -> factor on a leaf.
    folder: of the index.
  """
  salt = index(base, folder)['fill_salt']
  tree: dict = {}
  for leaf in leaves:
    value = fill(leaf['path'], leaf['shape'], salt)
    value = value * np.float32((multipliers or {}).get(leaf['path'], 1))
    *parents, name = leaf['path'].split('/')
    node = tree
    for parent in parents:
      node = node.setdefault(parent, {})
    node[name] = value
  return tree
