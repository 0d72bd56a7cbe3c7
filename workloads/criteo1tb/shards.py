# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared click logs on disk: which rows make a split, and reading them.

A shard is a `.npy` file, float32 (rows, 40): the label, then 39 features. It
is read through a memory map, one shard at a time.
"""

import dataclasses
import pathlib
import re
from collections.abc import Iterable, Sequence

import numpy as np

from jaxperf import prepared
from workloads.criteo1tb import features

NAME, VERSION = 'criteo1tb', 1
NUM_DAYS = 24
_EVAL_DAY = NUM_DAYS - 1
# Training examples that one evaluation covers: AlgoPerf's number of batches.
EVAL_TRAIN_BLOCKS, EVAL_TRAIN_ROWS = 636, 131_072


def shard_name(day: int, index: int) -> str:
  """Name of a day's shard."""
  return f'day_{day:02d}_{index:02d}.npy'


def place(name: str) -> tuple[int, int]:
  """Day and index of the shard of that name.

  >>> place('day_23_07.npy')
  (23, 7)
  """
  day, index = re.fullmatch(r'day_(\d+)_(\d+)\.npy', name).groups()
  return int(day), int(index)


@dataclasses.dataclass(frozen=True)
class Pieces:
  """Pieces of shards, one after the other; row r is the r-th of them all.

  Attributes:
    paths: a shard each.
    first: (P,) row of the shard with which the piece begins.
    ends: (P,) rows of the pieces up to and with this one.
  """

  paths: Sequence[pathlib.Path]
  first: np.ndarray
  ends: np.ndarray

  def __len__(self) -> int:
    return len(self.paths)

  @property
  def num_rows(self) -> int:
    """Rows in all."""
    return int(self.ends[-1]) if len(self.ends) else 0

  def reordered(self, order: np.ndarray) -> 'Pieces':
    """The same pieces in another order."""
    sizes = np.diff(self.ends, prepend=0)[order]
    paths = [self.paths[index] for index in order]
    return Pieces(paths, self.first[order], np.cumsum(sizes))

  def between(self, start: int, stop: int) -> list[tuple]:
    """(path, row, row) of each part of shards that makes rows start to stop."""
    found = []
    index = int(np.searchsorted(self.ends, start, side='right'))
    while start < stop:
      end = min(stop, int(self.ends[index]))
      begin = int(self.ends[index - 1]) if index else 0
      row = int(self.first[index]) + start - begin
      found.append((self.paths[index], row, row + end - start))
      start, index = end, index + 1
    return found


def joined(parts: Sequence[tuple]) -> Pieces:
  """Pieces of (path, row, row) each."""
  first = np.array([start for _, start, _ in parts], np.int64)
  sizes = np.array([stop - start for _, start, stop in parts], np.int64)
  return Pieces([path for path, _, _ in parts], first, np.cumsum(sizes))


class Reader:
  """Reads batches of consecutive rows; keeps the last shard open."""

  def __init__(self, pieces: Pieces):
    self._pieces = pieces
    self._path: pathlib.Path | None = None
    self._rows: np.ndarray | None = None

  def read(self, start: int, stop: int) -> dict[str, np.ndarray]:
    """`inputs` (stop - start, 39) and `targets` of those rows, copied."""
    inputs = np.empty((stop - start, features.NUM_FEATURES), np.float32)
    targets = np.empty(stop - start, np.float32)
    at = 0
    for path, first, last in self._pieces.between(start, stop):
      rows = self._open(path)[first:last]
      inputs[at : at + len(rows)] = rows[:, 1:]
      targets[at : at + len(rows)] = rows[:, 0]
      at += len(rows)
    return {'inputs': inputs, 'targets': targets}

  def _open(self, path: pathlib.Path) -> np.ndarray:
    """The rows of a shard, mapped."""
    if path != self._path:
      self._rows = np.load(path, mmap_mode='r')
      self._path = path
    return self._rows


@dataclasses.dataclass(frozen=True)
class Splits:
  """The splits of the click logs, in canonical order.

  Attributes:
    train: days 0 to 22.
    validation: the second half of the last day's shards.
    test: the first half, with the one in the middle.
  """

  train: Pieces
  validation: Pieces
  test: Pieces

  def evaluated(self, split: str) -> Pieces:
    """The rows of an evaluation; of training a fixed part."""
    if split == 'train':
      return eval_train(self.train)
    return {'validation': self.validation, 'test': self.test}[split]


def open_splits(data_dir, partial: bool = False) -> Splits:
  """The splits of the prepared data.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
    partial: accept what was prepared from some of the days.

  Raises:
    UserError: if the data is not there, or not whole, or of another version.
  """
  folder = prepared.folder(NAME, data_dir)
  manifest = prepared.load(folder, VERSION, partial=partial)
  return splits(folder, manifest.files)


def splits(folder: pathlib.Path, files: Iterable[prepared.File]) -> Splits:
  """The splits of these shards, in any order, in that folder."""
  days: dict[int, list[tuple]] = {day: [] for day in range(NUM_DAYS)}
  for file in sorted(files, key=lambda file: place(file.name)):
    part = (folder / file.name, 0, file.counts['rows'])
    days[place(file.name)[0]].append(part)
  last = days.pop(_EVAL_DAY)
  num_test = num_test_shards(len(last))
  return Splits(
    train=joined([part for day in days for part in days[day]]),
    validation=joined(last[num_test:]),
    test=joined(last[:num_test]),
  )


def num_test_shards(num_shards: int) -> int:
  """Shards of the last day that are test; the others are validation.

  >>> num_test_shards(36)
  19
  """
  return num_shards // 2 + 1 if num_shards else 0


def eval_train(
  train: Pieces,
  blocks: int = EVAL_TRAIN_BLOCKS,
  block_rows: int = EVAL_TRAIN_ROWS,
) -> Pieces:
  """Blocks of training rows at equal distances.

  Of N rows, block j of M begins at row floor(j (N - block_rows) / (M - 1)).

  Args:
    train: the training split.
    blocks: M.
    block_rows: rows in each; fewer if the split has not so many.
  """
  block_rows = max(1, min(block_rows, train.num_rows // blocks))
  room = max(train.num_rows - block_rows, 0)
  starts = [j * room // max(blocks - 1, 1) for j in range(blocks)]
  stops = [min(start + block_rows, train.num_rows) for start in starts]
  return joined([p for a, b in zip(starts, stops) for p in train.between(a, b)])
