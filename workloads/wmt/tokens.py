# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared sentence pairs on disk: ids of tokens, and what made them of text.

Of each split there are the ids of either side, back to back and uncut, and a
table with a row a pair. The files are mapped: processes of a host share them.
"""

import json
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np

from jaxperf import errors, prepared
from workloads import mapped, tokenizers
from workloads.wmt import packing

NAME, VERSION = 'wmt', 1
SPLITS = ('train', 'validation', 'test')
VOCABULARY = 32_000
MAX_LENGTH = 256  # Ids of a side, with the end symbol.
TOKENIZER, ORIGIN = 'tokenizer.model', 'tokenizer.json'
# Lengths with the end symbol, and how many of these ids are not 0.
TABLE = np.dtype(
  [
    (f'{side}_{column}', '<u2')
    for side in packing.SIDES
    for column in ('length', 'nonzero')
  ]
)
IDS = np.dtype('<u2')
_AGAIN = (
  f'look for damage with `jaxperf data check {NAME} --deep`, remove the file '
  'that it names and prepare again'
)


def table_name(split: str) -> str:
  """Name of the table of a split."""
  return f'{split}.table.npy'


def ids_name(split: str, side: str) -> str:
  """Name of the ids of one side of a split, `'inputs'` or `'targets'`."""
  return f'{split}.{side}.npy'


def open_splits(
  data_dir, vocabulary: int = VOCABULARY, max_length: int = MAX_LENGTH
) -> Mapping[str, packing.Pairs]:
  """The pairs of each split that was prepared.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
    vocabulary: number of ids that the reader knows.
    max_length: of a side, that the reader knows.

  Raises:
    UserError: if the data is not there, or not whole, or of another version, or
      made for other numbers.
  """
  folder = prepared.folder(NAME, data_dir)
  manifest = prepared.load(folder, VERSION)
  wanted = {'vocabulary': vocabulary, 'max_length': max_length}
  for key, number in wanted.items():
    found = manifest.parameters[key]
    if found != number:
      raise errors.UserError(
        f'{folder} was prepared with a {key.replace("_", " ")} of {found:,}, '
        f'expected {number:,}: prepare it in another folder'
      )
  return splits(folder)


def splits(folder: pathlib.Path) -> Mapping[str, packing.Pairs]:
  """The pairs of each split in that folder."""
  return {split: read(folder, split) for split in SPLITS}


def read(folder: pathlib.Path, split: str) -> packing.Pairs:
  """The pairs of a split, mapped.

  Raises:
    UserError: if a file is damaged, or not of the other ones.
  """
  table = mapped.array(folder / table_name(split), TABLE, _AGAIN)
  sides = []
  for side in packing.SIDES:
    path = folder / ids_name(split, side)
    ids = mapped.array(path, IDS, _AGAIN)
    lengths, nonzero = table[f'{side}_length'], table[f'{side}_nonzero']
    total = int(lengths.sum(dtype=np.int64))
    if len(ids) != total or (nonzero > lengths).any():
      raise errors.UserError(
        f'{path} has {len(ids):,} ids, the table beside it {total:,}: {_AGAIN}'
      )
    sides.append(packing.side(ids, lengths.copy(), nonzero.copy()))
  return packing.Pairs(*sides)


def open_tokenizer(data_dir) -> tokenizers.Tokenizer:
  """The tokenizer of the prepared data.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.

  Raises:
    UserError: if it is not the one that made the ids, or sentencepiece is
      missing.
  """
  folder = prepared.folder(NAME, data_dir)
  files = prepared.load(folder, VERSION).files
  return tokenizer(folder, files)


def tokenizer(
  folder: pathlib.Path, files: Iterable[prepared.File]
) -> tokenizers.Tokenizer:
  """The tokenizer in a folder, as the files of its manifest name it."""
  (sha256,) = (file.sha256 for file in files if file.name == TOKENIZER)
  return tokenizers.load(
    folder / TOKENIZER,
    sha256,
    f'put that one back, or remove {folder} and prepare again with '
    f'`jaxperf data prepare {NAME} --raw=DIR --to={folder.parent}`',
  )


def origin(folder: pathlib.Path) -> Mapping:
  """Where the tokenizer is from: hashes, and the corpus if it was trained."""
  return json.loads((folder / ORIGIN).read_text())
