# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Endless packed batches of sentence pairs, and the passes of evaluation.

An epoch is a permutation of the pairs, packed; what is left of it after its
last whole batch is dropped. How many rows it has depends on the permutation, so
a position in the stream is (epoch, batches taken in it).
"""

import functools
from collections.abc import Iterator, Sequence
from concurrent import futures

import numpy as np

from jaxperf import data as data_lib
from jaxperf import errors
from workloads.wmt import packing

Rows = tuple[int, int] | None


def training(
  pairs: packing.Pairs,
  max_length: int,
  seed: int,
  batch_size: int,
  cursor: Sequence[int] | None = None,
  rows: Rows = None,
) -> Iterator[tuple[data_lib.Batch, tuple[int, int]]]:
  """Endless batches and cursors; see `workload.Data.train`.

  Args:
    pairs: none longer than `max_length`.
    max_length: T.
    seed: of the permutations.
    batch_size: packed rows in a batch.
    cursor: epoch, and batches taken in it; None for the start.
    rows: of each batch that are wanted; None for all.
  """
  first, last = rows or (0, batch_size)
  epoch, taken = cursor or (0, 0)
  index = epoch_index(pairs, max_length, seed, epoch)
  while True:
    count = index.count // batch_size
    if not count:
      raise ValueError(
        f'batch size {batch_size} exceeds the {index.count} packed rows of '
        f'epoch {epoch}'
      )
    following = functools.partial(
      epoch_index, pairs, max_length, seed, epoch + 1
    )
    middle, coming = max(taken, count // 2), None
    for position in range(taken, count):
      if position == middle:  # Ahead of time, by a thread.
        coming = _pool().submit(following)
      start = position * batch_size
      batch = packing.packed(
        pairs, index, max_length, start + first, start + last
      )
      yield batch, (epoch, position + 1)
    index = following() if coming is None else coming.result()
    epoch, taken = epoch + 1, 0


def epoch_index(
  pairs: packing.Pairs, max_length: int, seed: int, epoch: int
) -> packing.Index:
  """The packed rows of an epoch."""
  order = data_lib.epoch_order(seed, epoch, len(pairs))
  return packing.index(pairs, order, max_length)


def evaluation(
  pairs: packing.Pairs,
  chosen: np.ndarray,
  max_length: int,
  batch_size: int,
  rows: Rows = None,
) -> Iterator[data_lib.Batch]:
  """One pass over the chosen pairs, one a row, in equal batches.

  Args:
    pairs: to take from.
    chosen: numbers of pairs, none longer than `max_length`.
    max_length: T.
    batch_size: rows in a batch; those without a pair are 0.
    rows: of each batch that are wanted; None for all.
  """
  first, last = rows or (0, batch_size)
  for start in range(0, len(chosen), batch_size):
    wanted = chosen[start + first : start + last]
    yield packing.padded(pairs, wanted, max_length, last - first)


def known(batch: data_lib.Batch, vocabulary: int) -> data_lib.Batch:
  """The batch, all of whose ids are in the vocabulary.

  Raises:
    UserError: if one is not.
  """
  for side in packing.SIDES:
    largest = int(batch[side].max())
    if largest >= vocabulary:
      raise errors.UserError(
        f'the prepared data of wmt holds the id {largest:,}, expected ids '
        f'below {vocabulary:,}: look for damage with `jaxperf data check wmt '
        '--deep`, remove the file that it names and prepare again'
      )
  return batch


@functools.cache
def _pool() -> futures.Executor:
  """A thread that this process keeps."""
  return futures.ThreadPoolExecutor(1)
