# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""AdamW with warm-up and cosine decay.

The rule is `optax.adamw`: with corrected averages of g and g^2,
θ <- θ - η (m / (sqrt(v) + ε) + λ θ).

References:
  Loshchilov and Hutter, `Decoupled Weight Decay Regularization
  <https://arxiv.org/abs/1711.05101>`_, 2019
"""

from __future__ import annotations

import dataclasses

import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return optax.adamw(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    eps=1e-8,
    weight_decay=hps.weight_decay,
  )


# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(1e-4, 1e-2, 'log'),
  'one_minus_beta1': tuning.Range(2e-2, 0.5, 'log'),
  'beta2': 0.999,
  'weight_decay': tuning.Range(5e-3, 1.0, 'log'),
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

# Our own constants: nobody published a self-tuning AdamW.
self_tuning = dataclasses.replace(
  submission,
  tuning=tuning.SelfTuning(
    learning_rate=2e-3,
    one_minus_beta1=0.1,
    beta2=0.999,
    weight_decay=0.1,
    warmup_factor=0.05,
  ),
)
