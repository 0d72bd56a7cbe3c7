# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared documents on disk: ids back to back, and where documents end.

The files are mapped: processes of a host share them.
"""

import pathlib
from collections.abc import Mapping

import numpy as np

from jaxperf import errors, prepared

NAME, VERSION = 'finewebedu_lm', 1
VOCABULARY = 50_257
END_ID = 50_256  # After each document.
SPLITS = ('train', 'validation')
IDS, OFFSETS = np.dtype('<u2'), np.dtype('<u8')
_AGAIN = (
  f'look for damage with `jaxperf data check {NAME} --deep`, remove the file '
  'that it names and prepare again'
)


def ids_name(split: str) -> str:
  """Name of the ids of a split."""
  return f'{split}.ids.npy'


def offsets_name(split: str) -> str:
  """Name of where each document of a split ends, in ids."""
  return f'{split}.offsets.npy'


def open_splits(data_dir, vocabulary: int) -> Mapping[str, np.ndarray]:
  """The stream of ids of each split that was prepared.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
    vocabulary: number of ids that the reader knows.

  Raises:
    UserError: if the data is not there, or not whole, or of another version, or
      made for another vocabulary.
  """
  folder = prepared.folder(NAME, data_dir)
  manifest = prepared.load(folder, VERSION)
  found = manifest.parameters['vocabulary']
  if found > vocabulary:
    raise errors.UserError(
      f'{folder} was prepared with a vocabulary of {found:,}, expected at most '
      f'{vocabulary:,}: prepare it in another folder'
    )
  return {split: read(folder, split) for split in SPLITS}


def identity(data_dir) -> Mapping[str, str]:
  """What the numbers in a batch mean depends on: tokenizer and split."""
  manifest = prepared.read(prepared.folder(NAME, data_dir), VERSION)
  parameters = manifest.parameters
  return {'tokenizer': parameters['tokenizer'], 'split': parameters['split']}


def read(folder: pathlib.Path, split: str) -> np.ndarray:
  """The ids of a split, mapped.

  Raises:
    UserError: if a file is damaged, or not of the other one.
  """
  ids = array(folder / ids_name(split), IDS)
  offsets = array(folder / offsets_name(split), OFFSETS)
  total = int(offsets[-1]) if len(offsets) else 0
  if len(ids) != total:
    raise errors.UserError(
      f'{folder / ids_name(split)} has {len(ids):,} ids, the offsets beside it '
      f'{total:,}: {_AGAIN}'
    )
  return ids


def array(path: pathlib.Path, kind: np.dtype) -> np.ndarray:
  """A file's array (N,) of a kind, mapped.

  Raises:
    UserError: if it is something else.
  """
  try:
    found = np.load(path, mmap_mode='r')
  except (ValueError, EOFError) as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): {_AGAIN}'
    ) from None
  if found.dtype != kind or found.ndim != 1:
    raise errors.UserError(
      f'{path} holds {found.dtype} {found.shape}, expected {kind} (N,): '
      f'{_AGAIN}'
    )
  return np.asarray(found)  # Not a memmap: those are slow to index.
