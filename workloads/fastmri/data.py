# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of fastMRI knee slices and of simulated brain slices.

Shapes: B slices of SxS pixels.
"""

import functools

import jax
import numpy as np

from jaxperf import data, workload
from workloads.fastmri import sampling
from workloads.mini_data import cache, files, mri

MINI_SIZE = 96
# Slices that one evaluation covers.
MINI_EVALUATED = {'train': 32, 'validation': 128, 'test': 128}
_FAKE_EVALUATION_EXAMPLES = 100
# Changes with what `sampling.undersampled` does.
_UNDERSAMPLING_VERSION = '1'
_STATISTICS = ('mean', 'std', 'volume_max')


def element_spec(size: int, batch_size: int, split: str | None = None):
  """A training batch, or an evaluation batch if a split is named."""
  image = jax.ShapeDtypeStruct((batch_size, size, size), np.float32)
  number = jax.ShapeDtypeStruct((batch_size,), np.float32)
  batch = {'inputs': image, 'targets': image}
  batch |= dict.fromkeys(_STATISTICS, number)
  return batch if split is None else batch | {'weights': number}


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


def mini() -> workload.Data:
  """Simulated scans of the brain that ships, undersampled as the real ones.

  As in the full task, all validation and test slices share one mask, and a
  training slice has the same mask in every epoch.
  """

  def train(seed, batch_size, cursor=None):
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

  return workload.Data(
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
