# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The Submission contract: an optax transformation, plus hooks where needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax

from jaxperf import tuning as tuning_lib
from jaxperf import workload

PyTree = Any


@dataclasses.dataclass(frozen=True)
class ParamInfo:
  """One parameter, as an algorithm sees it before training.

  Attributes:
    path: names from the root, e.g. `('Dense_0', 'kernel')`.
    shape: its shape.
    dtype: its dtype.
    kind: what it is for.
  """

  path: tuple[str, ...]
  shape: tuple[int, ...]
  dtype: Any
  kind: workload.ParamKind


@dataclasses.dataclass(frozen=True)
class RunInfo:
  """What a general training algorithm may know about a run.

  Never the workload's name.

  Attributes:
    step_hint: number of steps that the baseline can do within the budget.
    budget: submission time (or steps) after which the run ends.
    eval_period: time (or steps) between two evaluations.
    unit: `'seconds'` or `'steps'`: the unit of budget and evaluation period.
    batch_size: examples per step, over all devices.
    loss_kind: what the loss compares.
    minimize: whether a smaller validation metric is better.
    params: tree of `ParamInfo`, the structure of the parameters.
    has_batch_stats: whether the model keeps running statistics.
    mesh: the `jax.sharding.Mesh` of the run, axis `'data'`.
    ruleset: `'external'` or `'self'`.
  """

  step_hint: int
  budget: float
  eval_period: float
  unit: str
  batch_size: int
  loss_kind: workload.LossKind
  minimize: bool
  params: PyTree
  has_batch_stats: bool
  mesh: jax.sharding.Mesh
  ruleset: str


class Evaluation(NamedTuple):
  """One evaluation, as `on_eval` sees it.

  Attributes:
    step: number of updates done.
    submission_time: seconds on the counted clock.
    metrics: `'SPLIT/METRIC'` -> value.
    target_metric: validation value of the target metric.
  """

  step: int
  submission_time: float
  metrics: Mapping[str, float]
  target_metric: float


@dataclasses.dataclass(frozen=True)
class Restart:
  """Asks for fresh parameters and optimizer state.

  Attributes:
    hyperparameters: values that replace those of the current point.
    reset_model_state: whether running statistics start afresh too.
  """

  hyperparameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  reset_model_state: bool = True


@dataclasses.dataclass(frozen=True)
class Stop:
  """Asks to end the training; the outcome is `finished`."""


class Scalars(NamedTuple):
  """Numbers that an optax transformation wants recorded: a part of its state.

  Wherever the state holds one, its values after each update are recorded as
  those that a `train_step` returns are: in `measurements.csv`, for the first
  hundred steps, then each hundredth. The report draws them.

      def init(params):
        return MyState(..., jaxperf.Scalars({'trust_ratio': jnp.ones(())}))

      def update(updates, state, params):
        ...
        return updates, MyState(..., jaxperf.Scalars({'trust_ratio': ratio}))

  Attributes:
    values: name -> array of shape `()`.
  """

  values: Mapping[str, jax.Array]


class Gradients(NamedTuple):
  """The two functions that an update may call, on this step's batch and key.

  Attributes:
    value_fn: `(params) -> mean loss`.
    grad_fn: `(params, update_stats=False) -> mean loss, gradient, model_state`.
  """

  value_fn: Callable[..., Any]
  grad_fn: Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Submission:
  """A training algorithm.

  Attributes:
    optimizer: `(hps, run) -> optax.GradientTransformation`. `hps` has the
      hyperparameters of one tuning point as attributes, `run` is a `RunInfo`.
      The transformation's `update` is called with the extra arguments `value`
      (mean loss), `grad`, `value_fn`, `grad_fn` (see `Gradients`) and `step`
      (int32, 0 for the first update) if it accepts them.
    tuning: `Points` or `SearchSpace` (external tuning), `SelfTuning` otherwise.
    batch_size: an int, or a mapping from workload name to int (the base
      workload's entry holds for its variants), or such a function, which raises
      ValueError for names that it does not know; the workload's default where
      None. Mini workloads always use their own.
    eval_params: `(opt_state, params, model_state) -> params, model_state`, the
      weights to judge, computed on the clock and never stored over the
      training state. May return a third value, a new optimizer state.
    select_data: `(batches, opt_state, params, key) -> batch`, where `batches`
      is an iterator of batches on the devices. On the clock.
    on_eval: `(history, run) -> None | Restart | Stop`, called on the host
      after each evaluation with all `Evaluation`s so far, on the clock.
    train_step: `(hps, run) -> step`, replaces the whole step:
      `step(state, gradients, key) -> params, model_state, opt_state, scalars`,
      where `state` is a `TrainState` and `gradients` a `Gradients`. Traced.
      `optimizer` still makes the optimizer state. `scalars` maps names to
      arrays of shape `()`, which are recorded.
    state_sharding: `(opt_state, mesh) -> shardings` for a tree of
      `jax.ShapeDtypeStruct`; by default the state follows its parameters.
  """

  optimizer: Callable[[Any, RunInfo], Any]
  tuning: tuning_lib.Tuning = dataclasses.field(
    default_factory=tuning_lib.SelfTuning
  )
  batch_size: int | Mapping[str, int] | Callable[[str], int] | None = None
  eval_params: Callable[..., tuple] | None = None
  select_data: Callable[[Iterator, Any, Any, Any], Any] | None = None
  on_eval: Callable[[Sequence[Evaluation], RunInfo], Any] | None = None
  train_step: Callable[..., Any] | None = None
  state_sharding: Callable[[PyTree, jax.sharding.Mesh], PyTree] | None = None


class Hyperparameters(SimpleNamespace):
  """One tuning point; names are attributes.

  >>> hps = Hyperparameters(learning_rate=1e-3)
  >>> hps.learning_rate
  0.001
  >>> hps.b1
  Traceback (most recent call last):
  AttributeError: hyperparameter 'b1' is not in the tuning point; ...
  """

  def __getattr__(self, name: str) -> Any:
    if name.startswith('__'):
      raise AttributeError(name)
    raise AttributeError(
      f'hyperparameter {name!r} is not in the tuning point; it has '
      f'{sorted(vars(self)) or "none (self-tuning)"}. Add it to the '
      "submission's tuning."
    )
