# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Packs arrays into one xz file, byte for byte the same each time."""

from __future__ import annotations

import hashlib
import json
import lzma
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Packed(NamedTuple):
  """One data set, ready to be written.

  Attributes:
    arrays: what the file holds, in this order, little endian.
    splits: number of examples in each split.
    literal_bits: xz's (lc, lp, pb), whichever packs these arrays best.
  """

  arrays: Mapping[str, np.ndarray]
  splits: Mapping[str, int]
  literal_bits: tuple[int, int, int] = (3, 0, 0)


def text(lines: Sequence[str]) -> np.ndarray:
  """Lines of text as the bytes of their UTF-8 encoding."""
  return np.frombuffer('\n'.join(lines).encode('utf-8'), np.uint8)


def compress(packed: Packed) -> bytes:
  """The xz file that holds the arrays one after the other."""
  lc, lp, pb = packed.literal_bits
  content = b''.join(
    np.ascontiguousarray(array, array.dtype.newbyteorder('<')).tobytes()
    for array in packed.arrays.values()
  )
  filters = [
    {
      'id': lzma.FILTER_LZMA2,
      'preset': 9 | lzma.PRESET_EXTREME,
      'lc': lc,
      'lp': lp,
      'pb': pb,
    }
  ]
  return lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC64, None, filters)


def entry(name: str, packed: Packed, content: bytes) -> dict:
  """What the manifest says about the file itself."""
  return {
    'file': f'{name}.xz',
    'sha256': hashlib.sha256(content).hexdigest(),
    'bytes': len(content),
    'splits': dict(packed.splits),
    'arrays': [
      {
        'name': key,
        'dtype': array.dtype.newbyteorder('<').str,
        'shape': list(array.shape),
      }
      for key, array in packed.arrays.items()
    ],
  }


def read_manifest(folder: pathlib.Path) -> dict:
  """The manifest in that folder; empty if there is none."""
  path = folder / 'manifest.json'
  return json.loads(path.read_text('utf-8')) if path.exists() else {}


def write(name: str, content: bytes, description: dict, folder: pathlib.Path):
  """Writes the packed file and its entry in the manifest."""
  folder.mkdir(parents=True, exist_ok=True)
  (folder / description['file']).write_bytes(content)
  manifest = read_manifest(folder) | {name: description}
  (folder / 'manifest.json').write_text(
    json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + '\n',
    'utf-8',
  )
