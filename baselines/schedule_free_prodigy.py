# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Schedule-Free Prodigy: finds its step size from the distance travelled.

A submission of the 2024 competition (external tuning). It computed a second
gradient a step and threw it away; that pass is left out here.

References:
  Mishchenko and Defazio, `Prodigy: An Expeditiously Adaptive Parameter-Free
  Learner <https://arxiv.org/abs/2306.06101>`_, 2024
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines import schedule_free_adamw
from baselines.parts import batch_sizes, checks, leafwise, rounding, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


class ProdigyState(NamedTuple):
  """Scalars; per parameter z, v, the sum s of gradients, and the start p0."""

  count: jax.Array
  weight_sum: jax.Array
  d: jax.Array
  numerator: jax.Array
  b1: jax.Array
  z: optax.Params
  v: optax.Updates
  s: optax.Updates
  p0: optax.Params


def schedule_free_prodigy(
  learning_rate: optax.Schedule,
  b1: float = 0.9,
  b2: float = 0.9955,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
  d0: float = 1e-6,
  state_dtype: Any = jnp.bfloat16,
) -> optax.GradientTransformation:
  r"""Schedule-Free Prodigy; trains y, like Schedule-Free AdamW.

  With :math:`\delta = d \, \ell` for the relative rate :math:`\ell`,

  .. math::
    N &\leftarrow \sqrt{\beta_2} N + d \delta \langle g, p_0 - z \rangle \\
    v &\leftarrow \beta_2 v + (1 - \beta_2) d^2 g^2, \quad
    s \leftarrow \sqrt{\beta_2} s + d \delta g \\
    d' &= \max(d, N / \|s\|_1) \\
    z &\leftarrow z - \lambda \delta x - d' \delta g / (\sqrt{v} + d' \epsilon)

  and x, y as in Schedule-Free AdamW with weights :math:`(k + 1)^{0.75}`. The
  new d' multiplies the old δ, as published. Nothing moves while s is 0.

  Args:
    learning_rate: relative rate ℓ, a function of the 0-based step.
    b1: how far y is from z towards x, in (0, 1).
    b2: decay of the average of squares.
    eps: relative to d, added to the root of v.
    weight_decay: λ.
    d0: first guess of the distance to the solution.
    state_dtype: of v, s and p0. In bfloat16, as published, p0 - z is mostly
      rounding error at first.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    interpolation=b1, b2=b2, eps=eps, weight_decay=weight_decay, d0=d0
  )

  def rounded(x):
    return rounding.round_to(x, state_dtype)

  def init(params):
    return ProdigyState(
      count=jnp.zeros([], jnp.int32),
      weight_sum=jnp.zeros([]),
      d=jnp.asarray(d0),
      numerator=jnp.zeros([]),
      b1=jnp.asarray(b1),
      z=jax.tree.map(jnp.copy, params),
      v=optax.tree.zeros_like(params, dtype=state_dtype),
      s=optax.tree.zeros_like(params, dtype=state_dtype),
      p0=jax.tree.map(lambda p: jnp.array(p, state_dtype), params),
    )

  def update(updates, state, params):
    count = optax.safe_increment(state.count)
    d, decay = state.d, math.sqrt(b2)
    delta = d * learning_rate(state.count)
    travelled = jax.tree.map(
      lambda g, p0, z: jnp.sum(g * (p0.astype(jnp.float32) - z)),
      updates,
      state.p0,
      state.z,
    )
    numerator = decay * state.numerator + d * delta * optax.tree.sum(travelled)
    v = jax.tree.map(
      lambda v, g: rounding.average_square(v, d * g, b2, state_dtype),
      state.v,
      updates,
    )
    s = jax.tree.map(
      lambda s, g: rounded(
        rounded(decay * s.astype(jnp.float32)) + d * delta * g
      ),
      state.s,
      updates,
    )
    length = optax.tree.sum(
      jax.tree.map(lambda s: rounded(jnp.sum(jnp.abs(s))), s)
    )
    moves = length > 0
    new_d = jnp.maximum(d, numerator / jnp.where(moves, length, 1.0))
    new_d = jnp.where(moves, new_d, d)
    weight = jnp.where(moves, count**0.75, 0.0)
    weight_sum = state.weight_sum + weight
    mix = weight / jnp.where(moves, weight_sum, 1.0)

    def leaf(g, y, z, v):
      x = (y - (1 - b1) * z) / b1
      root = rounded(rounded(jnp.sqrt(v)) + new_d * eps)
      new_z = z - weight_decay * delta * x
      new_z = new_z - new_d * delta * g / jnp.where(moves, root, 1.0)
      new_z = jnp.where(moves, new_z, z)
      x = (1 - mix) * x + mix * new_z
      new_y = jnp.where(moves, b1 * x + (1 - b1) * new_z, y)
      return new_y - y, new_z

    step, z = leafwise.map_leaves(leaf, updates, params, state.z, v)
    return step, ProdigyState(
      count=jnp.where(moves, count, state.count),
      weight_sum=weight_sum,
      d=new_d,
      numerator=numerator,
      b1=state.b1,
      z=z,
      v=optax.tree.cast(v, state_dtype),
      s=optax.tree.cast(s, state_dtype),
      p0=state.p0,
    )

  return optax.GradientTransformation(init, update)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  return schedule_free_prodigy(
    schedules.warmup_constant(1.0, int(hps.warmup_factor * run.step_hint)),
    weight_decay=hps.weight_decay,
  )


submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.Points(
    {'weight_decay': x, 'warmup_factor': 0.075, 'label_smoothing': 0.2}
    for x in (0.3, 0.1, 0.03, 0.01, 0.003)
  ),
  batch_size=batch_sizes.PRODIGY,
  eval_params=schedule_free_adamw.eval_params,
)
