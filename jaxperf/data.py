# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Deterministic, resumable streams of batches, and what they are made of.

A stream of batches is a pure function of (seed, cursor), where the cursor is
the number of batches taken. So position is one integer, resuming is exact and
costs nothing, and batches never depend on the number of devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import jax
import numpy as np

from jaxperf import workload

Batch = workload.Batch
_SHUFFLE, _EXAMPLE = 1, 2  # Keep the uses of a seed apart.


def shuffled_indices(
  seed: int, num_examples: int, batch_size: int, cursor: int | None = None
) -> Iterator[tuple[np.ndarray, int]]:
  """Endless batches of example indices: a new permutation every epoch.

  The last `num_examples % batch_size` examples of an epoch are dropped.

  Args:
    seed: of the permutations.
    num_examples: size of the data set.
    batch_size: examples in a batch; at most `num_examples`.
    cursor: batches already taken, None for none.

  Yields:
    Indices (batch_size,) and the cursor after them.

  >>> stream = shuffled_indices(seed=0, num_examples=6, batch_size=2)
  >>> first, second = next(stream), next(stream)
  >>> again, cursor = next(shuffled_indices(0, 6, 2, cursor=1))
  >>> (again == second[0]).all(), cursor
  (np.True_, 2)
  """
  per_epoch = num_examples // batch_size
  if not per_epoch:
    raise ValueError(
      f'batch size {batch_size} exceeds the {num_examples} training examples'
    )
  taken = cursor or 0
  while True:
    epoch, position = divmod(taken, per_epoch)
    order = epoch_order(seed, epoch, num_examples)
    for start in range(
      position * batch_size, per_epoch * batch_size, batch_size
    ):
      taken += 1
      yield order[start : start + batch_size], taken


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
  """The order of examples, or of files, in one epoch: a permutation (count,).

  A function of its arguments alone, so that any epoch is had at once.
  """
  rng = np.random.Generator(np.random.PCG64([seed, _SHUFFLE, epoch]))
  return rng.permutation(count)


def batch_rng(seed: int, cursor: int) -> np.random.Generator:
  """Random numbers of one training batch, e.g. for augmentation.

  Args:
    seed: of the run.
    cursor: that comes with the batch.
  """
  return np.random.Generator(np.random.PCG64([seed, _EXAMPLE, cursor]))


def pad_batch(batch: Batch, batch_size: int) -> dict[str, np.ndarray]:
  """A batch zero-padded along axis 0, with weight 0 on the padding.

  `weights` is made with the shape of `targets` if the batch has none.

  >>> batch = pad_batch({'targets': np.array([7, 8])}, batch_size=3)
  >>> batch['targets'].tolist(), batch['weights'].tolist()
  ([7, 8, 0], [1.0, 1.0, 0.0])
  """
  padded = dict(batch)
  if 'weights' not in padded:
    padded['weights'] = np.ones(np.shape(padded['targets']), np.float32)

  def pad(array):
    missing = batch_size - array.shape[0]
    return np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))

  return jax.tree.map(pad, padded)


def array_evaluation(
  arrays: Mapping[str, np.ndarray], batch_size: int
) -> Iterator[dict[str, np.ndarray]]:
  """One pass over arrays in equal batches; the last one is padded.

  >>> batches = array_evaluation({'targets': np.arange(5)}, batch_size=2)
  >>> [batch['weights'].tolist() for batch in batches]
  [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
  """
  count = len(next(iter(arrays.values())))
  for start in range(0, count, batch_size):
    batch = {k: v[start : start + batch_size] for k, v in arrays.items()}
    yield pad_batch(batch, batch_size)


def from_whole_batches(
  train: Callable[..., Iterator[tuple[Batch, workload.Cursor]]],
  evaluation: Callable[..., Iterator[Batch]],
  element_spec: Callable[..., Batch],
) -> workload.Data:
  """Data of streams that make whole batches, from which rows are cut.

  For batches that cost so little that nothing is gained by making a part.

  Args:
    train: `(seed, batch_size, cursor) -> iterator of (batch, cursor)`.
    evaluation: `(split, batch_size) -> iterator of batches`.
    element_spec: see `jaxperf.Data`.

  >>> data = from_whole_batches(
  ...   lambda seed, size, cursor: iter([({'targets': np.arange(4)}, 1)]),
  ...   lambda split, size: iter([]),
  ...   lambda size, split=None: {},
  ... )
  >>> next(data.train(0, 4, rows=(2, 4)))
  ({'targets': array([2, 3])}, 1)
  """

  def cut(batch, rows):
    return jax.tree.map(lambda x: x[slice(*rows)], batch)

  def train_rows(seed, batch_size, cursor=None, rows=None):
    stream = train(seed, batch_size, cursor)
    if rows is None:
      return stream
    return ((cut(batch, rows), taken) for batch, taken in stream)

  def evaluation_rows(split, batch_size, rows=None):
    stream = evaluation(split, batch_size)
    return stream if rows is None else (cut(batch, rows) for batch in stream)

  return workload.Data(train_rows, evaluation_rows, element_spec)


def spec_of(batch: Batch) -> Batch:
  """Shapes and dtypes of a batch, as `jax.ShapeDtypeStruct`."""
  return jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype), batch
  )


def generated(
  make_batch: Callable[[np.random.Generator, int, str | None], Batch],
  num_evaluation_examples: int,
) -> workload.Data:
  """Data made on the fly, e.g. fake data of the right shapes.

  Args:
    make_batch: `(rng, batch_size, split) -> batch`; split is None in training.
      Its shapes depend on the batch size and the split alone.
    num_evaluation_examples: examples that one evaluation covers; should not be
      a multiple of the batch size, so that padding is exercised.
  """

  def train(seed, batch_size, cursor):
    taken = cursor or 0
    while True:
      taken += 1
      yield make_batch(batch_rng(seed, taken), batch_size, None), taken

  def evaluation(split, batch_size):
    for start in range(0, num_evaluation_examples, batch_size):
      rng = batch_rng(workload.SPLITS.index(split), start)
      batch = make_batch(rng, batch_size, split)
      real = min(batch_size, num_evaluation_examples - start)
      yield _mask_after(batch, real)

  def element_spec(batch_size, split=None):
    return spec_of(make_batch(batch_rng(0, 0), batch_size, split))

  return from_whole_batches(train, evaluation, element_spec)


def _mask_after(batch: Batch, real: int) -> Batch:
  """The batch with weight 0 from example `real` on."""
  batch = dict(batch)
  if 'weights' not in batch:
    batch['weights'] = np.ones(np.shape(batch['targets']), np.float32)
  weights = np.array(batch['weights'])
  weights[real:] = 0
  return batch | {'weights': weights}
