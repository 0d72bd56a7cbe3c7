# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from tests import reference
from tests.workloads import speech_reference
from workloads.librispeech import deepspeech, recurrence

BASE = 'librispeech_deepspeech'
NO_RESNET = 'librispeech_deepspeech_no_resnet'
NORM_AND_SPEC_AUG = 'librispeech_deepspeech_norm_and_spec_aug'
VARIANTS = list(reference.index(BASE)['workloads'][BASE]['variants'])
BASE_FIRST = [
  name if name == BASE else pytest.param(name, marks=pytest.mark.slow)
  for name in VARIANTS
]


@functools.cache
def variant(name):
  # The reference numbers have no dropout at all, fixed rates included.
  model = workloads.settings(name).model
  config = dataclasses.replace(model.config, feed_forward_dropout=None)
  model = deepspeech.DeepSpeech(config)
  return speech_reference.Variant(BASE, name, model)


@pytest.mark.parity
@pytest.mark.parametrize('name', VARIANTS)
def test_parameters_are_those_of_the_benchmark(parity, name):
  speech_reference.check_tree(parity, variant(name))


@pytest.mark.parity
@pytest.mark.parametrize('name', BASE_FIRST)
def test_initial_parameters_are_those_of_the_benchmark(parity, name):
  seed = reference.index(BASE)['init_seed']
  speech_reference.check_init(parity, variant(name), seed)


@pytest.mark.parity
@pytest.mark.parametrize('name', BASE_FIRST)
def test_evaluation_is_that_of_the_benchmark(parity, name):
  speech_reference.check_evaluation(parity, variant(name))


@pytest.mark.parity
@pytest.mark.parametrize('name', BASE_FIRST)
def test_training_is_that_of_the_benchmark(parity, name):
  if name == NO_RESNET:  # Rounding errors grow without residual connections.
    tolerances = {
      'logits': speech_reference.CHAOTIC_LOGITS,
      'gradients': 1e-2,
    }
    speech_reference.check_training(parity, variant(name), **tolerances)
  else:
    speech_reference.check_training(parity, variant(name))


def test_a_layer_is_two_flax_lstms_over_the_real_frames():
  num_inputs, units = 6, 5
  x = jax.random.normal(jax.random.key(0), (3, 8, num_inputs))
  lengths = jnp.array([8, 5, 1])
  paddings = (jnp.arange(8) >= lengths[:, None]).astype(float)
  module = deepspeech.Bidirectional(units)
  variables = jax.jit(module.init)(jax.random.key(1), x, paddings)
  keys = jax.random.split(jax.random.key(2), 100)
  leaves, structure = jax.tree.flatten(variables)
  random = [jax.random.normal(k, v.shape) for k, v in zip(keys, leaves)]
  variables = jax.tree.unflatten(structure, random)
  expected = []
  for direction, reverse in enumerate((False, True)):
    layer = nn.RNN(
      nn.OptimizedLSTMCell(units), reverse=reverse, keep_order=True
    )
    params = variables['params'][f'LSTMSequenceEncoder_{direction}']
    run = jax.jit(functools.partial(layer.apply, seq_lengths=lengths))
    expected.append(run({'params': params}, x))
  np.testing.assert_allclose(
    jax.jit(module.apply)(variables, x, paddings),
    jnp.concatenate(expected, axis=-1),
    atol=1e-5,
  )


def plain_recurrence(inputs, kernels):
  """Textbook cells, frame by frame, for JAX to differentiate as it likes."""

  def step(carry, frame):
    c, h = carry
    gates = frame + jnp.einsum('sbh,shg->sbg', h, kernels)
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (c, h), h

  start = jnp.zeros((*inputs.shape[1:3], kernels.shape[1]))
  return jax.lax.scan(step, (start, start), inputs)[1]


def test_derivatives_of_the_recurrence_are_those_of_plain_cells():
  frames, units = 7, 5
  keys = jax.random.split(jax.random.key(0), 5)
  inputs, inputs_dot = jax.random.normal(keys[0], (2, frames, 2, 3, 4 * units))
  kernels, kernels_dot = jax.random.normal(keys[1], (2, 2, units, 4 * units))
  weights = jax.random.normal(keys[2], (frames, 2, 3, units))
  points, directions = (inputs, kernels), (inputs_dot, kernels_dot)

  def derivatives(states):
    def loss(*points):
      return jnp.sum(weights * jnp.square(states(*points)))

    gradient = jax.grad(loss, argnums=(0, 1))
    forward = jax.jvp(states, points, directions)
    return gradient(*points), forward, jax.jvp(gradient, points, directions)[1]

  expected = jax.jit(lambda: derivatives(plain_recurrence))()
  actual = jax.jit(lambda: derivatives(recurrence.hidden_states))()
  for one, other in zip(jax.tree.leaves(actual), jax.tree.leaves(expected)):
    scale = np.abs(other).max()
    np.testing.assert_allclose(one / scale, other / scale, atol=2e-6)


@pytest.mark.parametrize('fixed_rate', [0.1, None])
def test_feed_forward_layers_drop_out_at_a_fixed_rate_if_there_is_one(
  fixed_rate,
):
  config = deepspeech.Config(
    vocabulary=5,
    width=8,
    channels=4,
    num_lstm_layers=1,
    num_feed_forward_layers=1,
    feed_forward_dropout=fixed_rate,
  )
  model = deepspeech.DeepSpeech(config)
  features = jax.random.normal(jax.random.key(0), (2, 24, 80))
  inputs = features, jnp.zeros((2, 24))
  options = {'dropout_rate': 0.0}

  @jax.jit
  def logits(key):
    variables = model.init(jax.random.key(1), *inputs, train=False, **options)
    (logits, _), _ = model.apply(
      variables,
      *inputs,
      train=True,
      rngs={'dropout': key},
      mutable='batch_stats',
      **options,
    )
    return logits

  first, second = (logits(jax.random.key(seed)) for seed in (2, 3))
  assert np.allclose(first, second) == (fixed_rate is None)


def test_residual_models_have_a_fixed_rate():
  for name in VARIANTS:
    config = workloads.settings(name).model.config
    assert config.feed_forward_dropout == (0.1 if config.residual else None)


def test_norm_and_spec_aug_masks_more_and_evaluates_in_smaller_batches():
  workload = workloads.build(NORM_AND_SPEC_AUG)
  assert workload.eval_batch_size == 128
  assert workload.apply.args[1] == (15, 4)
  base = workloads.build(BASE)
  assert base.eval_batch_size == 256
  assert base.apply.args[1] == deepspeech.FULL.masks == (10, 2)
