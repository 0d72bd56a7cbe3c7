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
_INDEX_FILES = (
  'index_vision_tabular_graph.json',
  'index_speech_translation.json',
)


@functools.cache
def arrays(name: str) -> Mapping[str, np.ndarray]:
  """The arrays of `NAME.npz`."""
  with np.load(FOLDER / f'{name}.npz') as file:
    return dict(file)


@functools.cache
def index(base: str) -> Mapping:
  """The whole index file that describes the base workload `base`."""
  for name in _INDEX_FILES:
    content = json.loads((FOLDER / name).read_text())
    if base in content['workloads']:
      return content
  raise KeyError(f'{base} is in none of {_INDEX_FILES} in {FOLDER}')


def fill(path: str, shape: tuple[int, ...], salt: str = '') -> np.ndarray:
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
  leaves: list[dict],
  multipliers: Mapping[str, float] | None = None,
  salt: str = '',
) -> dict:
  """A nested dict of filled leaves, from an index list of `{path, shape}`."""
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
