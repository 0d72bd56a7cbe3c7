# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""NadamW with external tuning, as somebody writes it for AlgoPerf in JAX."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from algoperf import jax_sharding_utils, spec

_EPS = 1e-6


class NadamWState(NamedTuple):
  count: jax.Array
  mu: Any
  nu: Any


def nadamw(schedule, b1, b2, weight_decay, eps=1e-8):
  def init_fn(params):
    mu = jax.tree.map(jnp.zeros_like, params)
    nu = jax.tree.map(jnp.zeros_like, params)
    return NadamWState(jnp.zeros((), jnp.int32), mu, nu)

  def update_fn(grads, state, params):
    count = state.count + 1
    mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
    nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)
    rate = schedule(state.count)

    def leaf(m, v, g, p):
      m_hat = (b1 * m + (1 - b1) * g) / (1 - b1**count)
      v_hat = v / (1 - b2**count)
      return -rate * (m_hat / (jnp.sqrt(v_hat) + eps) + weight_decay * p)

    return jax.tree.map(leaf, mu, nu, grads, params), NadamWState(count, mu, nu)

  return init_fn, update_fn


def init_optimizer_state(
  workload: spec.Workload,
  model_params: spec.ParameterContainer,
  model_state: spec.ModelAuxiliaryState,
  hyperparameters: spec.Hyperparameters,
  rng: spec.RandomState,
) -> spec.OptimizerState:
  del model_params, model_state, rng
  steps = workload.step_hint
  warmup_steps = int(hyperparameters.warmup_factor * steps)
  schedule = optax.join_schedules(
    [
      optax.linear_schedule(0.0, hyperparameters.learning_rate, warmup_steps),
      optax.cosine_decay_schedule(
        hyperparameters.learning_rate, max(steps - warmup_steps, 1)
      ),
    ],
    [warmup_steps],
  )
  init_fn, update_fn = nadamw(
    schedule,
    1.0 - hyperparameters.one_minus_beta1,
    hyperparameters.beta2,
    hyperparameters.weight_decay,
  )
  zeros = jax.tree.map(
    lambda shape: jnp.zeros(shape.shape_tuple), workload.param_shapes
  )
  return jax_sharding_utils.replicate(init_fn(zeros)), update_fn


def train_step(
  workload,
  update_fn,
  model_state,
  optimizer_state,
  params,
  batch,
  rng,
  grad_clip,
  label_smoothing,
  dropout_rate,
):
  def loss_fn(params):
    logits, new_model_state = workload.model_fn(
      params,
      batch,
      model_state,
      spec.ForwardPassMode.TRAIN,
      rng,
      update_batch_norm=True,
      dropout_rate=dropout_rate,
    )
    losses = workload.loss_fn(
      label_batch=batch['targets'],
      logits_batch=logits,
      mask_batch=batch.get('weights'),
      label_smoothing=label_smoothing,
    )
    return losses['summed'], (losses['n_valid_examples'], new_model_state)

  (summed, (n_valid, new_model_state)), grad = jax.value_and_grad(
    loss_fn, has_aux=True
  )(params)
  loss = summed / n_valid
  grad = jax.tree.map(lambda g: g / n_valid, grad)
  norm = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(grad)))
  if grad_clip is not None:
    factor = jnp.clip(grad_clip / (norm + _EPS), 0.0, 1.0)
    grad = jax.tree.map(lambda g: g * factor, grad)
  updates, optimizer_state = update_fn(grad, optimizer_state, params)
  params = optax.apply_updates(params, updates)
  return optimizer_state, params, new_model_state, loss, norm


def update_params(
  workload: spec.Workload,
  current_param_container: spec.ParameterContainer,
  current_params_types: spec.ParameterTypeTree,
  model_state: spec.ModelAuxiliaryState,
  hyperparameters: spec.Hyperparameters,
  batch: dict[str, spec.Tensor],
  loss_type: spec.LossType,
  optimizer_state: spec.OptimizerState,
  eval_results: list[tuple[int, float]],
  global_step: int,
  rng: spec.RandomState,
) -> spec.UpdateReturn:
  del current_params_types, loss_type, eval_results
  optimizer_state, update_fn = optimizer_state
  smoothing = getattr(hyperparameters, 'label_smoothing', 0.0)
  dropout_rate = getattr(hyperparameters, 'dropout_rate', None)
  grad_clip = None
  if hasattr(hyperparameters, 'grad_clip'):
    grad_clip = hyperparameters.grad_clip
  replicated = jax_sharding_utils.get_replicate_sharding()
  sharded = jax_sharding_utils.get_batch_dim_sharding()
  jitted_train_step = jax.jit(
    train_step,
    static_argnums=(0, 1),
    donate_argnums=(2, 3, 4),
    in_shardings=(*[replicated] * 3, sharded, *[replicated] * 4),
    out_shardings=(replicated,) * 5,
  )
  optimizer_state, params, new_model_state, loss, norm = jitted_train_step(
    workload,
    update_fn,
    model_state,
    optimizer_state,
    current_param_container,
    batch,
    rng,
    grad_clip,
    smoothing,
    dropout_rate,
  )
  logs = global_step <= 100 or global_step % 500 == 0
  if logs and workload.metrics_logger is not None:
    workload.metrics_logger.append_scalar_metrics(
      {'loss': loss, 'grad_norm': norm}, global_step
    )
  return (optimizer_state, update_fn), params, new_model_state


def get_batch_size(workload_name: str) -> int:
  if workload_name == 'criteo1tb':
    return 262_144
  if workload_name == 'tiny':
    return 64
  raise ValueError(f'Unsupported workload name: {workload_name}.')


def data_selection(
  workload: spec.Workload,
  input_queue: Iterator[dict[str, spec.Tensor]],
  optimizer_state: spec.OptimizerState,
  current_param_container: spec.ParameterContainer,
  model_state: spec.ModelAuxiliaryState,
  hyperparameters: spec.Hyperparameters,
  global_step: int,
  rng: spec.RandomState,
) -> dict[str, spec.Tensor]:
  del workload, optimizer_state, current_param_container, model_state
  del hyperparameters, global_step, rng
  return next(input_queue)
