# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of click logs: 13 dense features, then 26 ids, all float32."""

import functools

import jax
import numpy as np

from jaxperf import data, workload
from workloads.criteo1tb import model
from workloads.mini_data import clicks as clicks_lib

NUM_FEATURES = model.NUM_DENSE + model.NUM_CATEGORICAL
# Distinct values that the benchmark keeps of each categorical feature.
VOCAB_SIZES = (
  *(39_884_406, 39_043, 17_289, 7_420, 20_263, 3, 7_120, 1_543, 63),
  *(38_532_951, 2_953_546, 403_346, 10, 2_208, 11_938, 155, 4, 976, 14),
  *(39_979_771, 25_641_295, 39_664_984, 585_935, 12_972, 108, 36),
)
MINI_EVAL_TRAIN = 2_048
_FAKE_EVALUATION_EXAMPLES = 1_000
_CLICK_RATE = 0.25


def element_spec(batch_size: int, split: str | None = None):
  """A training batch, or an evaluation batch if a split is named."""
  vector = jax.ShapeDtypeStruct((batch_size,), np.float32)
  inputs = jax.ShapeDtypeStruct((batch_size, NUM_FEATURES), np.float32)
  spec = {'inputs': inputs, 'targets': vector}
  return spec if split is None else spec | {'weights': vector}


def fake() -> workload.Data:
  """Random features and clicks; ids follow the real vocabulary sizes."""

  def make_batch(rng, batch_size, split):
    dense = np.log1p(rng.integers(4096, size=(batch_size, model.NUM_DENSE)))
    ids = rng.integers(VOCAB_SIZES, size=(batch_size, model.NUM_CATEGORICAL))
    return {
      'inputs': np.concatenate([dense, ids], axis=1).astype(np.float32),
      'targets': (rng.random(batch_size) < _CLICK_RATE).astype(np.float32),
    }

  return data.generated(make_batch, _FAKE_EVALUATION_EXAMPLES)._replace(
    element_spec=element_spec
  )


def mini() -> workload.Data:
  """Flights in place of adverts; a late arrival stands for a click."""

  def train(seed, batch_size, cursor=None):
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

  return workload.Data(train, evaluation, element_spec)


@functools.cache
def _mini_arrays() -> dict[str, dict[str, np.ndarray]]:
  """`inputs` (N, 39) and `targets` (N,), by split."""
  return {
    split: {
      'inputs': np.concatenate(
        [clicks.dense, clicks.categorical], axis=1, dtype=np.float32
      ),
      'targets': clicks.labels,
    }
    for split, clicks in clicks_lib.splits().items()
  }
