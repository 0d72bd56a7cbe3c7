# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation: sums and rows over a split, then metrics, in bounded memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxperf import data
from jaxperf import mesh as mesh_lib
from jaxperf import workload as workload_lib
from jaxperf.trial import batches

PyTree = Any


class Evaluator:
  """Computes the metrics of given parameters on all splits.

  If the devices run out of memory the evaluation batch is halved, for good;
  that changes no metric and no time that counts.

  Attributes:
    batch_size: evaluation batch in use.
    batches: of the last evaluation, all splits together.
  """

  def __init__(
    self,
    workload: workload_lib.Workload,
    mesh: jax.sharding.Mesh,
    limit: int | None = None,
  ):
    """Compiles nothing yet.

    Args:
      workload: that is evaluated.
      mesh: of the run.
      limit: batches of each split that are evaluated; None for all.
    """
    self._workload = workload
    self._mesh = mesh
    self._limit = limit
    self.batches = 0
    self._evaluate = jax.jit(
      workload.evaluate, out_shardings=mesh_lib.replicated(mesh)
    )
    whole = workload.batch_shards or mesh.size
    self.batch_size = -(-workload.eval_batch_size // whole) * whole
    self._least = whole

  def __call__(
    self, params: PyTree, model_state: PyTree, key: jax.Array
  ) -> dict[str, float]:
    """Metrics of all splits, as `'SPLIT/METRIC'` -> value."""
    metrics = {}
    self.batches = 0
    for split in self._workload.description.splits:
      for name, value in self.split(params, model_state, split, key).items():
        metrics[f'{split}/{name}'] = float(value)
    return metrics

  def covered(self) -> dict[str, int]:
    """Examples of validation and test that an evaluation covers, at most."""
    description = self._workload.description
    whole = {
      'validation': description.num_validation,
      'test': description.num_test,
    }
    if self._limit is None:
      return whole
    most = self._limit * self.batch_size
    return {split: min(count, most) for split, count in whole.items()}

  def split(
    self, params: PyTree, model_state: PyTree, split: str, key: jax.Array
  ) -> dict[str, float]:
    """Metrics of one split; smaller batches if the memory does not suffice."""
    while True:
      try:
        return self._one_pass(params, model_state, split, key)
      except jax.errors.JaxRuntimeError as error:
        smaller = self.batch_size // 2 // self._least * self._least
        if 'RESOURCE_EXHAUSTED' not in str(error) or not smaller:
          raise
        print(
          f'evaluation ran out of device memory with batches of '
          f'{self.batch_size}; going on with {smaller}',
          flush=True,
        )
        self.batch_size = smaller

  def on_batch(
    self,
    params: PyTree,
    model_state: PyTree,
    batch: PyTree,
    key: jax.Array,
    share: mesh_lib.Share | None = None,
  ) -> tuple[dict, dict]:
    """Sums and rows of one batch, which may still be computed.

    Args:
      params: the parameters.
      model_state: running statistics, if any.
      batch: of the host, of `batch_size` examples.
      key: the random key.
      share: part of the batch that this process has read; None for all.
    """
    placed = mesh_lib.place_batch(batch, self._mesh, share)
    with mesh_lib.sharing_batch(self._mesh):
      return self._evaluate(params, model_state, placed, key)

  def _one_pass(self, params, model_state, split, key) -> dict[str, float]:
    """Metrics of one split from batches of the current size."""
    sums: dict[str, float] = {}
    rows: dict[str, list[np.ndarray]] = {}
    share = mesh_lib.share(
      self._mesh, self._workload.batch_shards or self.batch_size
    )
    stream = batches.of_share(
      self._workload.data.evaluation, share, split, self.batch_size
    )
    pending = None
    for batch in itertools.islice(stream, self._limit):
      self.batches += 1
      result = self.on_batch(params, model_state, batch, key, share)
      if pending is not None:
        _collect(pending, sums, rows)
      pending = result  # Fetched while the devices work on the next one.
    _collect(pending, sums, rows)
    return self._workload.finish(
      sums, {name: np.concatenate(parts) for name, parts in rows.items()}
    )


def check_batch(batch: PyTree, spec: PyTree) -> None:
  """Refuses a batch that is not what the workload promises.

  Raises:
    ValueError: naming the missing or extra keys, or the array that differs.
  """
  actual = data.spec_of(batch)
  if jax.tree.structure(actual) != jax.tree.structure(spec):
    raise ValueError(
      f'a batch has the structure {jax.tree.structure(actual)}, the workload '
      f'promises {jax.tree.structure(spec)}'
    )
  for (path, got), (_, want) in zip(
    jax.tree.leaves_with_path(actual), jax.tree.leaves_with_path(spec)
  ):
    if (got.shape, got.dtype) != (want.shape, want.dtype):
      raise ValueError(
        f'batch{jax.tree_util.keystr(path)} is {got.dtype}{list(got.shape)}, '
        f'the workload promises {want.dtype}{list(want.shape)}'
      )


def checked(stream: Iterator, spec: PyTree) -> Iterator:
  """A training stream; its first batch is compared with what is promised."""
  for i, (batch, cursor) in enumerate(stream):
    if i == 0:
      check_batch(batch, spec)
    yield batch, cursor


def columns(workload: workload_lib.Workload) -> list[str]:
  """Columns of the table of evaluations that the workload defines."""
  return [
    f'{split}/{metric}'
    for split in workload.description.splits
    for metric in workload.metric_names
  ] + ['validation/num_examples', 'test/num_examples']


def _collect(
  result: tuple[dict, dict],
  sums: dict[str, float],
  rows: dict[str, list[np.ndarray]],
) -> None:
  """Adds one batch: sums in float64, rows of real examples."""
  batch_sums, batch_rows = jax.device_get(result)
  for name, value in batch_sums.items():
    sums[name] = sums.get(name, 0.0) + float(value)
  if not batch_rows:
    return
  valid = np.asarray(batch_rows['valid'])
  for name, value in batch_rows.items():
    if name != 'valid':
      rows.setdefault(name, []).append(np.asarray(value)[valid])
