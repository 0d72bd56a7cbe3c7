# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Finds out what is wrong with a submission without training anything."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxperf import errors, mesh
from jaxperf.trial import gradients, trial
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
    state = step_lib.TrainState(
      jnp.int32(0), params, model_state, optimizer.init(params)
    )
    free = gradients.free_gradients(params, model_state, params)
    updates, new_opt_state = step_lib.transform(
      optimizer, state, free, jnp.float32(0), params
    )
    return params, updates, state.opt_state, new_opt_state

  shapes = jax.eval_shape(training.workload.init, jax.random.key(0))
  try:
    params, updates, old, new = jax.eval_shape(update, *shapes)
  # Code that raises is for the trial to report, with a traceback in its log.
  except Exception:
    return
  step_lib.check_same_tree('params', params, updates)
  step_lib.check_same_tree('opt_state', old, new)
