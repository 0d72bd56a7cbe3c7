# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Schedule-Free AdamW of optax, self-tuning.

The rule is `optax.contrib.schedule_free_adamw`. Published was also a label
smoothing of 0.2 that never reached the loss; so there is none here.
"""

from __future__ import annotations

import dataclasses

import optax

from baselines import schedule_free_adamw, schedule_free_adamw_v2
from baselines.parts import batch_sizes, checks
from jaxperf import submission, tuning


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  warmup_steps = int(hps.warmup_factor * run.step_hint * 0.75)
  return optax.contrib.schedule_free_adamw(
    hps.learning_rate,
    warmup_steps=warmup_steps or None,  # A warm-up of 0 would stay at rate 0.
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    eps=1e-8,
    weight_decay=hps.weight_decay,
    weight_lr_power=2,
  )


self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=0.0025,
    one_minus_beta1=0.1,
    beta2=0.9955159689799007,
    weight_decay=0.08121616522670176,
    warmup_factor=0.02,
  ),
  batch_size=batch_sizes.SCHEDULE_FREE_JAX,
  eval_params=schedule_free_adamw.eval_params,
)

# Also collects running statistics at the average, on one step in three.
v2_self_tuning = dataclasses.replace(
  self_tuning,
  train_step=schedule_free_adamw_v2.statistics_at_average(
    _optimizer, schedule_free_adamw_v2.one_step_in_three
  ),
)
