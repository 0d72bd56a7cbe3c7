# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The training step: one pure function of state and batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxperf import errors, mesh, submission
from jaxperf import workload as workload_lib
from jaxperf.trial import trial

PyTree = Any


class TrainState(NamedTuple):
  """All that a step changes.

  Attributes:
    step: int32 scalar, number of updates done.
    params: the parameters.
    model_state: running statistics; an empty dict if there are none.
    opt_state: of the submission's transformation.
  """

  step: jax.Array
  params: PyTree
  model_state: PyTree
  opt_state: PyTree


def param_info(workload: workload_lib.Workload) -> PyTree:
  """The tree of `ParamInfo` of a workload, without allocating anything."""
  params, _ = jax.eval_shape(workload.init, jax.random.key(0))
  return jax.tree.map_with_path(
    lambda path, x, kind: submission.ParamInfo(
      tuple(str(p.key) for p in path), x.shape, x.dtype, kind
    ),
    params,
    workload.param_kinds(params),
  )


def has_model_state(workload: workload_lib.Workload) -> bool:
  """Whether the model keeps running statistics."""
  _, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  return bool(jax.tree.leaves(model_state))


def make_init(training: trial.Training) -> Callable[[], TrainState]:
  """The function that makes the first state."""
  optimizer = training.optimizer()

  def init() -> TrainState:
    params, model_state = training.workload.init(_keys(training.seed)[0])
    # An optimizer may keep the initial parameters; the step donates them.
    opt_state = optimizer.init(params)
    return TrainState(jnp.int32(0), params, model_state, opt_state)

  return init


def make_step(training: trial.Training) -> Callable:
  """The function `(state, batch) -> state, scalars` of one update.

  Random numbers are folded from (seed, step), so step t is the same whether or
  not the run was interrupted. Scalars are `loss` (mean over the global batch)
  and `grad_norm` (of that loss, after clipping if any).
  """
  if training.submission.train_step is None:
    update = _optax_update(training)
  else:
    update = training.submission.train_step(training.hps, training.run)

  def step(state: TrainState, batch: PyTree) -> tuple[TrainState, dict]:
    key = step_key(training.seed, state.step)
    gradients = make_gradients(training, state.model_state, batch, key)
    params, model_state, opt_state, scalars = update(state, gradients, key)
    return TrainState(state.step + 1, params, model_state, opt_state), scalars

  return step


def step_key(seed: int, step: jax.Array) -> jax.Array:
  """The random key of one update, 0 being the first."""
  return jax.random.fold_in(_keys(seed)[1], step)


def check_same_state(before: TrainState, after: TrainState) -> None:
  """Refuses a step that changes the tree, a shape or a dtype of the state.

  Args:
    before: abstract state that goes in.
    after: abstract state that comes out.

  Raises:
    UserError: naming the part and the leaf.
  """
  for part, old, new in zip(TrainState._fields, before, after):
    check_same_tree(part, old, new)


def check_same_tree(part: str, old: PyTree, new: PyTree) -> None:
  """Refuses a tree that differs from `old` in structure, shape or dtype."""
  structures = jax.tree.structure(old), jax.tree.structure(new)
  if structures[0] != structures[1]:
    raise errors.UserError(
      f'the update changes the tree of {part} from {structures[0]} to '
      f'{structures[1]}: it must keep it'
    )
  for (path, x), y in zip(jax.tree.leaves_with_path(old), jax.tree.leaves(new)):
    if (x.shape, x.dtype) != (y.shape, y.dtype):
      raise errors.UserError(
        f'the update changes {part}{jax.tree_util.keystr(path)} from '
        f'{x.dtype}{list(x.shape)} to {y.dtype}{list(y.shape)}: it must keep '
        'shapes and dtypes'
      )


