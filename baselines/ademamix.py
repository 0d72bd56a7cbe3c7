# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""AdEMAMix: AdamW with a second, slow average of gradients.

References:
  Pagliardini et al., `The AdEMAMix Optimizer: Better, Faster, Older
  <https://arxiv.org/abs/2409.03137>`_, 2024
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission, tuning


def ademamix(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  b3: float = 0.9999,
  alpha: float = 5.0,
  weight_decay: float = 0.0,
  *,
  ramp_steps: int = 500_000,
) -> optax.GradientTransformation:
  r"""`optax.contrib.ademamix` with the ramps of the paper's code.

  At update t (1-based), :math:`\alpha_t = \alpha \min(t / T, 1)`, and the
  half-life of the slow average goes linearly from that of b1 to that of b3.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: decay of the fast average.
    b2: decay of the average of squares.
    b3: final decay of the slow average.
    alpha: final weight of the slow average.
    weight_decay: λ, multiplied by the rate.
    ramp_steps: T, updates until both ramps end.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate,
    b1=b1,
    b2=b2,
    b3=b3,
    alpha=alpha,
    weight_decay=weight_decay,
  )
  fast, slow = _half_life(b1), _half_life(b3)

  def ramp(count):
    return jnp.minimum((count + 1) / ramp_steps, 1.0)

  def slow_decay(count):
    half_life = (1 - ramp(count)) * fast + ramp(count) * slow
    # 1 - β first, which float32 resolves better than β near 1.
    return 1 + jnp.expm1(math.log(0.5) / (half_life + 1))

  return optax.contrib.ademamix(
    learning_rate,
    b1=b1,
    b2=b2,
    b3=slow_decay,
    alpha=lambda count: alpha * ramp(count),
    weight_decay=weight_decay,
  )


def _half_life(decay: float) -> float:
  """Steps, less one, in which an average with this decay forgets half."""
  return math.log(0.5) / math.log(decay + 1e-8) - 1


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_rebounding_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return ademamix(
    schedule,
    b1=hps.beta1,
    b2=hps.beta2,
    b3=hps.beta3,
    alpha=hps.alpha,
    weight_decay=hps.weight_decay,
  )


self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=2e-3,
    beta1=0.8,
    beta2=0.995,
    beta3=0.9995,
    alpha=8.0,
    weight_decay=0.1,
    warmup_factor=0.02,
    grad_clip=0.5,
  ),
  batch_size=batch_sizes.BASELINE,
)
