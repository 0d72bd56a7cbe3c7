# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Finds out what is wrong with a submission without training anything."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jaxperf import errors, mesh
from jaxperf.trial import step, trial

# Hyperparameters that the training step itself takes by name.
_RANGES = {
  'label_smoothing': ('[0, 1)', lambda x: 0 <= x < 1),
  'dropout_rate': ('[0, 1)', lambda x: 0 <= x < 1),
  'grad_clip': ('(0, inf)', lambda x: x > 0),
}


def check_update(training: trial.Training) -> None:
  """Refuses hyperparameters or updates that can't work; nothing is computed.

  Args:
    training: of which only shapes are used.

  Raises:
    UserError: if a hyperparameter is out of range, if the transformation
      cannot be built from the tuning point, or
      if it changes the tree, a shape or a dtype of parameters or state, or if
      microbatches do not divide the batch.
  """
  for name, (text, allowed) in _RANGES.items():
    value = vars(training.hps).get(name)
    if value is not None and not allowed(value):
      raise errors.UserError(f'{name} is {value}, allowed is {text}')
  axis = training.workload.batch_shards or training.run.batch_size
  one_device = mesh.make_mesh(jax.devices()[:1])
  mesh.check_batch_size(one_device, axis, training.microbatches)
  try:
    optimizer = training.optimizer()
  except (AttributeError, TypeError, ValueError) as error:
    raise errors.UserError(
      f'the optimizer cannot be built from {vars(training.hps)}: {error}'
    ) from None
  if training.submission.train_step is not None:
    return  # What it does with the optimizer is known once it is traced.
  params, model_state = jax.eval_shape(
    training.workload.init, jax.random.key(0)
  )

  def update(params, model_state):
    zero = jnp.float32(0)
    state = optimizer.init(params)
    updates, new_state = optimizer.update(
      params,
      state,
      params,
      value=zero,
      grad=params,
      value_fn=lambda params: zero,
      grad_fn=lambda params, update_stats=False: (zero, params, model_state),
      step=jnp.int32(0),
    )
    return state, new_state, updates

  try:
    state, new_state, updates = jax.eval_shape(update, params, model_state)
  # Code that raises is for the trial to report, with a traceback in its log.
  except Exception:
    return
  step.check_same_tree('params', params, updates)
  step.check_same_tree('opt_state', state, new_state)
