# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature click logs: raw files, what is expected of them, prepared ones."""

import functools
import gzip
import json
import pathlib

import numpy as np

from jaxperf.datasets import prepare as prepare_lib
from tests import reference
from workloads.criteo1tb import check, prepare

FOLDER = reference.FOLDER / 'data' / 'criteo1tb'
RAW = FOLDER / 'raw'


@functools.cache
def expected() -> dict:
  """Counts, hashes, ids."""
  return json.loads((FOLDER / 'expected.json').read_text())


@functools.cache
def arrays() -> dict[str, np.ndarray]:
  """Rows and batches."""
  with np.load(FOLDER / 'expected.npz') as file:
    return dict(file)


def dataset(rows_per_day=None, lines_per_file=None):
  """The data set with the counts of the miniature."""
  return prepare.dataset(
    check.Published(
      lines_per_file or expected()['lines_per_file'],
      tuple(rows_per_day or expected()['rows_per_day']),
    )
  )


def prepared(folder: pathlib.Path, raw: pathlib.Path = RAW, **options) -> str:
  """Prepares the miniature in a folder."""
  return prepare_lib.run(dataset(), raw, folder, **options)


def unpacked(folder: pathlib.Path, suffix: str = '') -> pathlib.Path:
  """The raw days as text."""
  folder.mkdir()
  for path in RAW.glob('day_*.gz'):
    text = gzip.decompress(path.read_bytes())
    (folder / (path.stem + suffix)).write_bytes(text)
  return folder


def split(folder: pathlib.Path, lines_per_file: int) -> pathlib.Path:
  """The raw days as text in parts."""
  folder.mkdir()
  for path in RAW.glob('day_*.gz'):
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    for index, start in enumerate(range(0, len(lines), lines_per_file)):
      part = b''.join(lines[start : start + lines_per_file])
      (folder / f'{path.stem}_{index:02d}').write_bytes(part)
  return folder


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """Bytes of the files of a prepared data set, journals left out."""
  return {
    path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()
  }
