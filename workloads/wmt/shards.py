# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From text to the prepared arrays: shards of tokens, joined in the end."""

import pathlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from workloads import tokenizers
from workloads.wmt import packing, texts, tokens

_AT_ONCE = 500  # Pairs that are encoded, and told of, together.


class Shard(NamedTuple):
  """Ids of some pairs.

  Attributes:
    table: (kept,) of kind `tokens.TABLE`.
    ids: of each side, back to back.
    read: pairs that there were.
    longest: ids of the longest side of them all.
  """

  table: np.ndarray
  ids: tuple[np.ndarray, np.ndarray]
  read: int
  longest: int

  @property
  def counts(self) -> dict[str, int]:
    """What it holds and what was left out."""
    totals = {
      f'{side}_tokens': len(ids) for side, ids in zip(packing.SIDES, self.ids)
    }
    kept = len(self.table)
    return {
      'read': self.read,
      'kept': kept,
      'dropped': self.read - kept,
      'longest': self.longest,
      **totals,
    }


def encode(
  pairs: Iterable[texts.Pair],
  tokenizer: tokenizers.Tokenizer,
  max_length: int,
  report: Callable[[int], None] = lambda count: None,
) -> Shard:
  """Ids of the pairs of which both sides have at most `max_length`.

  Args:
    pairs: of sentences.
    tokenizer: makes ids, with the end symbol, below 2^16.
    max_length: T.
    report: told of pairs as they are encoded.
  """
  tables, sides, read, longest = [], ([], []), 0, 0
  for block in _blocks(pairs):
    encoded = packing.pairs_of(zip(*map(tokenizer.encode, zip(*block))))
    kept = packing.short(encoded, max_length)
    tables.append(_table(encoded, kept))
    is_kept = np.isin(np.arange(len(encoded)), kept)
    for side, ids in zip(encoded, sides):
      chosen = side.ids[np.repeat(is_kept, side.lengths)]
      ids.append(chosen.astype(tokens.IDS))
      longest = max(longest, int(side.lengths.max()))
    read += len(block)
    report(len(block))
  none = np.zeros(0, tokens.IDS)
  return Shard(
    np.concatenate([np.zeros(0, tokens.TABLE), *tables]),
    tuple(np.concatenate([none, *ids]) for ids in sides),
    read,
    longest,
  )


def _blocks(pairs: Iterable[texts.Pair]) -> Iterator[list[texts.Pair]]:
  """The pairs, some at a time."""
  block = []
  for pair in pairs:
    block.append(pair)
    if len(block) == _AT_ONCE:
      yield block
      block = []
  if block:
    yield block


def _table(pairs: packing.Pairs, kept: np.ndarray) -> np.ndarray:
  """The rows of the kept pairs."""
  rows = np.zeros(len(kept), tokens.TABLE)
  for name, side in zip(packing.SIDES, pairs):
    rows[f'{name}_length'] = side.lengths[kept]
    rows[f'{name}_nonzero'] = side.nonzero[kept]
  return rows


def write(path: pathlib.Path, shard: Shard) -> None:
  """Writes a shard under its name once it is whole."""
  arrays = dict(zip(packing.SIDES, shard.ids))
  numbers = {'read': shard.read, 'longest': shard.longest}
  with prepared.writing(path) as file:
    np.savez(file, table=shard.table, **arrays, **numbers)


def read(path: pathlib.Path) -> Shard:
  """A shard that was written."""
  with np.load(path) as file:
    ids = tuple(file[side] for side in packing.SIDES)
    return Shard(file['table'], ids, int(file['read']), int(file['longest']))


def join(
  folder: pathlib.Path,
  split: str,
  paths: Sequence[pathlib.Path],
  done: Collection[str] = (),
) -> Iterator[prepared.File]:
  """Writes the files of a split from its shards, and describes each.

  Args:
    folder: of the data set.
    split: whose shards these are.
    paths: of the shards, in order.
    done: names of files that are there.
  """
  counts = [read(path).counts for path in paths]
  total = {
    key: (max if key == 'longest' else sum)(row[key] for row in counts)
    for key in counts[0]
  }
  for name, kind, length, pick in _files(split, total):
    if name in done:
      continue
    with prepared.writing(folder / name) as file:
      descr = np.lib.format.dtype_to_descr(kind)
      header = {'descr': descr, 'fortran_order': False, 'shape': (length,)}
      np.lib.format.write_array_header_1_0(file, header)
      for path in paths:
        file.write(np.ascontiguousarray(pick(read(path))).data)
    numbers = total if kind == tokens.TABLE else {'ids': length}
    yield prepared.describe(folder, name, **numbers)


def _files(split: str, total):
  """Name, kind, length and part of a shard for each file of a split."""
  yield (
    tokens.table_name(split),
    tokens.TABLE,
    total['kept'],
    lambda shard: shard.table,
  )
  for i, side in enumerate(packing.SIDES):
    yield (
      tokens.ids_name(split, side),
      tokens.IDS,
      total[f'{side}_tokens'],
      lambda shard, i=i: shard.ids[i],
    )
