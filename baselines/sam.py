# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""SAM: the gradient is taken where the loss is worst nearby.

References:
  Foret et al., `Sharpness-Aware Minimization for Efficiently Improving
  Generalization <https://arxiv.org/abs/2010.01412>`_, 2021
"""

from __future__ import annotations

import dataclasses
from typing import Any

import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def sam(
  inner: optax.GradientTransformation, rho: float
) -> optax.GradientTransformationExtraArgs:
  r"""Feeds `inner` the gradient at :math:`\theta + \rho g / \|g\|_2`.

  The norm is that of the whole tree, without epsilon. `update` needs `grad_fn`,
  `(params) -> value, gradient, model_state` on the same batch; it leaves the
  running statistics alone. `optax.contrib.sam` differs in the function that it
  calls, not in arithmetic.

  Args:
    inner: updates θ from the second gradient.
    rho: ρ > 0, distance to the second point.

  Raises:
    ValueError: if `rho` is not positive.
  """
  checks.validate(rho=rho)
  inner = optax.with_extra_args_support(inner)

  def update(updates, state, params, *, grad_fn, **extra_args: Any):
    scale = rho / optax.tree.norm(updates)
    point = optax.tree.add_scale(params, scale, updates)
    _, gradient, _ = grad_fn(point)
    return inner.update(gradient, state, params, grad_fn=grad_fn, **extra_args)

  return optax.GradientTransformationExtraArgs(inner.init, update)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  adamw = optax.adamw(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    eps=1e-8,
    weight_decay=hps.weight_decay,
  )
  return sam(adamw, hps.rho)


# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(1e-4, 1e-2, 'log'),
  'one_minus_beta1': tuning.Range(5e-2, 0.43, 'log'),
  'beta2': 0.999,
  'weight_decay': tuning.Range(1e-2, 0.2, 'log'),
  'rho': tuning.Choice((0.01, 0.02, 0.05)),
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
