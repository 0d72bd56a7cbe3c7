# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial is: one algorithm on one workload, its limits and options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import optax

from jaxperf import rules
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib


@dataclasses.dataclass(frozen=True)
class Training:
  """One algorithm on one workload: what the compiled functions are made of.

  Attributes:
    workload: what is trained.
    submission: how.
    hps: one tuning point.
    run: what the algorithm may know.
    seed: of initialisation and of all random numbers in the steps.
    microbatches: slices of a batch that are processed one after another, to
      save memory; the gradient is that of the whole batch.
    goal: targets and limits, for a submission with a `driver`.
  """

  workload: workload_lib.Workload
  submission: submission_lib.Submission
  hps: submission_lib.Hyperparameters
  run: submission_lib.RunInfo
  seed: int = 0
  microbatches: int = 1
  goal: rules.WorkloadRules | None = None

  def optimizer(self) -> optax.GradientTransformationExtraArgs:
    """The submission's transformation for this run."""
    return optax.with_extra_args_support(
      self.submission.optimizer(self.hps, self.run)
    )


@dataclasses.dataclass(frozen=True)
class Trial:
  """One training run, fully described.

  Attributes:
    training: algorithm, workload, tuning point and seed.
    goal: target metric, targets.
    counts_compilation: whether compiling is submission time.
    shard_params: split large parameters over the devices.
    checkpoint_every_s: wall seconds between two checkpoints.
    max_steps: step limit, None for none.
    keep_state: keep the last state when the trial has ended.
    settings: what to write to `flags_K.json`.
    environment: what to write to `meta_data_K.json`.
  """

  training: Training
  goal: rules.WorkloadRules
  counts_compilation: bool
  shard_params: bool = False
  checkpoint_every_s: float = 600.0
  max_steps: int | None = None
  keep_state: bool = False
  settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)
