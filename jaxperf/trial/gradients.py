# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of the training step, as functions of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxperf import mesh, submission
from jaxperf.trial import trial

PyTree = Any


def make_gradients(
  training: trial.Training,
  model_state: PyTree,
  batch: PyTree,
  key: jax.Array,
) -> submission.Gradients:
  """Loss and gradient as functions of the parameters, on one batch and key.

  The loss is (sum of `summed`) / (sum of `n_valid`) over the global batch,
  whatever the number of devices and microbatches.
  """
  workload, hps = training.workload, vars(training.hps)
  smoothing = hps.get('label_smoothing') or 0.0
  clip = hps.get('grad_clip')

  def summed(params, update_stats, model_state, batch, key):
    with mesh.sharing_batch(training.run.mesh):
      outputs, model_state = workload.apply(
        params,
        model_state,
        batch,
        key,
        train=True,
        update_stats=update_stats,
        dropout_rate=hps.get('dropout_rate'),
      )
    loss = workload.loss(outputs, batch, label_smoothing=smoothing)
    return loss.summed, (loss.n_valid, model_state)

  def accumulated(part: Callable) -> tuple[PyTree, PyTree]:
    return _accumulate(part, model_state, batch, key, training.microbatches)

  # Line searches of optax demand that `value_fn` takes what they do not use.
  def value_fn(params, *, grad_fn=None, step=None):
    del grad_fn, step

    def part(model_state, batch, key):
      value, (n_valid, new) = summed(params, False, model_state, batch, key)
      return (value, n_valid), new

    (value, n_valid), _ = accumulated(part)
    return value / _divisor(n_valid)

  def grad_fn(params, update_stats=False):
    if not isinstance(update_stats, bool):  # `optax.contrib.sam` counts here.
      return grad_fn(params)[1]

    def part(model_state, batch, key):
      (value, (n_valid, new)), grad = jax.value_and_grad(summed, has_aux=True)(
        params, update_stats, model_state, batch, key
      )
      return (value, n_valid, grad), new

    (value, n_valid, grad), new_model_state = accumulated(part)
    scale = 1 / _divisor(n_valid)
    grad = jax.tree.map(lambda g: g * scale, grad)
    if clip is not None:
      factor = jnp.clip(clip / (optax.tree.norm(grad) + 1e-6), 0, 1)
      grad = jax.tree.map(lambda g: g * factor, grad)
    return value * scale, grad, new_model_state

  return submission.Gradients(value_fn, grad_fn)


def free_gradients(
  params: PyTree, model_state: PyTree, grad: PyTree
) -> submission.Gradients:
  """Gradients without a model, which cost nothing and are good for shapes.

  The loss is 0. The gradient at the parameters is the given one; anywhere else
  it is the point, which therefore has to be computed.
  """

  def value_fn(point, *, grad_fn=None, step=None):
    del point, grad_fn, step
    return jnp.float32(0)

  def grad_fn(point, update_stats=False):
    at_point = grad if point is params else point
    if not isinstance(update_stats, bool):
      return at_point
    return jnp.float32(0), at_point, model_state

  return submission.Gradients(value_fn, grad_fn)


def _accumulate(part, model_state, batch, key, microbatches):
  """Sums `part` over the microbatches; the model state goes through them.

  Microbatch i takes every `microbatches`-th example from i on, so that each
  device keeps the examples that it holds.
  """
  if microbatches == 1:
    return part(model_state, batch, key)

  def slices(x):
    x = x.reshape(x.shape[0] // microbatches, microbatches, *x.shape[1:])
    return jnp.moveaxis(x, 1, 0)

  batches = jax.tree.map(slices, batch)
  keys = jax.random.split(key, microbatches)
  first = jax.tree.map(lambda x: x[0], batches)
  total, _ = jax.eval_shape(part, model_state, first, key)
  zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), total)

  def body(carry, xs):
    total, model_state = carry
    summand, model_state = part(model_state, *xs)
    return (jax.tree.map(jnp.add, total, summand), model_state), None

  (total, model_state), _ = jax.lax.scan(
    body, (zeros, model_state), (batches, keys)
  )
  return total, model_state


def _divisor(n_valid: jax.Array) -> jax.Array:
  """`n_valid`, or 1 for a batch without any valid example."""
  return jnp.where(n_valid > 0, n_valid, 1).astype(jnp.float32)
