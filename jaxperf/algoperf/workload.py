# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The workload object that AlgoPerf files are given."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxperf import mesh
from jaxperf import workload as workload_lib
from jaxperf.trial import trial

PyTree = Any


class ScalarLogger:
  """Takes the training scalars that a file logs."""

  def __init__(self, log: Callable[[int, Mapping[str, float]], None]):
    self._log = log

  def append_scalar_metrics(
    self, metrics: Mapping[str, Any], global_step: int
  ) -> None:
    """Writes scalars, with the step that they belong to, into the records."""
    values = {name: float(value) for name, value in metrics.items()}
    self._log(int(global_step), values)


class AlgoPerfWorkload:
  """What a file may ask; hashed by identity, so it can be a static argument.

  The names are AlgoPerf's. Budget and period are in the unit of the rules:
  seconds for the benchmark's, steps at the mini scale. The budget is that of
  external tuning under either tuning rule set, as it always was.
  """

  def __init__(
    self,
    training: trial.Training,
    spec: types.ModuleType,
    metrics_logger: ScalarLogger | None = None,
  ):
    """Collects what a file may ask.

    Args:
      training: with a goal.
      spec: the module whose enumerations the file compares with.
      metrics_logger: where scalars go.
    """
    workload, self._goal = training.workload, training.goal
    self._training, self._workload, self._spec = training, workload, spec
    info = training.run.params
    self.step_hint = training.run.step_hint
    self.param_shapes = jax.tree.map(lambda p: spec.ShapeTuple(p.shape), info)
    self.model_params_types = jax.tree.map(
      lambda p: spec.ParameterType[p.kind.name], info
    )
    self.loss_type = spec.LossType[workload.loss_kind.name]
    self.eval_period_time_sec = self._goal.eval_period
    self.max_allowed_runtime_sec = self._goal.budget
    self.target_metric_name = self._goal.metric
    self.validation_target_value = self._goal.validation_target
    self.num_train_examples = workload.description.num_train
    self.eval_batch_size = workload.eval_batch_size
    self.metrics_logger = metrics_logger

  def init_model_fn(self, rng: jax.Array) -> tuple[PyTree, PyTree]:
    """Fresh parameters and model state, on all devices."""
    everywhere = mesh.replicated(self._training.run.mesh)
    init = jax.jit(self._workload.init, out_shardings=everywhere)
    return init(_typed(rng))

  def model_fn(
    self,
    params: PyTree,
    batch: workload_lib.Batch,
    model_state: PyTree,
    mode: Any,
    rng: jax.Array | None,
    update_batch_norm: bool = True,
    dropout_rate: Any = None,
  ) -> tuple[PyTree, PyTree]:
    """Logits and new model state.

    Args:
      params: the parameters.
      batch: a training or evaluation batch.
      model_state: running statistics.
      mode: a `spec.ForwardPassMode`.
      rng: of dropout, used as it is; may be None for evaluation.
      update_batch_norm: whether running statistics change.
      dropout_rate: None for the workload's default.
    """
    return self._workload.apply(
      params,
      model_state,
      batch,
      _typed(rng),
      train=mode.name == 'TRAIN',
      update_stats=update_batch_norm,
      dropout_rate=dropout_rate,
    )

  def loss_fn(
    self,
    label_batch: PyTree,
    logits_batch: PyTree,
    mask_batch: jax.Array | None = None,
    label_smoothing: Any = 0.0,
  ) -> dict[str, jax.Array]:
    """Sum of the losses, what to divide it by, and its parts."""
    batch = {'targets': label_batch}
    if mask_batch is not None:
      batch['weights'] = mask_batch
    loss = self._workload.loss(
      logits_batch, batch, label_smoothing=label_smoothing
    )
    return {
      'summed': loss.summed,
      'n_valid_examples': loss.n_valid,
      'per_example': loss.per_example,
    }

  def has_reached_validation_target(self, result: Mapping[str, float]) -> bool:
    """Whether an evaluation meets the validation target."""
    value = result[f'validation/{self._goal.metric}']
    return self._goal.reached(value, self._goal.validation_target)

  def has_reached_test_target(self, result: Mapping[str, float]) -> bool:
    """Whether an evaluation meets the test target."""
    target = self._goal.test_target
    return target is None or self._goal.reached(
      result[f'test/{self._goal.metric}'], target
    )

  def output_activation_fn(
    self, logits_batch: jax.Array, framework: Any
  ) -> jax.Array:
    """Predictions from logits, by the kind of loss; `framework` is JAX."""
    del framework
    kinds = workload_lib.LossKind
    kind = self._workload.loss_kind
    if kind == kinds.SIGMOID_CROSS_ENTROPY:
      return jax.nn.sigmoid(logits_batch)
    if kind in (kinds.SOFTMAX_CROSS_ENTROPY, kinds.CTC_LOSS):
      return jax.nn.softmax(logits_batch)
    return logits_batch

  def is_output_params(self, param_key: str) -> bool:
    """Whether this top-level name is that of the last layer.

    The last layer holds the parameter that the forward pass reads last.
    """
    return param_key == last_read(self._training)


def last_read(training: trial.Training) -> str:
  """Top-level name of the parameter that a forward pass reads last."""
  workload, key = training.workload, jax.random.key(0)
  params, model_state = jax.eval_shape(workload.init, key)
  batch = workload.data.element_spec(training.run.batch_size)

  def forward(params, model_state, batch):
    return workload.apply(params, model_state, batch, key, train=False)[0]

  jaxpr = jax.make_jaxpr(forward)(params, model_state, batch).jaxpr
  names = [path[0].key for path, _ in jax.tree.leaves_with_path(params)]
  name_of = dict(zip(map(id, jaxpr.invars), names))
  return [
    name_of[id(x)]
    for equation in jaxpr.eqns
    for x in equation.invars
    if id(x) in name_of
  ][-1]


def _typed(rng: jax.Array | None) -> jax.Array | None:
  """A typed key, from either kind of key."""
  if rng is None or jnp.issubdtype(rng.dtype, jax.dtypes.prng_key):
    return rng
  return jax.random.wrap_key_data(rng)
