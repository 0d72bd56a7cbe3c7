# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""NadamP: NadamW with a p-th root in the denominator.

A submission of the 2024 competition (external tuning, fifth). The rule is
`nadamw.nadamw(power=p)`; the second moment still averages g^2.
"""

from __future__ import annotations

from baselines import nadamw
from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  horizon = int(hps.horizon_factor * run.step_hint)
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * horizon), horizon
  )
  return nadamw.nadamw(
    schedule,
    b1=hps.beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
    power=hps.power,
  )


_NAMES = (
  'learning_rate',
  'beta1',
  'beta2',
  'weight_decay',
  'warmup_factor',
  'power',
  'dropout_rate',
  'aux_dropout_rate',
  'label_smoothing',
  'horizon_factor',
)
# fmt: off
_VALUES = (
  (0.0019622900485451312, 0.8009875258060416, 0.9601975051612083,
   0.040896666067943545, 0.05, 2.0, 0.0, 0.0, 0.1, 1.0),
  (0.0013002412605362058, 0.9603612866058248, 0.9778023204992619,
   0.16056758401092633, 0.05, 2.0, 0.1, 0.1, 0.2, 1.0),
  (0.0023792566965593815, 0.9800966478498105, 0.9632738717172477,
   0.3417568278549717, 0.01, 2.0, 0.0, 0.1, 0.0, 0.75),
  (0.003689112930403633, 0.9762202917508654, 0.995244058350173,
   0.061885025693737994, 0.05, 1.5, 0.0, 0.0, 0.2, 1.0),
  (0.0014271957958295392, 0.9661952124707597, 0.9957304053273589,
   0.09153141484048229, 0.01, 2.0, 0.1, 0.1, 0.1, 1.0),
)
# fmt: on
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.BASELINE,
)