def make_gradients(
  training: trial.Training, model_state: PyTree, batch: PyTree, key: jax.Array
) -> submission.Gradients:
  """Loss and gradient as functions of the parameters, on one batch and key.

  The loss is (sum of `summed`) / (sum of `n_valid`) over the global batch,
  whatever the number of devices and microbatches.
  """
  workload, hps = training.workload, vars(training.hps)
  smoothing = hps.get('label_smoothing') or 0.0
  clip = hps.get('grad_clip')

  def summed(params, update_stats, model_state, batch, key):
    with mesh.sharing_batch(training.run.mesh):
      outputs, model_state = workload.apply(
        params,
        model_state,
        batch,
        key,
        train=True,
        update_stats=update_stats,
        dropout_rate=hps.get('dropout_rate'),
      )
    loss = workload.loss(outputs, batch, label_smoothing=smoothing)
    return loss.summed, (loss.n_valid, model_state)

  def accumulated(part: Callable) -> tuple[PyTree, PyTree]:
    return _accumulate(part, model_state, batch, key, training.microbatches)

  # Line searches of optax demand that `value_fn` takes what they do not use.
  def value_fn(params, *, grad_fn=None, step=None):
    del grad_fn, step

    def part(model_state, batch, key):
      value, (n_valid, new) = summed(params, False, model_state, batch, key)
      return (value, n_valid), new

    (value, n_valid), _ = accumulated(part)
    return value / _divisor(n_valid)

  def grad_fn(params, update_stats=False):
    def part(model_state, batch, key):
      (value, (n_valid, new)), grad = jax.value_and_grad(summed, has_aux=True)(
        params, update_stats, model_state, batch, key
      )
      return (value, n_valid, grad), new

    (value, n_valid, grad), new_model_state = accumulated(part)
    scale = 1 / _divisor(n_valid)
    grad = jax.tree.map(lambda g: g * scale, grad)
    if clip is not None:
      factor = jnp.clip(clip / (optax.tree.norm(grad) + 1e-6), 0, 1)
      grad = jax.tree.map(lambda g: g * factor, grad)
    return value * scale, grad, new_model_state

  return submission.Gradients(value_fn, grad_fn)


def _optax_update(training: trial.Training) -> Callable:
  """The usual update: gradient, transformation, new parameters."""
  optimizer = training.optimizer()

  def update(state, gradients, key):
    del key  # The gradients have it; transformations fold their own.
    value, grad, model_state = gradients.grad_fn(state.params, True)
    updates, opt_state = optimizer.update(
      grad,
      state.opt_state,
      state.params,
      value=value,
      grad=grad,
      value_fn=gradients.value_fn,
      grad_fn=gradients.grad_fn,
      step=state.step,
    )
    params = optax.apply_updates(state.params, updates)
    scalars = {'loss': value, 'grad_norm': optax.tree.norm(grad)}
    return params, model_state, opt_state, scalars

  return update


def _accumulate(part, model_state, batch, key, microbatches):
  """Sums `part` over the microbatches; the model state goes through them.

  Microbatch i takes every `microbatches`-th example from i on, so that each
  device keeps the examples that it holds.
  """
  if microbatches == 1:
    return part(model_state, batch, key)

  def slices(x):
    x = x.reshape(x.shape[0] // microbatches, microbatches, *x.shape[1:])
    return jnp.moveaxis(x, 1, 0)

  batches = jax.tree.map(slices, batch)
  keys = jax.random.split(key, microbatches)
  first = jax.tree.map(lambda x: x[0], batches)
  total, _ = jax.eval_shape(part, model_state, first, key)
  zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), total)

  def body(carry, xs):
    total, model_state = carry
    summand, model_state = part(model_state, *xs)
    return (jax.tree.map(jnp.add, total, summand), model_state), None

  (total, model_state), _ = jax.lax.scan(
    body, (zeros, model_state), (batches, keys)
  )
  return total, model_state


def _divisor(n_valid: jax.Array) -> jax.Array:
  """`n_valid`, or 1 for a batch without any valid example."""
  return jnp.where(n_valid > 0, n_valid, 1).astype(jnp.float32)


def _keys(seed: int) -> jax.Array:
  """The keys of initialisation and of the steps."""
  return jax.random.split(jax.random.key(seed))
