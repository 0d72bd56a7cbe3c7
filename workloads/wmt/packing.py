# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Several short sentence pairs in one row of fixed length.

A pair is two sequences of ids, source and target. Which row a pair comes to
follows from lengths alone, so the rows of a whole epoch are numbered at once;
then any of them are made by one gather. Shapes: N pairs, rows of length T.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

END_ID = 2  # Ends a sentence; 0 is padding, start symbol and unknown in one.
SIDES = ('inputs', 'targets')
PACKED_NAMES = tuple(
  side + part for side in SIDES for part in ('', '_position', '_segmentation')
)


class Side(NamedTuple):
  """One side of N pairs.

  Attributes:
    ids: of all sequences, back to back.
    starts: (N,) int64, where each begins in `ids`.
    lengths: (N,) how many ids each has, with its end symbol.
    nonzero: (N,) how many of them are not 0.
  """

  ids: np.ndarray
  starts: np.ndarray
  lengths: np.ndarray
  nonzero: np.ndarray


class Pairs(NamedTuple):
  """N pairs; the fields are in the order of `SIDES`."""

  sources: Side
  targets: Side

  def __len__(self) -> int:
    return len(self.sources.lengths)


class Index(NamedTuple):
  """The rows of pairs in an order.

  Attributes:
    order: (K,) which pairs, one after the other.
    rows: (K,) int32, the row of each; never falls.
    count: how many rows there are.
  """

  order: np.ndarray
  rows: np.ndarray
  count: int


def side(
  ids: np.ndarray, lengths: np.ndarray, nonzero: np.ndarray | None = None
) -> Side:
  """A side from its ids, back to back, and the lengths of its sequences.

  Args:
    ids: of all sequences.
    lengths: (N,) of each, at least 1.
    nonzero: (N,) ids of each that are not 0; counted if None.
  """
  starts = np.cumsum(lengths, dtype=np.int64) - lengths
  if nonzero is None:
    nonzero = np.add.reduceat(ids != 0, starts, dtype=np.int32)
  return Side(ids, starts, lengths, nonzero)


