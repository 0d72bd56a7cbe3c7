# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Cautious NadamW: only steps that agree in sign with the gradient.

References:
  Liang et al., `Cautious Optimizers: Improving Training with One Line of Code
  <https://arxiv.org/abs/2411.16085>`_, 2024
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import optax

from baselines import nadamw
from baselines.parts import checks, schedules
from jaxperf import tuning


def cautious(
  direction: optax.GradientTransformation,
) -> optax.GradientTransformation:
  r"""Masks a direction where it opposes this step's gradient.

  .. math::
    \mu = 1[u g > 0], \quad u \leftarrow u \mu / \max(\bar{\mu}, 10^{-3})

  with the mean over each parameter array.

  Args:
    direction: makes u from g, before the weight decay is added.
  """

  def mask(u, g):
    agrees = (u * g > 0).astype(u.dtype)
    return u * agrees / jnp.maximum(agrees.mean(), 1e-3)

  def update(updates, state, params=None):
    u, state = direction.update(updates, state, params)
    return jax.tree.map(mask, u, updates), state

  return optax.GradientTransformation(direction.init, update)


def cautious_nadamw(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
) -> optax.GradientTransformation:
  """`nadamw.nadamw` with a cautious direction; the decay is not masked."""
  checks.validate(learning_rate=learning_rate, weight_decay=weight_decay)
  return optax.chain(
    cautious(nadamw.scale_by_nadam(b1, b2, eps)),
    optax.add_decayed_weights(weight_decay),
    optax.scale_by_learning_rate(learning_rate),
  )


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return cautious_nadamw(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
  )


self_tuning = dataclasses.replace(
  nadamw.rolling_baseline_v05, optimizer=_optimizer
)
submission = dataclasses.replace(
  self_tuning, tuning=tuning.Points(nadamw.BASELINE_POINTS.points)
)
