# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared documents on disk: ids back to back, where documents end, splits.

A split is an order of documents; the documents are there once. The files are
mapped: processes of a host share them.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

import numpy as np

from jaxperf import errors, prepared
from workloads import mapped

NAME, VERSION = 'finewebedu_lm', 1
VOCABULARY = 50_257
SPLITS = ('train', 'validation')
# How the splits are drawn: as the benchmark does, or without overlap.
DIVISIONS = ('benchmark', 'clean')
IDS_NAME, ENDS_NAME = 'ids.npy', 'ends.npy'
IDS, ENDS, ORDER = np.dtype('<u2'), np.dtype('<u8'), np.dtype('<u4')
_TRAIN_SHARE = 0.9
_SEED = 0
_AGAIN = (
  f'look for damage with `jaxperf data check {NAME} --deep`, remove the file '
  'that it names and prepare again'
)


class Stream:
  """Documents in some order, one after another, as one sequence of ids.

  `len(stream)` and `stream[start:stop]` are those of an array (N,).
  """

  def __init__(self, ids: np.ndarray, ends: np.ndarray, order: np.ndarray):
    """A view; copies what tells documents apart, and no ids.

    Args:
      ids: of all documents.
      ends: where each document ends in them.
      order: numbers of documents.
    """
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    self._ids, self._starts = ids, starts[order]
    self._ends = np.cumsum(ends[order].astype(np.int64) - self._starts)

  def __len__(self) -> int:
    return int(self._ends[-1]) if len(self._ends) else 0

  def __getitem__(self, span: slice) -> np.ndarray:
    start, stop, step = span.indices(len(self))
    if step != 1:
      raise ValueError(f'a stream has no step of {step}')
    parts, place = [], start
    document = int(np.searchsorted(self._ends, start, side='right'))
    while place < stop:
      end = int(self._ends[document])
      # The place counts back from the end of the document.
      length = end - (int(self._ends[document - 1]) if document else 0)
      first = int(self._starts[document]) + length - (end - place)
      count = min(end, stop) - place
      parts.append(self._ids[first : first + count])
      place += count
      document += 1
    return np.concatenate(parts) if parts else self._ids[:0]


def order_name(division: str, split: str) -> str:
  """Name of the order of documents of a split."""
  return f'{division}.{split}.npy'


def divide(division: str, count: int) -> dict[str, np.ndarray]:
  """The documents of each split, in order.

  The benchmark shuffles all documents twice, and takes the training documents
  from the first order and the rest of the second one for validation, so that
  most of those are training documents, too. A clean division takes both from
  one order.

  Args:
    division: one of `DIVISIONS`.
    count: of documents.
  """
  rng = np.random.Generator(np.random.PCG64(_SEED))
  first = rng.permutation(count)
  second = rng.permutation(count) if division == 'benchmark' else first
  train = int(_TRAIN_SHARE * count)
  return {'train': first[:train], 'validation': second[train:]}


def open_splits(
  data_dir, vocabulary: int, division: str
) -> Mapping[str, Stream]:
  """The stream of ids of each split that was prepared.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
    vocabulary: number of ids that the reader knows.
    division: one of `DIVISIONS`.

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
  return splits(folder, division)


def splits(folder: pathlib.Path, division: str) -> Mapping[str, Stream]:
  """The streams of a division.

  Raises:
    UserError: if a file is damaged, or not of the other ones.
  """
  ids, ends = array(folder / IDS_NAME, IDS), array(folder / ENDS_NAME, ENDS)
  total = int(ends[-1]) if len(ends) else 0
  if len(ids) != total or (np.diff(ends.astype(np.int64)) < 0).any():
    raise errors.UserError(
      f'{folder / IDS_NAME} has {len(ids):,} ids, {ENDS_NAME} beside it says '
      f'{total:,}: {_AGAIN}'
    )
  streams = {}
  for split in SPLITS:
    path = folder / order_name(division, split)
    order = array(path, ORDER)
    if len(order) and int(order.max()) >= len(ends):
      raise errors.UserError(
        f'{path} names the document {int(order.max()):,}, and there are '
        f'{len(ends):,}: {_AGAIN}'
      )
    streams[split] = Stream(ids, ends, order)
  return streams


def identity(data_dir, division: str) -> Mapping[str, str]:
  """What the numbers in a batch mean depends on: tokenizer and division."""
  manifest = prepared.read(prepared.folder(NAME, data_dir), VERSION)
  return {'tokenizer': manifest.parameters['tokenizer'], 'division': division}


def array(path: pathlib.Path, kind: np.dtype) -> np.ndarray:
  """A file's array (N,), mapped; see `mapped.array`."""
  return mapped.array(path, kind, _AGAIN)
