# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The packed files: verified against the manifest, then cut into arrays.

A file is the xz compression of its arrays' bytes, one after the other, in the
order, dtype and shape that `manifest.json` gives. The manifest also holds the
SHA-256 of each file, where it comes from, and its licence.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxperf import errors

FOLDER = pathlib.Path(__file__).parent
SPLITS = ('train', 'validation', 'test')


@functools.cache
def manifest() -> dict[str, dict]:
  """What ships: name of a data set -> its entry in `manifest.json`."""
  path = FOLDER / 'manifest.json'
  try:
    return json.loads(path.read_text('utf-8'))
  except (OSError, ValueError) as error:
    raise errors.UserError(
      f'{path} is missing or damaged ({error}): install jaxperf again.'
    ) from error


def split_slices(name: str) -> dict[str, slice]:
  """Where each split lies in arrays that hold one split after the other."""
  slices, start = {}, 0
  for split in SPLITS:
    count = manifest()[name]['splits'][split]
    slices[split] = slice(start, start + count)
    start += count
  return slices


def spread_rows(name: str) -> dict[str, np.ndarray]:
  """Indices of each split's rows, spread: see `spread`."""
  return {
    split: rows.start + spread(rows.stop - rows.start)
    for split, rows in split_slices(name).items()
  }


def spread(count: int) -> np.ndarray:
  """The indices 0 .. count - 1 in an order whose prefixes are fair samples.

  Multiples, modulo `count`, of a step near count / golden ratio and coprime
  to it: any prefix covers the whole range evenly. For files that are packed
  in order of time or of pages, which packs better.
  """
  step = max(1, round(count * (math.sqrt(5) - 1) / 2))
  while math.gcd(step, count) > 1:
    step += 1
  return np.arange(count) * step % count


def read(name: str, folder: pathlib.Path = FOLDER) -> dict[str, np.ndarray]:
  """The arrays of one packed file, read-only, in the order of the manifest.

  Args:
    name: of the data set, e.g. `'clicks'`.
    folder: where the packed file lies.

  Raises:
    UserError: if the file is missing or does not have the manifest's SHA-256
      (the message names the file and the command that makes it again), or if
      this Python has no lzma module.
  """
  entry = manifest()[name]
  content = _decompress(_verified_bytes(name, folder / entry['file']))
  arrays, offset = {}, 0
  for array in entry['arrays']:
    count = int(np.prod(array['shape']))
    dtype = np.dtype(array['dtype'])
    arrays[array['name']] = np.frombuffer(
      content, dtype, count, offset
    ).reshape(array['shape'])
    offset += count * dtype.itemsize
  return arrays


def frozen(value: Any) -> Any:
  """The same value, whose arrays nobody can write into by accident.

  Args:
    value: an array, or a mapping, list, tuple or dataclass of such values.
  """
  if isinstance(value, np.ndarray):
    value.flags.writeable = False
  elif isinstance(value, Mapping):
    frozen(list(value.values()))
  elif isinstance(value, (list, tuple)):
    for part in value:
      frozen(part)
  elif dataclasses.is_dataclass(value):
    frozen(vars(value))
  return value


def lines(array: np.ndarray) -> list[str]:
  """Text that is packed as the bytes of UTF-8 lines."""
  return array.tobytes().decode('utf-8').split('\n')


def _verified_bytes(name: str, path: pathlib.Path) -> bytes:
  """The packed file's bytes, if they are the ones of the manifest."""
  rebuild = (
    'Install jaxperf again, or rebuild the file: '
    f'`python -m calibration.data.build {name} --downloads=DIR`.'
  )
  try:
    packed = path.read_bytes()
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read ({error.strerror}). {rebuild}'
    ) from error
  found = hashlib.sha256(packed).hexdigest()
  expected = manifest()[name]['sha256']
  if found != expected:
    raise errors.UserError(
      f'{path} is damaged: its SHA-256 begins with {found[:12]}, '
      f'expected {expected[:12]}. {rebuild}'
    )
  return packed


def _decompress(packed: bytes) -> bytes:
  """The content of an xz file."""
  try:
    import lzma  # Here, because some builds of Python lack it.
  except ImportError as error:
    raise errors.UserError(
      'the mini data is packed with xz, and this Python was built without the '
      'lzma module: use another Python, or rebuild this one with liblzma.'
    ) from error
  return lzma.decompress(packed)
