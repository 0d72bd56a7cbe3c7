# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""AdamG: Adam whose numerator is scaled towards the gradients' final size.

A self-tuning submission of the 2024 competition.

References:
  Pan et al., `Towards Stability of Parameter-free Optimization
  <https://arxiv.org/abs/2405.04376>`_, 2024
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, leafwise, schedules
from jaxperf import submission, tuning


class AdamGState(NamedTuple):
  """Number of updates; per parameter momentum m, squares v, numerator q."""

  count: jax.Array
  m: optax.Updates
  v: optax.Updates
  q: optax.Updates


def adamg(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.95,
  b2: float = 0.999,
  b3: float = 0.95,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
) -> optax.GradientTransformation:
  r"""AdamG, with the rate capped at :math:`1 / \sqrt t`.

  .. math::
    v &\leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
    q \leftarrow \beta_3 q + (1 - \beta_3) \, 0.2 \, v^{0.24} \\
    m &\leftarrow \beta_1 m + (1 - \beta_1) g q, \quad
    \eta_t = \min(1 / \sqrt{t}, \eta) \\
    \theta &\leftarrow \theta (1 - \eta_t \lambda) - \eta_t
      \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: decay of the momentum.
    b2: decay of the average of squares.
    b3: decay of the average of numerators.
    eps: added to the denominator.
    weight_decay: λ.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate,
    b1=b1,
    b2=b2,
    b3=b3,
    eps=eps,
    weight_decay=weight_decay,
  )
  rate = learning_rate if callable(learning_rate) else lambda _: learning_rate

  def init(params):
    return AdamGState(
      count=jnp.zeros([], jnp.int32),
      m=optax.tree.zeros_like(params),
      v=optax.tree.zeros_like(params),
      q=optax.tree.zeros_like(params),
    )

  def update(updates, state, params):
    count = optax.safe_increment(state.count)
    eta = jnp.minimum(1 / jnp.sqrt(count), rate(state.count))
    correction1, correction2 = 1 - b1**count, 1 - b2**count

    def leaf(g, p, m, v, q):
      v = b2 * v + (1 - b2) * jnp.square(g)
      q = b3 * q + (1 - b3) * 0.2 * almost_fourth_root(v)
      m = b1 * m + (1 - b1) * g * q
      u = (m / correction1) / (jnp.sqrt(v / correction2) + eps)
      return -eta * (u + weight_decay * p), m, v, q

    step, m, v, q = leafwise.map_leaves(
      leaf, updates, params, state.m, state.v, state.q
    )
    return step, AdamGState(count, m, v, q)

  return optax.GradientTransformation(init, update)


def almost_fourth_root(v):
  """The power 0.24 of v.

  The logarithm of what is missing to the fourth root is small and costs no
  precision. XLA's power, exact near 1 as well, takes three times as long.
  """
  missing = -0.01 * jnp.log(jnp.maximum(v, jnp.finfo(v.dtype).tiny))
  return jnp.sqrt(jnp.sqrt(v)) * jnp.exp(missing)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  horizon = hps.horizon_factor * run.step_hint
  schedule = schedules.warmup_rebounding_cosine(
    hps.learning_rate, int(hps.warmup_factor * horizon), horizon
  )
  return adamg(
    schedule, hps.beta1, hps.beta2, hps.beta3, weight_decay=hps.weight_decay
  )


self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=1.0,
    beta1=0.95,
    beta2=0.999,
    beta3=0.95,
    weight_decay=0.0,
    warmup_factor=0.02,
    horizon_factor=0.75,
  ),
  batch_size=batch_sizes.PLAIN,
)
