# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Lion: steps of one size, in the direction of the momentum's sign.

The rule is `optax.lion`: with c = β1 m + (1 - β1) g,
θ <- θ - η (sign(c) + λ θ) and then m <- β2 m + (1 - β2) g.

References:
  Chen et al., `Symbolic Discovery of Optimization Algorithms
  <https://arxiv.org/abs/2302.06675>`_, 2023
"""

from __future__ import annotations

import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission, tuning


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_rebounding_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return optax.lion(
    schedule, b1=hps.beta1, b2=hps.beta2, weight_decay=hps.weight_decay
  )


self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=2e-4,
    beta1=0.95,
    beta2=0.98,
    weight_decay=0.5,
    warmup_factor=0.02,
  ),
  batch_size=batch_sizes.BASELINE,
)
