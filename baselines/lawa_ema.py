# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""LAWA EMA: NadamW, evaluated at its last snapshot.

A submission of the 2024 competition (external tuning, tenth). The decay of its
average, meant to be 0.2, was rounded to 0, so that nothing is averaged.
"""

from __future__ import annotations

import dataclasses

from baselines import lawa_queue, nadamw
from baselines.parts import averaging, batch_sizes
from jaxperf import submission as submission_lib


def _with_decay(decay):
  def optimizer(hps, run):
    start, every = averaging.parts_of_step_hint(run.step_hint, 0.02, 0.005)
    inner = lawa_queue.inner_optimizer(hps, run)
    return averaging.average_snapshots(inner, start, every, decay)

  return optimizer


submission = submission_lib.Submission(
  optimizer=_with_decay(0.0),
  tuning=nadamw.BASELINE_POINTS,
  batch_size=batch_sizes.CYCLIC,
  eval_params=averaging.snapshot_average,
)
intended = dataclasses.replace(submission, optimizer=_with_decay(0.2))
