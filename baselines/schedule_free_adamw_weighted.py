# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Schedule-Free AdamW over weighted dual averaging (external tuning, v0.6)."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines import schedule_free_adamw_v2
from baselines.parts import checks, leafwise, rounding, schedules
from jaxperf import tuning


class WeightedState(NamedTuple):
  """Scalars; per parameter the iterate z, the sum s, v, and the start z1."""

  count: jax.Array
  weight_sum: jax.Array
  b1: jax.Array
  z: optax.Params
  s: optax.Updates
  v: optax.Updates
  z1: optax.Params


def schedule_free_adamw_weighted(
  learning_rate: optax.Schedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
  state_dtype: Any = jnp.bfloat16,
) -> optax.GradientTransformation:
  r"""Schedule-Free AdamW whose z is the start less a weighted sum of steps.

  With K = k + 1, from k = 0, and averaging weights :math:`w = K \eta^2`,

  .. math::
    v &\leftarrow \beta_2 v + (1 - \beta_2) g(y)^2 \\
    s &\leftarrow s + K \eta \left(\lambda y +
      g / (\sqrt{v / (1 - \beta_2^K)} + \epsilon)\right) \\
    z &\leftarrow z_1 - s / K, \quad
    x \leftarrow x + (z - x) w / \textstyle\sum w, \quad
    y \leftarrow x + (1 - \beta_1) (z - x)

  Args:
    learning_rate: function of the 0-based step.
    b1: how far y is from z towards x, in (0, 1).
    b2: decay of the average of squares.
    eps: added to the corrected root of v.
    weight_decay: λ.
    state_dtype: of v and of the copy z1 of the initial parameters. bfloat16,
      as published, rounds both: z is off by that from the first step on.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(interpolation=b1, b2=b2, eps=eps, weight_decay=weight_decay)

  def init(params):
    return WeightedState(
      count=jnp.zeros([], jnp.int32),
      weight_sum=jnp.zeros([]),
      b1=jnp.asarray(b1),
      z=jax.tree.map(jnp.copy, params),
      s=optax.tree.zeros_like(params),
      v=optax.tree.zeros_like(params, dtype=state_dtype),
      z1=jax.tree.map(lambda p: jnp.array(p, state_dtype), params),
    )

  def update(updates, state, params):
    count = optax.safe_increment(state.count)
    raw_rate = learning_rate(state.count)
    weight = count * jnp.maximum(raw_rate, 1e-8) ** 2
    weight_sum = state.weight_sum + weight
    correction = rounding.bias_correction(b2, count)

    def leaf(g, y, z, s, v, z1):
      x = y + (1 - 1 / b1) * (z - y)
      s = s + count * weight_decay * raw_rate * y
      v = rounding.average_square(v, g, b2, state_dtype)
      root = jnp.sqrt(rounding.round_to(v / correction, state_dtype))
      root = rounding.round_to(
        rounding.round_to(root, state_dtype) + eps, state_dtype
      )
      s = s + count * raw_rate * g / root
      z = z1.astype(jnp.float32) - s / count
      x = x + (weight / weight_sum) * (z - x)
      return x + (1 - b1) * (z - x) - y, z, s, v.astype(state_dtype)

    step, z, s, v = leafwise.map_leaves(
      leaf, updates, params, state.z, state.s, state.v, state.z1
    )
    return step, WeightedState(count, weight_sum, state.b1, z, s, v, state.z1)

  return optax.GradientTransformation(init, update)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  return schedule_free_adamw_weighted(
    schedules.warmup_constant(
      hps.learning_rate, int(hps.warmup_factor * run.step_hint * 0.75)
    ),
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
  )


_FIRST_FOUR = schedule_free_adamw_v2.submission.tuning.points[:4]
_FIFTH = {
  **schedule_free_adamw_v2.submission.tuning.points[4],
  'learning_rate': 0.004,
}
submission = dataclasses.replace(
  schedule_free_adamw_v2.submission,
  optimizer=_optimizer,
  tuning=tuning.Points((*_FIRST_FOUR, _FIFTH)),
  train_step=schedule_free_adamw_v2.statistics_at_average(
    _optimizer, schedule_free_adamw_v2.two_steps_in_three
  ),
)
