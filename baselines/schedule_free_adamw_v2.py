# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Schedule-Free AdamW, second version: float32 state, and batch statistics.

Running statistics are collected where the model is evaluated: at the average x,
by an extra forward pass on some steps, not at y where the gradient is taken.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax

from baselines import schedule_free_adamw
from baselines.parts import batch_sizes
from jaxperf import submission as submission_lib
from jaxperf import tuning

optimizer = functools.partial(
  schedule_free_adamw.optimizer,
  warmup_of=0.75,
  averaging_power=0.0,
  decay_at_average=False,
  state_dtype=jnp.float32,
)


def two_steps_in_three(step):
  """When the external submissions pass; meant was the opposite."""
  return step % 3 != 0


def one_step_in_three(step):
  """When the self-tuning submissions pass."""
  return step % 3 == 0


def statistics_at_average(optimizer, due):
  """A `train_step` that updates running statistics at x instead of y.

  Args:
    optimizer: `(hps, run) -> transformation` whose state has `b1` and `z`.
    due: `(step) -> bool`, whether this step makes the extra pass.
  """

  def make(hps, run):
    transformation = optax.with_extra_args_support(optimizer(hps, run))

    def pass_at_average(state, gradients):
      x, _ = schedule_free_adamw.eval_params(
        state.opt_state, state.params, state.model_state
      )
      return gradients.grad_fn(x, True)[2]  # The gradient is never computed.

    def step(state, gradients, key):
      del key
      model_state = state.model_state
      if run.has_batch_stats:
        model_state = jax.lax.cond(
          due(state.step),
          lambda: pass_at_average(state, gradients),
          lambda: model_state,
        )
      value, grad, _ = gradients.grad_fn(state.params, False)
      updates, opt_state = transformation.update(
        grad, state.opt_state, state.params, value=value, grad=grad
      )
      params = optax.apply_updates(state.params, updates)
      scalars = {'loss': value, 'grad_norm': optax.tree.norm(grad)}
      return params, model_state, opt_state, scalars

    return step

  return make


_NAMES = (
  'learning_rate',
  'one_minus_beta1',
  'beta2',
  'weight_decay',
  'warmup_factor',
  'label_smoothing',
  'dropout_rate',
)
_VALUES = (
  (0.003, 0.1, 0.9955, 0.08, 0.02, 0.2, 0.0),
  (0.004, 0.1, 0.9955, 0.08, 0.02, 0.4, 0.1),
  (0.005, 0.1, 0.62918, 0.08, 0.02, 0.4, 0.0),
  (0.01, 0.075, 0.99, 0.04, 0.02, 0.1, 0.0),
  (0.002, 0.1, 0.9955, 0.08, 0.02, 0.2, 0.0),
)
submission = submission_lib.Submission(
  optimizer=optimizer,
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.SCHEDULE_FREE_EXTERNAL_V06,
  eval_params=schedule_free_adamw.eval_params,
  train_step=statistics_at_average(optimizer, two_steps_in_three),
)
self_tuning = dataclasses.replace(
  submission,
  tuning=schedule_free_adamw.SELF_TUNING,
  batch_size=batch_sizes.SCHEDULE_FREE,
  train_step=statistics_at_average(optimizer, one_step_in_three),
)
