# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of the prepared ImageNet, decoded by other processes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxperf import data
from workloads.imagenet import examples, pool, records

_NO_LABELS = np.empty(0, np.int32)  # What other processes need not know.


def training(
  split: records.Split,
  seed: int,
  batch_size: int,
  taken: int,
  rows: tuple[int, int] | None,
  num_classes: int | None = None,
) -> Iterator[tuple[dict[str, np.ndarray], int]]:
  """Endless batches and cursors; see `workload.Data.train`.

  Args:
    split: the training split.
    seed: of order and augmentation.
    batch_size: B, of the whole batch.
    taken: batches already taken.
    rows: those of the batch that are wanted, half-open; None for all.
    num_classes: if given, images are augmented and mixed, and targets soft.
  """
  first, last = rows or (0, batch_size)
  bare = _bare(split)

  def jobs():
    shape = (last - first, *examples.SHAPE)
    for indices, cursor in data.shuffled_indices(
      seed, len(split), batch_size, taken
    ):
      start = (cursor - 1) * batch_size
      if num_classes is None:
        targets = split.labels[indices[first:last]]
        fill = _training_fill(bare, indices, seed, start, first)
      else:
        weight = examples.mixup_weight(seed, cursor - 1)
        wanted = np.arange(first - 1, last) % batch_size
        targets = _soft(split.labels[indices[wanted]], weight, num_classes)
        fill = _mixed_fill(bare, indices, seed, start, first, weight)
      yield pool.Job(shape, fill, last - first, (targets, cursor))

  for inputs, (targets, cursor) in pool.filled(jobs()):
    yield {'inputs': inputs, 'targets': targets}, cursor
    del inputs  # Or its memory could not be used again.


def _training_fill(split, indices, seed, start, offset):
  """Makes the work on some rows of a host's part of a batch."""

  def fill(first, last):
    first, last = first + offset, last + offset
    return examples.Training(
      split, indices[first:last], seed, start + first
    ).fill

  return fill


def _mixed_fill(split, indices, seed, start, offset, weight):
  """The same for batches that are mixed: with the row before the first."""

  def fill(first, last):
    rows = np.arange(first + offset - 1, last + offset) % len(indices)
    return examples.Mixed(split, indices[rows], seed, start + rows, weight).fill

  return fill


def _soft(labels: np.ndarray, weight, num_classes: int) -> np.ndarray:
  """Targets of mixed images, (rows, classes); labels from one row before."""
  targets = np.zeros((len(labels) - 1, num_classes), np.float32)
  rows = np.arange(len(targets))
  targets[rows, labels[1:]] = weight
  targets[rows, labels[:-1]] += 1 - weight
  return targets


def evaluation(
  split: records.Split,
  indices: np.ndarray,
  batch_size: int,
  rows: tuple[int, int] | None,
) -> Iterator[dict[str, np.ndarray]]:
  """One pass over some images, the last batch padded.

  Args:
    split: whose images they are.
    indices: of the images, in their order.
    batch_size: of the whole batch.
    rows: those of each batch that are wanted, half-open; None for all.
  """
  first, last = rows or (0, batch_size)
  bare = _bare(split)

  def jobs():
    shape = (last - first, *examples.SHAPE)
    for start in range(0, len(indices), batch_size):
      wanted = indices[start + first : start + last]

      def fill(begin, end, wanted=wanted):
        return examples.Evaluation(bare, wanted[begin:end]).fill

      yield pool.Job(shape, fill, len(wanted), split.labels[wanted])

  for inputs, labels in pool.filled(jobs()):
    targets, weights = _padded(labels, last - first)
    yield {'inputs': inputs, 'targets': targets, 'weights': weights}
    del inputs


def _padded(labels: np.ndarray, count: int) -> tuple[Any, Any]:
  """Labels with zeros behind, and weights: 1, and 0 for the zeros."""
  targets, weights = np.zeros(count, np.int32), np.zeros(count, np.float32)
  targets[: len(labels)], weights[: len(labels)] = labels, 1
  return targets, weights


def evaluated(split: records.Split, num_train: int) -> np.ndarray:
  """Images of an evaluation; of training `num_train`, evenly spread.

  Image j is floor(j N / num_train) of N; all of them if there are fewer.
  """
  count = len(split)
  if split.name != 'train' or count <= num_train:
    return np.arange(count)
  return np.arange(num_train) * count // num_train


def _bare(split: records.Split) -> records.Split:
  """A split without what is large."""
  return records.Split(split.name, split.folder, split.starts, _NO_LABELS)
