# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of fastMRI knee slices and of simulated brain slices.

Shapes: B slices of SxS pixels.
"""

import functools
import pathlib
from collections.abc import Iterator

import jax
import numpy as np

from jaxperf import data, workload
from workloads.fastmri import sampling
from workloads.fastmri import slices as slices_lib
from workloads.mini_data import cache, files, mri

MINI_SIZE = 96
# Slices that one evaluation covers.
MINI_EVALUATED = {'train': 32, 'validation': 128, 'test': 128}
_FAKE_EVALUATION_EXAMPLES = 100
# Changes with what `sampling.undersampled` does.
_UNDERSAMPLING_VERSION = '1'
# Keeps the seeds of masks apart from the other uses of a run's seed.
_MASKS = 3
_EVAL_TRAIN_WORD = 1
_STATISTICS = ('mean', 'std', 'volume_max')


def element_spec(size: int, batch_size: int, split: str | None = None):
  """A training batch, or an evaluation batch if a split is named."""
  image = jax.ShapeDtypeStruct((batch_size, size, size), np.float32)
  number = jax.ShapeDtypeStruct((batch_size,), np.float32)
  batch = {'inputs': image, 'targets': image}
  batch |= dict.fromkeys(_STATISTICS, number)
  return batch if split is None else batch | {'weights': number}


def prepared(data_dir: pathlib.Path | None = None) -> workload.Data:
  """The slices that `jaxperf data prepare` has made.

  Training slices come in a new order each epoch, each with the same mask in all
  of them; all validation and test slices of a width share one mask.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(lambda: slices_lib.open_splits(data_dir))

  def train(seed, batch_size, cursor=None, rows=None):
    return training(opened().train, seed, batch_size, cursor, rows)

  def evaluation(split, batch_size, rows=None):
    return _evaluation(opened(), split, batch_size, rows)

  return workload.Data(
    train,
    evaluation,
    functools.partial(element_spec, slices_lib.SIZE),
    lambda: _check(opened),
  )


def _check(opened) -> None:
  """Refuses data that is not there."""
  opened()


def run_word(seed: int) -> int:
  """First half of the seeds of all training masks of a run."""
  words = np.random.SeedSequence([seed, _MASKS]).generate_state(1, np.uint64)
  return int(words[0] >> np.uint64(1))


def first_indices(slices: slices_lib.Slices, seed: int, batch_size: int):
  """Which slices make the first batch of training."""
  return next(data.shuffled_indices(seed, slices.num_slices, batch_size))[0]


def training(
  slices: slices_lib.Slices, seed, batch_size, cursor, rows
) -> Iterator[tuple[data.Batch, int]]:
  """Endless batches and cursors; see `workload.Data.train`."""
  first, last = rows or (0, batch_size)
  word = run_word(seed)
  for indices, taken in data.shuffled_indices(
    seed, slices.num_slices, batch_size, cursor
  ):
    wanted = indices[first:last].tolist()
    seeds = [(word, index) for index in wanted]
    yield slices_lib.read(slices, wanted, seeds), taken


def _evaluation(splits: slices_lib.Splits, split, batch_size, rows):
  """One pass in order, the last batch padded."""
  first, last = rows or (0, batch_size)
  slices, indices, seeds = _evaluated(splits, split)
  for start in range(0, len(indices), batch_size):
    chosen = slice(start + first, start + last)
    wanted = indices[chosen]
    batch = slices_lib.read(slices, wanted, seeds[chosen], last - first)
    weights = (np.arange(last - first) < len(wanted)).astype(np.float32)
    yield batch | {'weights': weights}


def _evaluated(splits: slices_lib.Splits, split: str):
  """Slices, indices and seeds of an evaluation; of training a fixed part."""
  if split != 'train':
    slices = {'validation': splits.validation, 'test': splits.test}[split]
    indices = list(range(slices.num_slices))
    return slices, indices, [sampling.EVALUATION_SEED] * len(indices)
  indices = eval_train(splits.train.num_slices)
  return splits.train, indices, [(_EVAL_TRAIN_WORD, i) for i in indices]


def eval_train(num_slices: int) -> list[int]:
  """Training slices that one evaluation covers, at equal distances.

  Of N slices, the j-th of M is slice floor(j N / M).

  >>> eval_train(34_742)[:3], len(eval_train(34_742))
  ([0, 9, 19], 3584)
  """
  count = min(slices_lib.EVAL_TRAIN, num_slices)
  return [j * num_slices // count for j in range(count)]


def fake(size: int) -> workload.Data:
  """Random images around a random mean."""

  def make_batch(rng, batch_size, split):
    targets = rng.standard_normal((batch_size, size, size), np.float32)
    batch = {'inputs': 0.5 * targets, 'targets': targets}
    for key in _STATISTICS:
      batch[key] = rng.uniform(1, 2, batch_size).astype(np.float32)
    if split is not None:
      batch['weights'] = np.ones(batch_size, np.float32)
    return batch

  return data.generated(make_batch, _FAKE_EVALUATION_EXAMPLES)._replace(
    element_spec=functools.partial(element_spec, size)
  )


def mini(_: pathlib.Path | None = None) -> workload.Data:
  """Simulated scans of the brain that ships, undersampled as the real ones.

  As in the full task, all validation and test slices share one mask, and a
  training slice has the same mask in every epoch.
  """

  def train(seed, batch_size, cursor):
    arrays = _mini_split('train')
    for indices, taken in data.shuffled_indices(
      seed, len(arrays['inputs']), batch_size, cursor
    ):
      yield {key: value[indices] for key, value in arrays.items()}, taken

  def evaluation(split, batch_size):
    arrays = _mini_split(split)
    count = MINI_EVALUATED[split]
    arrays = {key: value[:count] for key, value in arrays.items()}
    weights = np.ones(count, np.float32)
    return data.array_evaluation(arrays | {'weights': weights}, batch_size)

  return data.from_whole_batches(
    train, evaluation, functools.partial(element_spec, MINI_SIZE)
  )


def _mini_split(split: str) -> dict[str, np.ndarray]:
  """All slices of a split, undersampled and normalised; kept in the cache."""
  sources = (files.manifest()['mri']['sha256'], mri.VERSION)
  return cache.cached(
    f'mri-undersampled-{split}',
    (*sources, _UNDERSAMPLING_VERSION),
    functools.partial(_undersampled, split),
  )


def _undersampled(split: str) -> dict[str, np.ndarray]:
  """Inputs, targets and statistics of all slices of a split."""
  slices = mri.slices(split)
  pairs = [
    sampling.undersampled(
      kspace,
      target,
      (1, i) if split == 'train' else sampling.EVALUATION_SEED,
    )
    for i, (kspace, target) in enumerate(
      zip(slices.kspace, slices.reconstruction)
    )
  ]
  columns = {
    key: np.stack([getattr(pair, key) for pair in pairs])
    for key in sampling.Slice._fields
  }
  return columns | {'volume_max': slices.volume_max}
