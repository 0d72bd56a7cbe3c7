# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""LAMB: AdamW's direction, scaled per parameter to that parameter's norm.

The rule is that of `optax.lamb`, which takes each norm twice.

References:
  You et al., `Large Batch Optimization for Deep Learning
  <https://arxiv.org/abs/1904.00962>`_, 2020
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def lamb(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
) -> optax.GradientTransformation:
  r"""LAMB: with u Adam's direction and the decay λθ, of each parameter array.

  .. math:: \theta \leftarrow \theta - \eta u \, \|\theta\| / \|u\|

  The ratio is 1 where a norm is 0.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: decay of the average of gradients, in [0, 1).
    b2: decay of the average of squares, in [0, 1).
    eps: added to the denominator.
    weight_decay: λ; all parameters decay.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate,
    b1=b1,
    b2=b2,
    eps=eps,
    weight_decay=weight_decay,
  )

  def scaled(u, p):
    norm_u, norm_p = optax.tree.norm(u), optax.tree.norm(p)
    usable = (norm_u > 0) & (norm_p > 0)
    return u * jnp.where(usable, norm_p / jnp.where(usable, norm_u, 1.0), 1.0)

  return optax.chain(
    optax.scale_by_adam(b1, b2, eps),
    optax.add_decayed_weights(weight_decay),
    optax.stateless(lambda u, params: jax.tree.map(scaled, u, params)),
    optax.scale_by_learning_rate(learning_rate),
  )


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return lamb(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
  )


# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(1e-4, 1e-2, 'log'),
  'one_minus_beta1': tuning.Range(5e-2, 0.3, 'log'),
  'beta2': 0.999,
  'weight_decay': tuning.Range(1e-3, 1.0, 'log'),
  'warmup_factor': 0.05,
  'label_smoothing': tuning.Choice((0.1, 0.2)),
  'dropout_rate': tuning.Choice((0.0, 0.1)),
}
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.SearchSpace(**_PAPER),
  batch_size=batch_sizes.BASELINE,
)
paper_fixed_beta1 = dataclasses.replace(
  submission,
  tuning=tuning.SearchSpace(**{**_PAPER, 'one_minus_beta1': 0.1}),
)
