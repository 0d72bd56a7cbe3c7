# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Schedule-Free AdamW that tunes itself, as somebody writes it for AlgoPerf.

Between evaluations the parameters are y, where gradients are taken; to be
evaluated they become the average x. A flag tells which they are. The older name
of the package is used, and a Python number and a Python string are state.
"""

import functools

import jax
import jax.numpy as jnp
from algorithmic_efficiency import spec

HPARAMS = {
  'learning_rate': 0.0025,
  'beta1': 0.9,
  'beta2': 0.9955159689799007,
  'weight_decay': 0.08121616522670176,
  'warmup_factor': 0.02,
  'label_smoothing': 0.2,
}


def get_batch_size(workload_name):
  return {'tiny': 64, 'criteo1tb': 262_144}[workload_name]


def init_optimizer_state(
  workload, model_params, model_state, hyperparameters, rng
):
  assert hyperparameters is None
  return {
    'z': jax.tree.map(jnp.copy, model_params),
    'v': jax.tree.map(jnp.zeros_like, model_params),
    'weight_sum': jnp.zeros(()),
    'is_average': False,
    'warmup_steps': int(HPARAMS['warmup_factor'] * workload.step_hint * 0.75),
    'name': 'schedule-free',
  }


@jax.jit
def _to_average(y, z):
  b1 = HPARAMS['beta1']
  return jax.tree.map(lambda y, z: (y - (1 - b1) * z) / b1, y, z)


@jax.jit
def _from_average(x, z):
  b1 = HPARAMS['beta1']
  return jax.tree.map(lambda x, z: (1 - b1) * z + b1 * x, x, z)


@functools.partial(
  jax.jit,
  static_argnames=('workload', 'warmup_steps'),
  donate_argnames=('y', 'z', 'v'),
)
def _train_step(
  workload, warmup_steps, y, z, v, weight_sum, model_state, batch, rng, k
):
  b1, b2 = HPARAMS['beta1'], HPARAMS['beta2']

  def loss_fn(y):
    logits, new_model_state = workload.model_fn(
      y,
      batch,
      model_state,
      spec.ForwardPassMode.TRAIN,
      rng,
      update_batch_norm=True,
    )
    loss = workload.loss_fn(
      label_batch=batch['targets'],
      logits_batch=logits,
      mask_batch=batch.get('weights'),
      label_smoothing=HPARAMS['label_smoothing'],
    )
    mean = loss['summed'] / loss['n_valid_examples']
    return mean, new_model_state

  (loss, model_state), g = jax.value_and_grad(loss_fn, has_aux=True)(y)
  rate = HPARAMS['learning_rate']
  if warmup_steps:
    rate = rate * jnp.minimum((k + 1) / warmup_steps, 1.0)
  weight_sum = weight_sum + rate**2
  c = rate**2 / weight_sum
  alpha = rate * jnp.sqrt(1 - b2 ** (k + 1))

  def leaf(y, z, v, g):
    x = y + (1 - 1 / b1) * (z - y)
    z = z - alpha * HPARAMS['weight_decay'] * y
    v = b2 * v + (1 - b2) * g**2
    z = z - alpha * g / (jnp.sqrt(v) + 1e-8)
    x = x + c * (z - x)
    return x + (1 - b1) * (z - x), z, v

  new = jax.tree.map(leaf, y, z, v, g)
  y, z, v = jax.tree.transpose(
    jax.tree.structure(y), jax.tree.structure((0, 0, 0)), new
  )
  return y, z, v, weight_sum, model_state, loss


def update_params(
  workload,
  current_param_container,
  current_params_types,
  model_state,
  hyperparameters,
  batch,
  loss_type,
  optimizer_state,
  eval_results,
  global_step,
  rng,
  train_state,
):
  assert train_state['is_time_remaining']
  state = dict(optimizer_state)
  y = current_param_container
  if state['is_average']:
    y = _from_average(y, state['z'])
    state['is_average'] = False
  y, state['z'], state['v'], state['weight_sum'], model_state, loss = (
    _train_step(
      workload,
      state['warmup_steps'],
      y,
      state['z'],
      state['v'],
      state['weight_sum'],
      model_state,
      batch,
      rng,
      global_step,
    )
  )
  if workload.metrics_logger is not None:
    workload.metrics_logger.append_scalar_metrics({'loss': loss}, global_step)
  return state, y, model_state


def prepare_for_eval(
  workload,
  current_param_container,
  current_params_types,
  model_state,
  hyperparameters,
  loss_type,
  optimizer_state,
  eval_results,
  global_step,
  rng,
):
  x = _to_average(current_param_container, optimizer_state['z'])
  return optimizer_state | {'is_average': True}, x, model_state


def data_selection(
  workload,
  input_queue,
  optimizer_state,
  current_param_container,
  model_state,
  hyperparameters,
  global_step,
  rng,
):
  return next(input_queue)
