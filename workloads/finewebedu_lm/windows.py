# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of windows of one stream of tokens.

The documents of a split, one after another, are one stream of ids. It is cut
into windows of T + 1 ids that do not overlap; what is left at the end is
dropped. A window gives T inputs, and as targets the ids after them. Nothing
marks where a document ends but its last id.
"""

from collections.abc import Iterator

import numpy as np

from jaxperf import data as data_lib
from workloads.finewebedu_lm import tokens

Rows = tuple[int, int] | None
Ids = np.ndarray | tokens.Stream
_PADDING = -1  # In evaluation batches, with weight 0.


def count(ids: Ids, length: int) -> int:
  """How many windows of T = `length` a stream holds."""
  return len(ids) // (length + 1)


def training(
  ids: Ids,
  length: int,
  seed: int,
  batch_size: int,
  cursor: int | None = None,
  rows: Rows = None,
) -> Iterator[tuple[data_lib.Batch, int]]:
  """Endless batches and cursors; see `jaxperf.Data.train`.

  Each epoch is a new permutation of the windows. The last batch of an epoch is
  filled up with rows of id 0 and weight 0.

  Args:
    ids: the stream, of unsigned integers.
    length: T.
    seed: of the permutations.
    batch_size: windows in a batch.
    cursor: batches taken; None for none.
    rows: of each batch that are wanted; None for all.
  """
  first, last = rows or (0, batch_size)
  windows = count(ids, length)
  per_epoch = -(-windows // batch_size)
  taken = cursor or 0
  while True:
    epoch, position = divmod(taken, per_epoch)
    order = data_lib.epoch_order(seed, epoch, windows)
    for start in range(position * batch_size, windows, batch_size):
      chosen = order[start : start + batch_size][first:last]
      taken += 1
      yield _batch(ids, length, chosen, last - first, 0), taken


def evaluation(
  ids: Ids,
  length: int,
  windows: int,
  batch_size: int,
  rows: Rows = None,
) -> Iterator[data_lib.Batch]:
  """One pass over the first windows of a stream, in equal batches.

  Args:
    ids: the stream, of unsigned integers.
    length: T.
    windows: how many, or as many as there are.
    batch_size: windows in a batch; what is missing is -1 with weight 0.
    rows: of each batch that are wanted; None for all.
  """
  first, last = rows or (0, batch_size)
  there = min(windows, count(ids, length))
  for start in range(0, there, batch_size):
    stop = min(start + batch_size, there)
    chosen = np.arange(start, stop)[first:last]
    yield _batch(ids, length, chosen, last - first, _PADDING)


def _batch(
  ids: Ids, length: int, chosen: np.ndarray, size: int, padding: int
) -> data_lib.Batch:
  """The chosen windows, and padding up to a size."""
  windows = np.full((size, length + 1), padding, np.int32)
  for row, start in zip(windows, chosen * (length + 1)):
    row[:] = ids[start : start + length + 1]
  weights = np.zeros((size, length), np.float32)
  weights[: len(chosen)] = 1
  return {
    'inputs': windows[:, :-1],
    'targets': windows[:, 1:],
    'weights': weights,
  }
