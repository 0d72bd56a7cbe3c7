# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Stochastic gradient descent with heavy-ball momentum, and linear decay.

References:
  Polyak, `Some methods of speeding up the convergence of iteration methods
  <https://doi.org/10.1016/0041-5553(64)90137-5>`_, 1964
"""

from __future__ import annotations

import dataclasses
import functools

import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def momentum(
  learning_rate: optax.ScalarOrSchedule,
  momentum: float = 0.9,
  weight_decay: float = 0.0,
  *,
  nesterov: bool = False,
) -> optax.GradientTransformation:
  r"""Momentum without dampening; the decay enters the gradient.

  .. math::
    g &\leftarrow g + \lambda \theta, \quad b \leftarrow g + \mu b \\
    \theta &\leftarrow \theta - \eta b \quad
    \text{or, with Nesterov, } \theta - \eta (g + \mu b)

  Args:
    learning_rate: a number or a function of the 0-based step.
    momentum: μ, in [0, 1).
    weight_decay: λ, an L2 penalty on all parameters.
    nesterov: whether to look ahead.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay
  )
  return optax.chain(
    optax.add_decayed_weights(weight_decay),
    optax.sgd(learning_rate, momentum=momentum, nesterov=nesterov),
  )


def optimizer(hps, run, *, nesterov):
  """Momentum with warm-up and linear decay, from one tuning point."""
  checks.validate(**vars(hps))
  schedule = schedules.warmup_linear(
    hps.learning_rate,
    int(hps.warmup_factor * run.step_hint),
    run.step_hint,
    hps.decay_steps_factor,
    hps.end_factor,
  )
  return momentum(
    schedule,
    momentum=1 - hps.one_minus_beta1,
    weight_decay=hps.weight_decay,
    nesterov=nesterov,
  )


# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(2e-2, 5.0, 'log'),
  'one_minus_beta1': tuning.Range(5e-3, 0.3, 'log'),
  'weight_decay': tuning.Range(1e-7, 5e-5, 'log'),
  'warmup_factor': 0.05,
  'decay_steps_factor': 0.9,
  'end_factor': tuning.Choice((1e-3, 1e-2)),
  'label_smoothing': tuning.Choice((0.1, 0.2)),
  'dropout_rate': tuning.Choice((0.0, 0.1)),
}
submission = submission_lib.Submission(
  optimizer=functools.partial(optimizer, nesterov=False),
  tuning=tuning.SearchSpace(**_PAPER),
  batch_size=batch_sizes.BASELINE,
)
paper_fixed_beta1 = dataclasses.replace(
  submission,
  tuning=tuning.SearchSpace(**{**_PAPER, 'one_minus_beta1': 0.1}),
)

# Our own constants: nobody published a self-tuning heavy ball.
self_tuning = dataclasses.replace(
  submission,
  tuning=tuning.SelfTuning(
    learning_rate=0.1,
    one_minus_beta1=0.1,
    weight_decay=1e-5,
    warmup_factor=0.05,
    decay_steps_factor=0.9,
    end_factor=1e-2,
  ),
)
