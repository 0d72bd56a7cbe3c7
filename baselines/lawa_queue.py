# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""LAWA: NadamW, evaluated at the mean of its last ten snapshots.

A submission of the 2024 competition (external tuning, ninth). It made several
updates per call to have something to swap back; here every update is a step.

References:
  Kaddour, `Stop Wasting My Time! Saving Days of ImageNet and BERT Training with
  Latest Weight Averaging <https://arxiv.org/abs/2209.14981>`_, 2022
"""

from __future__ import annotations

from baselines import nadamw
from baselines.parts import averaging, batch_sizes, checks, schedules
from jaxperf import submission as submission_lib


def inner_optimizer(hps, run):
  """NadamW with warm-up and cosine; the first update has the full rate."""
  checks.validate(**vars(hps))
  schedule = schedules.peak_first_cyclic_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return nadamw.nadamw(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
  )


def _optimizer(hps, run):
  start, every = averaging.parts_of_step_hint(run.step_hint, 0.02, 0.002)
  return averaging.queue_snapshots(inner_optimizer(hps, run), start, every)


submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=nadamw.BASELINE_POINTS,
  batch_size=batch_sizes.CYCLIC,
  eval_params=averaging.queue_mean,
)
