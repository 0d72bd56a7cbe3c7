# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""LAMB: AdamW's direction, scaled per parameter to that parameter's norm.

The rule is `optax.lamb` with eps 1e-8: with u = m / (sqrt(v) + ε) + λ θ,
θ <- θ - η u |θ| / |u|, for all parameters.

References:
  You et al., `Large Batch Optimization for Deep Learning
  <https://arxiv.org/abs/1904.00962>`_, 2020
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
  return optax.lamb(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    eps=1e-8,
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
