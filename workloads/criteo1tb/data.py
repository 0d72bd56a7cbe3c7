# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of click logs: 13 dense features, then 26 ids, all float32."""

import functools
import pathlib

import jax
import numpy as np

from jaxperf import data, workload
from workloads.criteo1tb import features, shards
from workloads.mini_data import clicks as clicks_lib
from workloads.mini_data import files

MINI_EVAL_TRAIN = 2_048
_FAKE_EVALUATION_EXAMPLES = 1_000
_CLICK_RATE = 0.25


def element_spec(batch_size: int, split: str | None = None):
  """A training batch, or an evaluation batch if a split is named."""
  vector = jax.ShapeDtypeStruct((batch_size,), np.float32)
  inputs = jax.ShapeDtypeStruct((batch_size, features.NUM_FEATURES), np.float32)
  spec = {'inputs': inputs, 'targets': vector}
  return spec if split is None else spec | {'weights': vector}


def prepared(
  data_dir: pathlib.Path | None = None, *, partial: bool = False
) -> workload.Data:
  """The click logs that `jaxperf data prepare` has made.

  In training the files come in a new random order each epoch, and the rows of
  a file in their own: a batch is a few minutes of one day, as in AlgoPerf.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
    partial: accept what was prepared from some of the days.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(lambda: shards.open_splits(data_dir, partial))

  def train(seed, batch_size, cursor=None, rows=None):
    return training(opened(), seed, batch_size, cursor or 0, rows)

  def evaluation(split, batch_size, rows=None):
    return evaluation_batches(opened(), split, batch_size, rows)

  return workload.Data(train, evaluation, element_spec, lambda: _check(opened))


def _check(opened) -> None:
  """Refuses data that is not there."""
  opened()


def training(splits: shards.Splits, seed, batch_size, taken, rows):
  """Endless batches and cursors; see `workload.Data.train`."""
  first, last = rows or (0, batch_size)
  num_rows = splits.train.num_rows
  per_epoch = num_rows // batch_size
  if not per_epoch:
    raise ValueError(
      f'batch size {batch_size} exceeds the {num_rows} training examples'
    )
  while True:
    epoch, position = divmod(taken, per_epoch)
    order = file_order(splits, seed, epoch)
    reader = shards.Reader(splits.train.reordered(order))
    for batch in range(position, per_epoch):
      taken += 1
      start = batch * batch_size
      yield reader.read(start + first, start + last), taken


def file_order(splits: shards.Splits, seed: int, epoch: int) -> np.ndarray:
  """The order of the training files in an epoch."""
  return data.epoch_order(seed, epoch, len(splits.train))


def evaluation_batches(splits: shards.Splits, split, batch_size, rows):
  """One pass in canonical order, the last batch padded.

  See `workload.Data.evaluation`.
  """
  first, last = rows or (0, batch_size)
  pieces = splits.evaluated(split)
  reader = shards.Reader(pieces)
  for start in range(0, pieces.num_rows, batch_size):
    begin, end = (min(start + row, pieces.num_rows) for row in (first, last))
    yield data.pad_batch(reader.read(begin, end), last - first)


def fake() -> workload.Data:
  """Random features and clicks; ids follow the real vocabulary sizes."""

  def make_batch(rng, batch_size, split):
    dense = np.log1p(rng.integers(4096, size=(batch_size, features.NUM_DENSE)))
    ids = rng.integers(
      features.VOCAB_SIZES, size=(batch_size, features.NUM_CATEGORICAL)
    )
    return {
      'inputs': np.concatenate([dense, ids], axis=1).astype(np.float32),
      'targets': (rng.random(batch_size) < _CLICK_RATE).astype(np.float32),
    }

  return data.generated(make_batch, _FAKE_EVALUATION_EXAMPLES)._replace(
    element_spec=element_spec
  )


def mini(_: pathlib.Path | None = None) -> workload.Data:
  """Flights in place of adverts; a late arrival stands for a click."""

  def train(seed, batch_size, cursor):
    arrays = _mini_arrays()['train']
    for indices, taken in data.shuffled_indices(
      seed, len(arrays['targets']), batch_size, cursor
    ):
      yield {key: array[indices] for key, array in arrays.items()}, taken

  def evaluation(split, batch_size):
    arrays = _mini_arrays()[split]
    if split == 'train':
      arrays = {k: array[:MINI_EVAL_TRAIN] for k, array in arrays.items()}
    return data.array_evaluation(arrays, batch_size)

  return data.from_whole_batches(train, evaluation, element_spec)


@functools.cache
def _mini_arrays() -> dict[str, dict[str, np.ndarray]]:
  """`inputs` (N, 39) and `targets` (N,), by split."""
  arrays = {
    split: {
      'inputs': np.concatenate(
        [clicks.dense, clicks.categorical], axis=1, dtype=np.float32
      ),
      'targets': clicks.labels,
    }
    for split, clicks in clicks_lib.splits().items()
  }
  return files.frozen(arrays)
