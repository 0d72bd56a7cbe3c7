# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Several short sentence pairs in one row of fixed length.

A pair is two sequences of ids, source and target. Shapes: N rows of length T.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

Pair = tuple[Sequence[int], Sequence[int]]
SIDES = ('inputs', 'targets')
PACKED_NAMES = tuple(
  side + part for side in SIDES for part in ('', '_position', '_segmentation')
)


def short_pairs(pairs: Iterable[Pair], max_length: int) -> Iterator[Pair]:
  """The pairs of which both sides have at most `max_length` ids."""
  return (pair for pair in pairs if max(map(len, pair)) <= max_length)


def packed_rows(
  pairs: Iterable[Pair], max_length: int
) -> Iterator[dict[str, np.ndarray]]:
  """Rows that hold as many consecutive pairs as fit; no reordering.

  Every `max_length` pairs a new row is begun. As in the published pipeline a
  sequence is first cut to its number of non-zero ids.

  >>> row, = packed_rows([([5, 2], [6, 2]), ([7, 2], [8, 9, 2])], max_length=6)
  >>> row['targets'].tolist(), row['targets_segmentation'].tolist()
  ([6, 2, 8, 9, 2, 0], [1, 1, 2, 2, 2, 0])

  Args:
    pairs: none longer than `max_length`; possibly endless.
    max_length: T.

  Yields:
    For each side S int32 arrays (T,): ids `S`, 0 in the padding; `S_position`
    within the pair; `S_segmentation`, the number of the pair from 1 on, 0 where
    the id is 0.
  """
  pairs = iter(pairs)
  while group := list(itertools.islice(pairs, max_length)):
    row, free = [], (max_length, max_length)
    for pair in group:
      pair = [ids[: np.count_nonzero(ids)] for ids in pair]
      if any(len(ids) > room for ids, room in zip(pair, free)):
        yield _row(row, max_length)
        row, free = [], (max_length, max_length)
      row.append(pair)
      free = [room - len(ids) for ids, room in zip(pair, free)]
    yield _row(row, max_length)


def padded_rows(pairs: Iterable[Pair], max_length: int) -> dict:
  """One pair a row: `inputs` and `targets` (N, T) int32, 0 in the padding."""
  return {
    side: np.stack([_padded(ids, max_length) for ids in sequences])
    for side, sequences in zip(SIDES, zip(*pairs))
  }


def with_weights(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """The batch and its `weights`: 1 where there is a target id, float32."""
  return batch | {'weights': (batch['targets'] > 0).astype(np.float32)}


def _row(pairs: list, max_length: int) -> dict[str, np.ndarray]:
  row = {}
  for side, sequences in zip(SIDES, zip(*pairs)):
    lengths = [len(ids) for ids in sequences]
    ids = _padded(np.concatenate(sequences), max_length)
    numbers = np.repeat(np.arange(1, len(lengths) + 1), lengths)
    positions = np.concatenate([np.arange(length) for length in lengths])
    row[side] = ids
    row[f'{side}_position'] = _padded(positions, max_length)
    row[f'{side}_segmentation'] = _padded(numbers, max_length) * (ids > 0)
  return row


def _padded(values: Sequence[int], length: int) -> np.ndarray:
  padded = np.zeros(length, np.int32)
  padded[: len(values)] = values
  return padded
