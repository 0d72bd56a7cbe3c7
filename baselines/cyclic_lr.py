# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""NadamW whose learning rate restarts in cycles.

A submission of the 2024 competition (external tuning, fourth).

References:
  Loshchilov and Hutter, `SGDR: Stochastic Gradient Descent with Warm Restarts
  <https://arxiv.org/abs/1608.03983>`_, 2017
"""

from __future__ import annotations

from baselines import nadamw
from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.peak_first_cyclic_cosine(
    hps.learning_rate,
    int(hps.warmup_factor * run.step_hint),
    run.step_hint,
    hps.cycles,
  )
  return nadamw.nadamw(
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
  'cycles',
  'label_smoothing',
  'dropout_rate',
)
# fmt: off
_VALUES = (
  (0.0008445074561975979, 0.11042418465, 0.9978504782314613,
   0.08135402759553023, 0.05, 1, 0.2, 0.0),
  (0.001308209823469072, 0.02686663061, 0.9981232922116359,
   0.16375311233774334, 0.1, 1, 0.0, 0.0),
  (0.0017486387539278373, 0.06733926164, 0.9955159689799007,
   0.08121616522670176, 0.02, 1, 0.0, 0.1),
  (0.001308209823469072, 0.02686663061, 0.9981232922116359,
   0.16375311233774334, 0.1, 2, 0.1, 0.0),
  (0.0017486387539278373, 0.06733926164, 0.9955159689799007,
   0.08121616522670176, 0.02, 2, 0.0, 0.1),
)
# fmt: on
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.CYCLIC,
)
