# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Generalized Adam: NadamW, or momentum without a preconditioner.

A submission of the 2024 competition (external tuning, third).
"""

from __future__ import annotations

import optax

from baselines import nadamw
from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


def generalized_adam(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
  *,
  disable_preconditioning: bool = False,
) -> optax.GradientTransformation:
  r"""NadamW, or Nesterov momentum with decoupled weight decay.

  Without the preconditioner, :math:`b \leftarrow g + \beta_1 b` and
  :math:`\theta \leftarrow \theta - \eta (g + \beta_1 b + \lambda \theta)`: the
  decay stays outside the momentum, unlike in `baselines.nesterov`.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: decay of the momentum, in [0, 1).
    b2: decay of the average of squares, in [0, 1).
    eps: see `nadamw.scale_by_nadam`.
    weight_decay: λ, multiplied by the rate.
    disable_preconditioning: whether to leave out the second moment.

  Raises:
    ValueError: if an argument is out of its range.
  """
  if not disable_preconditioning:
    return nadamw.nadamw(learning_rate, b1, b2, eps, weight_decay)
  checks.validate(learning_rate=learning_rate, b1=b1, weight_decay=weight_decay)
  return optax.chain(
    optax.trace(b1, nesterov=True),
    optax.add_decayed_weights(weight_decay),
    optax.scale_by_learning_rate(learning_rate),
  )


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  horizon = int(hps.horizon_factor * run.step_hint)
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * horizon), horizon
  )
  return generalized_adam(
    schedule,
    b1=hps.beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
    disable_preconditioning=hps.disable_preconditioning,
  )


_NAMES = (
  'learning_rate',
  'beta1',
  'beta2',
  'weight_decay',
  'warmup_factor',
  'disable_preconditioning',
  'dropout_rate',
  'aux_dropout_rate',
  'label_smoothing',
  'horizon_factor',
)
# fmt: off
_VALUES = (
  (1.9487942250159782, 0.9721703824185486, 0.0, 0.00024022723093685417,
   0.1, True, 0.1, 0.1, 0.2, 1.0),
  (0.0023792566965593815, 0.9800966478498105, 0.9632738717172477,
   0.3417568278549717, 0.01, False, 0.0, 0.0, 0.0, 0.75),
  (0.003705201967500061, 0.9735338788784104, 0.9785557586542197,
   0.022670946869370066, 0.1, False, 0.1, 0.1, 0.2, 0.75),
  (0.0014271957958295392, 0.9661952124707597, 0.9957304053273589,
   0.09153141484048229, 0.01, False, 0.1, 0.1, 0.1, 1.0),
  (0.001768509931943289, 0.9414979138541995, 0.9768053375036079,
   0.0279513959224539, 0.02, False, 0.0, 0.1, 0.2, 1.0),
)
# fmt: on
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.BASELINE,
)
