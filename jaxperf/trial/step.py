# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The training step: one pure function of state and batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxperf import errors, submission
from jaxperf import workload as workload_lib
from jaxperf.trial import extra_args, trial
from jaxperf.trial import gradients as gradients_lib

PyTree = Any
IN_FLIGHT = 2  # Steps that the host may be ahead of the devices.


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


def make_optimizer(
  training: trial.Training,
) -> optax.GradientTransformationExtraArgs:
  """The submission's transformation for this run."""
  return extra_args.adapted(
    lambda: training.submission.optimizer(training.hps, training.run)
  )


def first_params(training: trial.Training) -> tuple[PyTree, PyTree]:
  """The parameters and the model state that training starts from."""
  return training.workload.init(_keys(training.seed)[0])


def make_init(training: trial.Training) -> Callable[[], TrainState]:
  """The function that makes the first state."""
  optimizer = make_optimizer(training)

  def init() -> TrainState:
    params, model_state = first_params(training)
    # An optimizer may keep the initial parameters; the step donates them.
    opt_state = optimizer.init(params)
    return TrainState(jnp.int32(0), params, model_state, opt_state)

  return init


def make_step(training: trial.Training) -> Callable:
  """The function `(state, batch) -> state, scalars` of one update.

  Random numbers are folded from (seed, step), so step t is the same whether or
  not the run was interrupted. Scalars are `loss` (mean over the global batch)
  and `grad_norm` (of that loss, after clipping if any), or what a `train_step`
  returns, and the `jaxperf.Scalars` in the optimizer state.
  """
  update = make_update(training)

  def step(state: TrainState, batch: PyTree) -> tuple[TrainState, dict]:
    key = step_key(training.seed, state.step)
    gradients = gradients_lib.make_gradients(
      training, state.model_state, batch, key
    )
    params, model_state, opt_state, scalars = update(state, gradients, key)
    state = TrainState(state.step + 1, params, model_state, opt_state)
    return state, _with_recorded(scalars, opt_state)

  return step


def make_update(training: trial.Training) -> Callable:
  """The part of a step that is the submission's.

  Returns:
    `(state, gradients, key) -> params, model_state, opt_state, scalars`, with
    `gradients` a `jaxperf.submission.Gradients`.
  """
  if training.submission.train_step is not None:
    return training.submission.train_step(training.hps, training.run)
  optimizer = make_optimizer(training)

  def update(state, gradients, key):
    del key  # The gradients have it; transformations fold their own.
    value, grad, model_state = gradients.grad_fn(state.params, True)
    updates, opt_state = transform(optimizer, state, gradients, value, grad)
    params = optax.apply_updates(state.params, updates)
    scalars = {'loss': value, 'grad_norm': optax.tree.norm(grad)}
    return params, model_state, opt_state, scalars

  return update


def transform(
  optimizer: optax.GradientTransformationExtraArgs,
  state: TrainState,
  gradients: submission.Gradients,
  value: jax.Array,
  grad: PyTree,
) -> tuple[PyTree, PyTree]:
  """Updates and new optimizer state, with the extra arguments of optax.

  Args:
    optimizer: from `make_optimizer`.
    state: before the update.
    gradients: what the transformation may evaluate.
    value: loss at the parameters.
    grad: its gradient.
  """
  return optimizer.update(
    grad,
    state.opt_state,
    state.params,
    value=value,
    grad=grad,
    value_fn=gradients.value_fn,
    grad_fn=gradients.grad_fn,
    step=state.step,
  )


def step_key(seed: int, step: jax.Array) -> jax.Array:
  """The random key of one update, 0 being the first."""
  return jax.random.fold_in(_keys(seed)[1], step)


def check_scalars(scalars: PyTree) -> None:
  """Refuses anything but names -> arrays of one number.

  Raises:
    UserError: naming what it found.
  """
  if not isinstance(scalars, dict):
    raise errors.UserError(
      f'the step returns {errors.shown(scalars)} as its scalars: expected a '
      'dictionary'
    )
  for name, value in scalars.items():
    shape = getattr(value, 'shape', None)
    if not isinstance(name, str) or shape != ():
      raise errors.UserError(
        f'the scalar {name!r} of the step has the shape {shape}: expected a '
        'text as name and an array of shape ()'
      )


def _with_recorded(scalars: PyTree, opt_state: PyTree) -> PyTree:
  """Scalars of a step and those that its transformation records."""
  if not isinstance(scalars, dict):
    return scalars  # Refused by `check_scalars`.
  scalars = dict(scalars)
  for leaf in jax.tree.leaves(opt_state, is_leaf=_is_recorded):
    if _is_recorded(leaf):
      for name, value in leaf.values.items():
        same = [n for n in scalars if n == name or n.startswith(f'{name} ')]
        scalars[f'{name} {len(same) + 1}' if same else name] = value
  return scalars


def _is_recorded(node: Any) -> bool:
  return isinstance(node, submission.Scalars)


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


def _keys(seed: int) -> jax.Array:
  """The keys of initialisation and of the steps."""
  return jax.random.split(jax.random.key(seed))
