# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial is: one algorithm on one workload, its limits and options.

`Method` is the seam between a trial and the two kinds of submission: optax
transformations (`compiled.OPTAX`) and AlgoPerf files (`algoperf.driver`).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from jaxperf import rules
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.records import identity


class Functions(NamedTuple):
  """What a trial calls, made for one training.

  Attributes:
    step: `(state, batch) -> state, scalars`; the state is donated.
    eval_params: `(opt_state, params, model_state) -> params, model_state` and
      perhaps a new optimizer state; None if the training weights are judged.
    prepare: `(state) -> state`: what it returns is judged and trained on; None
      if the state needs no preparation.
    next_batch: `(batches, state, step) -> batch`, what the step is given, of an
      iterator of batches on the devices; `step` is the number of updates done.
    on_eval: see `jaxperf.Submission`; None if it wants nothing.
  """

  step: Callable
  eval_params: Callable | None = None
  prepare: Callable | None = None
  next_batch: Callable = lambda batches, state, step: next(batches)
  on_eval: Callable | None = None


class Method(NamedTuple):
  """How one kind of submission trains.

  Attributes:
    initial_state: `(training) -> state` on the devices, a `step.TrainState`.
    abstract_state: `(training) -> state` of `jax.ShapeDtypeStruct` with
      shardings, to restore a checkpoint into.
    compile: `(training, state, live) -> Functions`, which run on the counted
      clock; `live` is the run that they belong to, a `progress.Live`.
    check: `(training) -> None`; raises UserError for what can be known to be
      wrong before anything runs.
    foreseeable: whether the step can be compiled, and so its cost be told,
      without running code of the submission on real arrays.
  """

  initial_state: Callable
  abstract_state: Callable
  compile: Callable
  check: Callable
  foreseeable: bool


@dataclasses.dataclass(frozen=True)
class Training:
  """One algorithm on one workload: what the compiled functions are made of.

  Attributes:
    workload: what is trained.
    submission: how; of the kind that `method` takes.
    hps: one tuning point.
    run: what the algorithm may know.
    method: how this kind of submission trains.
    goal: target metric and targets; None where nothing is judged.
    seed: of initialisation and of all random numbers in the steps.
    microbatches: slices of a batch that are processed one after another, to
      save memory; the gradient is that of the whole batch.
    shard_params: split large parameters over the devices.
  """

  workload: workload_lib.Workload
  submission: Any
  hps: submission_lib.Hyperparameters
  run: submission_lib.RunInfo
  method: Method
  goal: rules.WorkloadRules | None = None
  seed: int = 0
  microbatches: int = 1
  shard_params: bool = False

  def after(self, restarts: Sequence[Mapping[str, Any]]) -> Training:
    """The same with the hyperparameters of the last restart, if any."""
    if not restarts:
      return self
    point = vars(self.hps) | restarts[-1]
    hps = submission_lib.Hyperparameters(**point)
    return dataclasses.replace(self, hps=hps)


@dataclasses.dataclass(frozen=True)
class Limits:
  """When a trial evaluates, and when its budget is spent.

  >>> limits = Limits('steps', budget=10, eval_period=4)
  >>> [step for step in range(1, 11) if limits.due(step, 0.0)]
  [1, 4, 8, 10]
  >>> limits.spent(9, 0.0), limits.spent(10, 0.0)
  (False, True)

  Attributes:
    unit: `'seconds'` or `'steps'`, of the two that follow.
    budget: submission time, or number of updates, after which it ends.
    eval_period: wall time since the last evaluation ended, or updates, between
      two evaluations.
    max_steps: step limit, None for none.
    eval_steps: steps to evaluate after, instead of the period.
  """

  unit: str
  budget: float
  eval_period: float
  max_steps: int | None = None
  eval_steps: frozenset[int] | None = None

  @property
  def timed(self) -> bool:
    """Whether a clock decides, which differs between processes."""
    return self.unit == 'seconds'

  def used(self, step: int, submission_s: float) -> float:
    """How much of the budget is used, in `unit`."""
    return submission_s if self.timed else step

  def spent(self, step: int, submission_s: float) -> bool:
    """Whether the budget is used up."""
    return self.used(step, submission_s) >= self.budget

  def due(self, step: int, since_s: float) -> bool:
    """Whether it is time to evaluate.

    Args:
      step: number of updates done.
      since_s: seconds since the last evaluation ended, infinite before the
        first one.
    """
    if self.eval_steps is not None:
      return step in self.eval_steps
    if self.timed:
      return since_s >= self.eval_period
    return step == 1 or step % self.eval_period == 0 or step >= self.budget

  def last(self, step: int) -> bool:
    """Whether the step limit is reached."""
    return step == self.max_steps


class Due(NamedTuple):
  """What processes agree on after each step; True for what is to be done.

  Attributes:
    evaluate: by clock or step.
    spent: the budget is used up.
    save: write a checkpoint.
    stop: save and end; the trial can go on later.
  """

  evaluate: bool
  spent: bool
  save: bool
  stop: bool


@dataclasses.dataclass(frozen=True)
class Trial:
  """One training run, fully described.

  Attributes:
    training: algorithm, workload, goal, tuning point and seed.
    counts_compilation: whether compiling is submission time.
    checkpoint_every_s: wall seconds between two checkpoints.
    max_steps: step limit, None for none.
    keep_state: keep the last state when the trial has ended.
    retries: how often it may be started without getting any further; None for
      as often as one likes.
    hang_s: seconds without any advance after which several processes give up;
      0 for never.
    eval_batches: batches of each split that an evaluation covers, which then
      judges nothing; None for all.
    eval_steps: the steps after which it evaluates, and ends, whatever the
      clock says, to compare it with another run; None: as the rules have it.
    identity: what makes it, see `records.identity`; empty to record none.
    settings: what to write to `flags_K.json`.
    environment: what to write to `meta_data_K.json`.
  """

  training: Training
  counts_compilation: bool
  checkpoint_every_s: float = 600.0
  max_steps: int | None = None
  keep_state: bool = False
  retries: int | None = None
  hang_s: float = 0.0
  eval_batches: int | None = None
  eval_steps: Sequence[int] | None = None
  identity: identity.Identity = dataclasses.field(default_factory=dict)
  settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  @property
  def limits(self) -> Limits:
    """When it evaluates and ends: as the algorithm is told, or before."""
    run, steps = self.training.run, self.eval_steps
    if steps is not None:
      return Limits('steps', max(steps), math.inf, eval_steps=frozenset(steps))
    return Limits(run.unit, run.budget, run.eval_period, self.max_steps)