def pairs_of(sequences: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Pairs:
  """The pairs of these sequences, at least one; none is empty."""
  sides = zip(*sequences)
  return Pairs(
    *(
      side(np.concatenate(ids).astype(np.int32), np.array([*map(len, ids)]))
      for ids in sides
    )
  )


def short(pairs: Pairs, max_length: int) -> np.ndarray:
  """Numbers of the pairs of which both sides have at most `max_length` ids."""
  lengths = np.maximum(pairs.sources.lengths, pairs.targets.lengths)
  return np.flatnonzero(lengths <= max_length)


def index(pairs: Pairs, order: np.ndarray, max_length: int) -> Index:
  """In which row each pair is, in this order; no reordering.

  A row takes consecutive pairs for as long as both sides fit. Every
  `max_length` pairs a new row is begun. As in the published pipeline a sequence
  counts with its non-zero ids only.

  Args:
    pairs: none of those in the order longer than `max_length`.
    order: (K,) numbers of pairs.
    max_length: T.
  """
  groups = -(-len(order) // max_length)
  columns = []
  for one in pairs:
    lengths = np.zeros(groups * max_length, np.int32)
    lengths[: len(order)] = one.nonzero[order]
    columns.append(np.ascontiguousarray(lengths.reshape(groups, -1).T))
  # All groups at once: the i-th pair of each, for i from 0 to T - 1.
  rows = np.zeros((max_length, groups), np.int32)
  row, fills = np.zeros(groups, np.int32), [np.zeros(groups, np.int32)] * 2
  for i, added in enumerate(zip(*columns)):
    fills = [fill + more for fill, more in zip(fills, added)]
    is_new = (fills[0] > max_length) | (fills[1] > max_length)
    fills = [np.where(is_new, more, n) for n, more in zip(fills, added)]
    row = row + is_new
    rows[i] = row
  ends = np.cumsum(row + 1, dtype=np.int32)
  rows += ends - (row + 1)
  count = int(ends[-1]) if groups else 0
  return Index(order, rows.T.reshape(-1)[: len(order)], count)


def packed(
  pairs: Pairs, index: Index, max_length: int, first: int, last: int
) -> dict[str, np.ndarray]:
  """The rows from `first` up to `last`, without it.

  As in the published pipeline a sequence is first cut to its number of non-zero
  ids.

  >>> pairs = pairs_of([([5, 2], [6, 2]), ([7, 2], [8, 9, 2])])
  >>> rows = index(pairs, np.arange(2), max_length=6)
  >>> batch = packed(pairs, rows, 6, 0, 1)
  >>> batch['targets'].tolist(), batch['targets_segmentation'].tolist()
  ([[6, 2, 8, 9, 2, 0]], [[1, 1, 2, 2, 2, 0]])

  Args:
    pairs: that the index is of.
    index: the rows of all of them.
    max_length: T.
    first: number of a row.
    last: number of a row; at most `index.count`.

  Returns:
    For each side S int32 arrays (last - first, T): ids `S`, 0 in the padding;
    `S_position` within the pair; `S_segmentation`, the number of the pair in
    its row from 1 on, 0 where the id is 0. And `weights`, see `with_weights`.
  """
  # Of the same kind: else all rows are converted for each batch.
  wanted = np.array([first, last], index.rows.dtype)
  begin, end = np.searchsorted(index.rows, wanted)
  chosen, rows = index.order[begin:end], index.rows[begin:end] - first
  # How many pairs of its row come before each.
  before = np.arange(len(rows)) - np.searchsorted(rows, rows)
  batch = {
    name: np.zeros((last - first, max_length), np.int32)
    for name in PACKED_NAMES
  }
  for name, one in zip(SIDES, pairs):
    lengths = one.nonzero[chosen].astype(np.int64)
    begins = np.cumsum(lengths) - lengths
    columns = begins - begins[np.arange(len(rows)) - before]
    position, place, ids = _gathered(
      one, chosen, lengths, rows * np.int64(max_length) + columns
    )
    segment = np.repeat((before + 1).astype(np.int32), lengths)
    batch[name].reshape(-1)[place] = ids
    batch[f'{name}_position'].reshape(-1)[place] = position
    batch[f'{name}_segmentation'].reshape(-1)[place] = segment * (ids > 0)
  return with_weights(batch)


def padded(
  pairs: Pairs, chosen: np.ndarray, max_length: int, size: int
) -> dict[str, np.ndarray]:
  """One pair a row: `inputs`, `targets` (size, T) int32, padded with 0.

  Args:
    pairs: to take from.
    chosen: numbers of at most `size` pairs, none longer than `max_length`.
    max_length: T.
    size: rows; those after the chosen pairs are 0.

  Returns:
    The ids, and `weights`, see `with_weights`.
  """
  batch = {}
  for name, one in zip(SIDES, pairs):
    lengths = one.lengths[chosen].astype(np.int64)
    rows = np.arange(len(chosen)) * max_length
    _, place, ids = _gathered(one, chosen, lengths, rows)
    batch[name] = np.zeros((size, max_length), np.int32)
    batch[name].reshape(-1)[place] = ids
  return with_weights(batch)


def with_weights(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """The batch and its `weights`: 1 where there is a target id, float32."""
  return batch | {'weights': (batch['targets'] > 0).astype(np.float32)}


def _gathered(
  one: Side, chosen: np.ndarray, lengths: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """The first ids of the chosen sequences, back to back.

  Args:
    one: the side they are on.
    chosen: (K,) numbers of sequences.
    lengths: (K,) ids to take of each.
    places: (K,) where each begins in an array.

  Returns:
    Arrays (lengths.sum(),): position in the sequence, place, id.
  """
  begins = np.cumsum(lengths) - lengths
  token = np.arange(lengths.sum())
  position = token - np.repeat(begins, lengths)
  place = token + np.repeat(places - begins, lengths)
  ids = one.ids[token + np.repeat(one.starts[chosen] - begins, lengths)]
  return position, place, ids
