# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""NadamW, the benchmark's baseline, and the core that many algorithms share.

References:
  Dozat, `Incorporating Nesterov Momentum into Adam
  <https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ>`_, 2016
  Loshchilov and Hutter, `Decoupled Weight Decay Regularization
  <https://arxiv.org/abs/1711.05101>`_, 2019
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


class NadamState(NamedTuple):
  """Number of updates, and averages of g and g^2 shaped like the parameters."""

  count: jax.Array
  m: optax.Updates
  v: optax.Updates


def scale_by_nadam(
  b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, power: float = 2.0
) -> optax.GradientTransformation:
  r"""Adam's direction with a Nesterov look-ahead.

  .. math::
    m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
    v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
    u &= \frac{(\beta_1 m + (1 - \beta_1) g) / (1 - \beta_1^t)}
              {(v / (1 - \beta_2^t))^{1/p} + \epsilon}

  `optax.scale_by_adam(nesterov=True)` divides the two parts of the look-ahead
  by different corrections; here both are divided by that of step t.

  Args:
    b1: decay of the average of gradients, in [0, 1).
    b2: decay of the average of squares, in [0, 1).
    eps: added to the denominator, outside the root.
    power: p; 2 gives the square root.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(b1=b1, b2=b2, eps=eps, power=power)

  def init(params):
    return NadamState(
      count=jnp.zeros([], jnp.int32),
      m=optax.tree.zeros_like(params),
      v=optax.tree.zeros_like(params),
    )

  def update(updates, state, params=None):
    del params
    m_hat, v_hat, state = nadam_moments(updates, state, b1, b2)
    root = jnp.sqrt if power == 2 else lambda x: jnp.power(x, 1 / power)
    u = jax.tree.map(lambda m, v: m / (root(v) + eps), m_hat, v_hat)
    return u, state

  return optax.GradientTransformation(init, update)


def nadam_moments(
  updates: optax.Updates, state: NadamState, b1: float, b2: float
) -> tuple[optax.Updates, optax.Updates, NadamState]:
  """The look-ahead average of g and that of g^2, both corrected; new state."""
  count = optax.safe_increment(state.count)
  m = optax.tree.update_moment(updates, state.m, b1, 1)
  v = optax.tree.update_moment(updates, state.v, b2, 2)
  m_hat = optax.tree.update_moment(updates, m, b1, 1)
  return (
    optax.tree.bias_correction(m_hat, b1, count),
    optax.tree.bias_correction(v, b2, count),
    NadamState(count, m, v),
  )


def nadamw(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
  power: float = 2.0,
) -> optax.GradientTransformation:
  r"""NadamW: :math:`\theta \leftarrow \theta - \eta (u + \lambda \theta)`.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: see `scale_by_nadam`.
    b2: see `scale_by_nadam`.
    eps: see `scale_by_nadam`.
    weight_decay: λ, multiplied by the rate; all parameters decay.
    power: see `scale_by_nadam`.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(learning_rate=learning_rate, weight_decay=weight_decay)
  return optax.chain(
    scale_by_nadam(b1, b2, eps, power),
    optax.add_decayed_weights(weight_decay),
    optax.scale_by_learning_rate(learning_rate),
  )


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return nadamw(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
  )


_NAMES = (
  'learning_rate',
  'one_minus_beta1',
  'beta2',
  'weight_decay',
  'warmup_factor',
  'label_smoothing',
  'dropout_rate',
)
# fmt: off
_VALUES = (
  (0.001308209823469072, 0.02686663061, 0.9981232922116359,
   0.16375311233774334, 0.1, 0.1, 0.0),
  (0.0008445074561975979, 0.11042418465, 0.9978504782314613,
   0.08135402759553023, 0.05, 0.2, 0.0),
  (0.001308209823469072, 0.02686663061, 0.9981232922116359,
   0.16375311233774334, 0.1, 0.0, 0.0),
  (0.004958460849689891, 0.13625575743, 0.6291854735396584,
   0.1147386261512052, 0.02, 0.0, 0.0),
  (0.0017486387539278373, 0.06733926164, 0.9955159689799007,
   0.08121616522670176, 0.02, 0.0, 0.1),
)
# fmt: on
BASELINE_POINTS = tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES)

# The baseline of both competitions, external and self-tuning.
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=BASELINE_POINTS,
  batch_size=batch_sizes.BASELINE,
)
self_tuning = dataclasses.replace(
  submission,
  tuning=tuning.SelfTuning(
    learning_rate=0.0017486387539278373,
    one_minus_beta1=0.06733926164,
    beta2=0.9955159689799007,
    weight_decay=0.08121616522670176,
    warmup_factor=0.02,
  ),
)

# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(1e-4, 1e-2, 'log'),
  'one_minus_beta1': tuning.Range(4e-3, 0.1, 'log'),
  'beta2': 0.999,
  'weight_decay': tuning.Range(5e-3, 1.0, 'log'),
  'warmup_factor': 0.05,
  'label_smoothing': tuning.Choice((0.1, 0.2)),
  'dropout_rate': tuning.Choice((0.0, 0.1)),
}
paper = dataclasses.replace(submission, tuning=tuning.SearchSpace(**_PAPER))
paper_fixed_beta1 = dataclasses.replace(
  submission,
  tuning=tuning.SearchSpace(**{**_PAPER, 'one_minus_beta1': 0.1}),
)

# Newer self-tuning submissions.
rolling = dataclasses.replace(
  submission,
  tuning=tuning.SelfTuning(
    learning_rate=0.00190834618600756,
    one_minus_beta1=0.09090652249,
    beta2=0.998898321921855,
    weight_decay=0.08121616522670176,
    warmup_factor=0.1,
    dropout_rate=0.0,
  ),
)
rolling_baseline_v05 = dataclasses.replace(
  submission,
  tuning=tuning.SelfTuning(**self_tuning.tuning.constants, dropout_rate=0.1),
)
rolling_resnet = dataclasses.replace(
  submission,
  tuning=tuning.SelfTuning(
    learning_rate=0.004126541534675243,
    one_minus_beta1=0.00780309833,
    beta2=0.9966054696718922,
    weight_decay=0.05371805022820654,
    warmup_factor=0.05,
    dropout_rate=0.1,
  ),
)
