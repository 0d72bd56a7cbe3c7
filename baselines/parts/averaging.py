# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Averages of updates, and of snapshots of the parameters.

References:
  Kaddour, `Stop Wasting My Time! Saving Days of ImageNet and BERT Training with
  Latest Weight Averaging <https://arxiv.org/abs/2209.14981>`_, 2022
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import checks


class SnapshotState(NamedTuple):
  """Updates and snapshots so far, the inner state, and what is kept of them.

  `kept` is a tree of the parameters with a leading axis for a queue, without it
  for a moving average.
  """

  count: jax.Array
  pushes: jax.Array
  inner: optax.OptState
  kept: Any


def queue_snapshots(
  inner: optax.GradientTransformation,
  start: int,
  every: int,
  length: int = 10,
) -> optax.GradientTransformationExtraArgs:
  """Keeps the last snapshots; `queue_mean` evaluates their mean.

  Args:
    inner: updates the parameters.
    start: 0-based update after which the first snapshot is taken.
    every: updates between snapshots.
    length: number of snapshots, each as large as the parameters.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(snapshot_every=every, queue_length=length)

  def push(kept, params, pushes):
    return jax.tree.map(lambda q, p: q.at[pushes % length].set(p), kept, params)

  def zeros(params):
    return jax.tree.map(
      lambda p: jnp.zeros((length, *p.shape), p.dtype), params
    )

  return _with_snapshots(inner, start, every, zeros, push)


def queue_mean(opt_state, params, model_state):
  """The mean of a full queue; the raw parameters before."""

  def mean(q, p):
    return jnp.where(opt_state.pushes >= q.shape[0], q.mean(0), p)

  return jax.tree.map(mean, opt_state.kept, params), model_state


def average_snapshots(
  inner: optax.GradientTransformation, start: int, every: int, decay: float
) -> optax.GradientTransformationExtraArgs:
  """Keeps a moving average of snapshots; `snapshot_average` evaluates it.

  Args:
    inner: updates the parameters.
    start: 0-based update after which the average begins.
    every: updates between snapshots.
    decay: weight of the old average, in [0, 1).

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(snapshot_every=every, decay=decay)

  def push(kept, params, pushes):
    new = optax.tree.update_moment(params, kept, decay, 1)
    return optax.tree.where(pushes == 0, params, new)

  return _with_snapshots(inner, start, every, optax.tree.zeros_like, push)


def snapshot_average(opt_state, params, model_state):
  """The average once there is one; the raw parameters before."""
  average = optax.tree.where(opt_state.pushes > 0, opt_state.kept, params)
  return average, model_state


def nesterov_average(decay: float) -> optax.GradientTransformation:
  r"""Averages updates: :math:`M \leftarrow \mu M + (1 - \mu) u`, looking ahead.

  What comes out is :math:`(1 - \mu) u + \mu M`, without bias correction.
  """
  checks.validate(momentum=decay)

  def update(updates, state, params=None):
    del params
    average = optax.tree.update_moment(updates, state.trace, decay, 1)
    ahead = optax.tree.update_moment(updates, average, decay, 1)
    return ahead, optax.TraceState(average)

  return optax.GradientTransformation(
    lambda params: optax.TraceState(optax.tree.zeros_like(params)), update
  )


def _with_snapshots(
  inner: optax.GradientTransformation,
  start: int,
  every: int,
  init_kept: Callable,
  push: Callable,
) -> optax.GradientTransformationExtraArgs:
  """Calls `push(kept, new_params, pushes)` on schedule."""
  inner = optax.with_extra_args_support(inner)

  def init(params):
    zero = jnp.zeros([], jnp.int32)
    return SnapshotState(zero, zero, inner.init(params), init_kept(params))

  def update(updates, state, params, **extra_args):
    step, inner_state = inner.update(updates, state.inner, params, **extra_args)
    past = state.count - start
    due = (past >= 0) & (past % every == 0)
    kept = jax.lax.cond(
      due,
      lambda: push(state.kept, optax.apply_updates(params, step), state.pushes),
      lambda: state.kept,
    )
    return step, SnapshotState(
      state.count + 1, state.pushes + due, inner_state, kept
    )

  return optax.GradientTransformationExtraArgs(init, update)


def parts_of_step_hint(step_hint: int, start: float, every: float):
  """Start and interval of snapshots as parts of the step hint, rounded up.

  >>> parts_of_step_hint(1001, start=0.1, every=0.01)
  (101, 11)
  """
  return math.ceil(start * step_hint), math.ceil(every * step_hint)
