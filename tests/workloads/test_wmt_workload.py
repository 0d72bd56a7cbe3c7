# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Loss, dropout and evaluation of the translation workload."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

import workloads
from tests import reference
from workloads.wmt import workload as workload_lib

NUMBERS = reference.arrays('wmt')


@pytest.fixture(scope='module')
def mini():
  """The mini workload on fake data, its parameters, and a training batch."""
  workload = workloads.build('mini_translation', data='fake')
  params, _ = jax.jit(workload.init)(jax.random.key(0))
  batch, _ = next(workload.data.train(0, 4, None))
  return workload, params, batch


@pytest.fixture(scope='module')
def evaluated(mini):
  """Sums and rows of an evaluation batch whose second half is padding."""
  workload, params, _ = mini
  batch = next(workload.data.evaluation('test', 4))
  batch['weights'][2:] = 0
  evaluate = jax.jit(workload.evaluate)
  return evaluate, batch, evaluate(params, {}, batch, None)


@pytest.mark.parity
@pytest.mark.parametrize('smoothing', [0.0, 0.1])
@pytest.mark.parametrize('masked', [True, False])
def test_loss_is_the_published_one(smoothing, masked, parity):
  batch = {'targets': NUMBERS['loss/targets']}
  if masked:
    batch['weights'] = NUMBERS['loss/mask']
  logits = jnp.asarray(NUMBERS['loss/logits'])
  loss = workload_lib.loss(logits, batch, label_smoothing=smoothing)
  prefix = f'loss/ls{smoothing}_{"mask" if masked else "nomask"}'
  parity.close('summed', loss.summed, NUMBERS[f'{prefix}/summed'], rtol=1e-5)
  parity.close(
    'per token', loss.per_example, NUMBERS[f'{prefix}/per_example'], rtol=1e-5
  )
  parity.equal('tokens', loss.n_valid, NUMBERS[f'{prefix}/n_valid_examples'])


@pytest.mark.parity
def test_accuracy_is_the_published_one(parity):
  sums = workload_lib.token_sums(
    jnp.asarray(NUMBERS['loss/logits']),
    {'targets': NUMBERS['loss/targets'], 'weights': NUMBERS['loss/mask']},
  )
  parity.equal('correct', sums['correct'], NUMBERS['loss/accuracy_sum'])
  parity.equal('tokens', sums['tokens'], NUMBERS['loss/accuracy_weight'])


def test_loss_is_the_cross_entropy_with_the_smoothed_distribution():
  rng = np.random.default_rng(0)
  logits = rng.normal(size=(2, 3, 5))
  targets = rng.integers(5, size=(2, 3))
  smoothed = 0.7 * np.eye(5)[targets] + 0.3 / 5
  expected = -(smoothed * scipy.special.log_softmax(logits, -1)).sum(-1)
  loss = workload_lib.loss(
    jnp.asarray(logits), {'targets': targets}, label_smoothing=0.3
  )
  np.testing.assert_allclose(loss.per_example, expected, rtol=1e-5)
  assert loss.n_valid == 6  # Without weights every token counts.


def test_a_target_outside_the_vocabulary_has_a_finite_loss():
  loss = workload_lib.loss(
    jnp.zeros((1, 2, 4)), {'targets': jnp.array([[9, -1]])}, label_smoothing=0.1
  )
  np.testing.assert_allclose(loss.per_example, 0.1 * np.log(4), rtol=1e-6)


def test_weights_of_zero_leave_no_loss_and_no_gradient():
  batch = {'targets': jnp.ones((2, 3), int), 'weights': jnp.zeros((2, 3))}
  logits = jax.random.normal(jax.random.key(0), (2, 3, 5))
  value, gradient = jax.value_and_grad(
    lambda logits: workload_lib.loss(logits, batch).summed
  )(logits)
  assert value == 0
  assert not gradient.any()


def test_a_traced_dropout_rate_does_what_the_number_does(mini):
  workload, params, batch = mini
  apply = jax.jit(workload.apply, static_argnames='train')

  def logits(train, rate=None):
    key = jax.random.key(1)
    return apply(params, {}, batch, key, train=train, dropout_rate=rate)[0]

  np.testing.assert_allclose(logits(True, 0.1), logits(True), atol=1e-4)
  off = logits(False)
  np.testing.assert_allclose(logits(True, 0.0), off, atol=1e-4)
  assert np.abs(logits(True, 0.5) - off).max() > 0.1


def test_padded_sentences_change_no_sum_and_are_marked(mini, evaluated):
  _, params, _ = mini
  evaluate, batch, (sums, rows) = evaluated
  assert rows['valid'].tolist() == [True, True, False, False]
  garbled = dict(batch)
  for key in ('inputs', 'targets'):
    garbled[key] = batch[key].copy()
    garbled[key][2:] = 17
  other_sums, other_rows = evaluate(params, {}, garbled, None)
  jax.tree.map(np.testing.assert_array_equal, other_sums, sums)
  np.testing.assert_array_equal(
    other_rows['translation'][:2], rows['translation'][:2]
  )


def test_an_evaluation_without_a_sentence_gives_numbers(mini, evaluated):
  workload, params, _ = mini
  evaluate, batch, _ = evaluated
  empty = {key: np.zeros_like(array) for key, array in batch.items()}
  sums, rows = jax.tree.map(np.asarray, evaluate(params, {}, empty, None))
  rows = {key: array[rows['valid']] for key, array in rows.items()}
  assert workload.finish(sums, rows) == {'loss': 0, 'accuracy': 0, 'bleu': 0}


def test_a_translation_without_end_keeps_only_its_first_token(mini):
  workload = mini[0]
  rows = {
    'translation': np.array([[5, 6, 7, 8, 9, 3], [5, 6, 7, 8, 2, 9]]),
    'reference': np.array([[5, 6, 7, 8, 2, 0], [5, 6, 7, 8, 2, 0]]),
  }
  sums = {'loss': 1.0, 'correct': 1.0, 'tokens': 1.0}
  # 5 of 5 words match, 3, 2 and 1 of the longer ones; 5 words stand for 8.
  expected = 100 * np.exp(1 - 8 / 5)
  np.testing.assert_allclose(workload.finish(sums, rows)['bleu'], expected)


def test_eight_devices_evaluate_as_one_does(mini):
  workload, params, _ = mini
  batch = next(workload.data.evaluation('test', 8))
  mesh = jax.make_mesh(
    (8,), ('data',), axis_types=(jax.sharding.AxisType.Auto,)
  )
  sharding = jax.NamedSharding(mesh, jax.P('data'))
  evaluate = jax.jit(workload.evaluate)
  sums, rows = evaluate(params, {}, batch, None)
  sharded = jax.device_put(batch, sharding)
  replicated = jax.device_put(params, jax.NamedSharding(mesh, jax.P()))
  other_sums, other_rows = evaluate(replicated, {}, sharded, None)
  for key, value in sums.items():
    np.testing.assert_allclose(other_sums[key], value, rtol=1e-5)
  np.testing.assert_array_equal(other_rows['translation'], rows['translation'])
