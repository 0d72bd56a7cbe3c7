# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Finds out what is wrong with a submission without training anything."""

from __future__ import annotations

import inspect
import pathlib
from typing import Any

import jax
import jax.numpy as jnp

from jaxperf import errors, mesh
from jaxperf.trial import checkpoint, gradients, trial
from jaxperf.trial import step as step_lib

# Hyperparameters that the training step itself takes by name.
_RANGES = {
  'label_smoothing': ('[0, 1)', lambda x: 0 <= x < 1),
  'dropout_rate': ('[0, 1)', lambda x: 0 <= x < 1),
  'grad_clip': ('(0, inf)', lambda x: x > 0),
}


def check_setting(training: trial.Training) -> None:
  """Refuses hyperparameters and batches that no submission can have.

  Raises:
    UserError: if a hyperparameter that the step takes by name is out of range,
      or if microbatches do not divide the batch.
  """
  for name, (text, allowed) in _RANGES.items():
    value = vars(training.hps).get(name)
    if value is not None and not allowed(value):
      raise errors.UserError(f'{name} is {value}, allowed is {text}')
  axis = training.workload.batch_shards or training.run.batch_size
  one_device = mesh.make_mesh(jax.devices()[:1])
  mesh.check_batch_size(one_device, axis, training.microbatches)


def check_update(training: trial.Training) -> None:
  """Refuses hyperparameters or updates that can't work; nothing is computed.

  Args:
    training: of an optax submission; only shapes are used.

  Raises:
    UserError: as `check_setting` does, if the transformation cannot be built
      from the tuning point, or if it changes the tree, a shape or a dtype of
      parameters or state.
  """
  check_setting(training)
  try:
    optimizer = step_lib.make_optimizer(training)
  except (AttributeError, TypeError, ValueError) as error:
    raise errors.UserError(
      f'the optimizer cannot be built from {vars(training.hps)}: {error}'
    ) from None
  if training.submission.train_step is not None:
    return  # What it does with the optimizer is known once it is traced.

  def update(params, model_state):
    opt_state = optimizer.init(params)
    _check_arrays(opt_state)
    state = step_lib.TrainState(jnp.int32(0), params, model_state, opt_state)
    free = gradients.free_gradients(params, model_state, params)
    updates, new_opt_state = step_lib.transform(
      optimizer, state, free, jnp.float32(0), params
    )
    return params, updates, state.opt_state, new_opt_state

  shapes = jax.eval_shape(training.workload.init, jax.random.key(0))
  try:
    params, updates, old, new = jax.eval_shape(update, *shapes)
  except errors.UserError:
    raise
  # Whatever a submission's code raises, or libraries that it calls wrongly.
  except Exception as error:
    raise errors.UserError(
      f'its update cannot be traced: {_where(error, training)}'
    ) from error
  step_lib.check_same_tree('params', params, updates)
  step_lib.check_same_tree('opt_state', old, new)
  checkpoint.check({'params': params, 'opt_state': old})


def _where(error: Exception, training: trial.Training) -> str:
  """What was raised, with the line of the submission that led to it."""
  source = inspect.getsourcefile(training.submission.optimizer)
  return errors.in_code(error, pathlib.Path(source).parent)


def _check_arrays(state: Any) -> None:
  """Refuses leaves of an optimizer state that are no arrays."""
  for path, leaf in jax.tree.leaves_with_path(state):
    if callable(leaf) or isinstance(leaf, (str, bytes)):
      what = 'a function' if callable(leaf) else f'the text {leaf!r}'
      raise errors.UserError(
        f'opt_state{jax.tree_util.keystr(path)} is {what}: keep it outside of '
        'the state, which holds arrays alone'
      )
