# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Shampoo as the baseline of the benchmark paper had it.

As published it never preconditions: its limit on the size of an axis was left
at 0. What remains is normalised RMSProp with momentum. `intended` has a limit
of 4096.

References:
  Anil et al., `Scalable Second Order Optimization for Deep Learning
  <https://arxiv.org/abs/2002.09018>`_, 2020
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import (
  batch_sizes,
  blocking,
  checks,
  leafwise,
  matrix_roots,
  schedules,
)
from jaxperf import submission as submission_lib
from jaxperf import tuning

_TINY = 1e-25


class ShampooJaxState(NamedTuple):
  """Number of updates; factors and roots as in Shampoo; and per parameter.

  `v` averages normalised squares, `grafted` and `preconditioned` are the
  momenta of the two directions; the latter only where there is one.
  """

  count: jax.Array
  factors: list[list[jax.Array]]
  roots: list[list[jax.Array]]
  v: optax.Updates
  grafted: optax.Updates
  preconditioned: optax.Updates


def shampoo_jax(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  weight_decay: float = 0.0,
  eps: float = 1e-6,
  *,
  max_axis: int = 0,
  block_size: int = 1024,
  merge_limit: int = 4096,
  precondition_every: int = 20,
  start: int = 101,
  mesh: jax.sharding.Mesh | None = None,
) -> optax.GradientTransformation:
  r"""Shampoo grafted to normalised RMSProp, with momentum over the decay.

  With :math:`c = g / \|g\|` per parameter and, where preconditioned, the roots
  :math:`P_i = L_i^{-1/2k}` of :math:`L_i \leftarrow \beta_2 L_i + (1 - \beta_2)
  g_{(i)} g_{(i)}^T`,

  .. math::
    v &\leftarrow \beta_2 v + (1 - \beta_2) c^2, \quad
    a = c / (\sqrt{v} + 10^{-8}) \\
    p &= g \times_1 P_1 \dots \times_k P_k, \quad q = p \|a\| / \|p\| \\
    w &= q + \lambda \theta, \quad M \leftarrow \beta_1 M + (1 - \beta_1) w,
    \quad \theta \leftarrow \theta - \eta ((1 - \beta_1) w + \beta_1 M)

  and a in place of q, with a momentum of its own, before update `start`.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: decay of the momentum.
    b2: decay of factors and squares.
    weight_decay: λ, goes through the momentum.
    eps: start of the statistics, as a multiple of I, and ridge of the roots,
      relative to the largest eigenvalue.
    max_axis: parameters with a larger axis, and scalars, are never
      preconditioned. 0, as published, leaves none.
    block_size: largest side of a block.
    merge_limit: largest product of axes that are merged.
    precondition_every: updates between refreshed roots, from the first on.
    start: 0-based update that first uses them.
    mesh: whose devices share blocks and roots, or None.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate,
    b1=b1,
    b2=b2,
    weight_decay=weight_decay,
    eps=eps,
    block_size=block_size,
    precondition_every=precondition_every,
  )
  rate = learning_rate if callable(learning_rate) else lambda _: learning_rate
  root = matrix_roots.newton_root(eps)

  def has_blocks(p):
    return p.ndim > 0 and max(p.shape) <= max_axis

  def blocking_of(tree):
    leaves = jax.tree.leaves(tree)
    return blocking.make_blocking(
      [tuple(range(x.ndim)) for x in leaves],
      [
        blocking.merge_axes(x.shape, merge_limit) if has_blocks(x) else None
        for x in leaves
      ],
      block_size,
      mesh,
    )

  def init(params):
    blocks = blocking_of(params)
    return ShampooJaxState(
      count=jnp.zeros([], jnp.int32),
      factors=blocks.matrices(eps),
      roots=blocks.matrices(1.0),
      v=optax.tree.zeros_like(params),
      grafted=optax.tree.zeros_like(params),
      preconditioned=jax.tree.map(
        lambda p: jnp.zeros_like(p) if has_blocks(p) else optax.MaskedNode(),
        params,
      ),
    )

  def update(updates, state, params):
    step = state.count
    blocks = blocking_of(updates)
    factors = blocking.average_products(blocks, updates, state.factors, b2)
    orders = [[2 * len(shape)] * len(shape) for shape in blocks.groups]
    roots = jax.lax.cond(
      step % precondition_every == 0,
      lambda: matrix_roots.refresh(
        root, factors, state.roots, orders, blocks.mesh
      ),
      lambda: state.roots,
    )
    stacks = blocking.multiply_all(blocks, updates, roots)
    p = blocks.join(stacks, updates)
    eta = rate(step)

    def average(w, momentum):
      momentum = b1 * momentum + (1 - b1) * w
      return (1 - b1) * w + b1 * momentum, momentum

    def leaf(g, p, theta, v, grafted, preconditioned):
      c = g / (jnp.linalg.norm(g) + _TINY)
      v = b2 * v + (1 - b2) * jnp.square(c)
      a = c / (jnp.sqrt(v) + 1e-8)
      u, grafted = average(a + weight_decay * theta, grafted)
      if has_blocks(g):
        q = p * (jnp.linalg.norm(a) / (jnp.linalg.norm(p) + _TINY))
        later, preconditioned = average(
          q + weight_decay * theta, preconditioned
        )
        u = jnp.where(step >= start, later, u)
      return -eta * u, v, grafted, preconditioned

    change, v, grafted, preconditioned = leafwise.map_leaves(
      leaf, updates, p, params, state.v, state.grafted, state.preconditioned
    )
    return change, ShampooJaxState(
      step + 1, factors, roots, v, grafted, preconditioned
    )

  return optax.GradientTransformation(init, update)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return shampoo_jax(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
    max_axis=hps.max_axis,
    mesh=run.mesh,
  )


# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(1e-4, 1e-2, 'log'),
  'one_minus_beta1': tuning.Range(1e-2, 0.15, 'log'),
  'beta2': 0.999,
  'weight_decay': tuning.Range(5e-3, 1.0, 'log'),
  'warmup_factor': 0.05,
  'label_smoothing': tuning.Choice((0.1, 0.2)),
  'dropout_rate': tuning.Choice((0.0, 0.1)),
  'max_axis': 0,
}
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.SearchSpace(**_PAPER),
  batch_size=batch_sizes.BASELINE,
  state_sharding=blocking.state_sharding,
)
paper_fixed_beta1 = dataclasses.replace(
  submission,
  tuning=tuning.SearchSpace(**{**_PAPER, 'one_minus_beta1': 0.1}),
)
intended = dataclasses.replace(
  submission, tuning=tuning.SearchSpace(**{**_PAPER, 'max_axis': 4096})
)
