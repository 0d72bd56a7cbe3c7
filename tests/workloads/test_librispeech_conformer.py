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
from jaxperf import errors
from tests import reference
from tests.workloads import speech_reference
from workloads.librispeech import conformer, data, modules
from workloads.librispeech import workload as workload_lib

BASE = 'librispeech_conformer'
VARIANTS = list(reference.index(BASE)['workloads'][BASE]['variants'])
BASE_FIRST = [
  name if name == BASE else pytest.param(name, marks=pytest.mark.slow)
  for name in VARIANTS
]


@functools.cache
def variant(name):
  return speech_reference.Variant(BASE, name, workloads.settings(name).model)


@pytest.mark.parity
@pytest.mark.parametrize('name', VARIANTS)
def test_parameters_are_those_of_the_benchmark(parity, name):
  speech_reference.check_tree(parity, variant(name))


@pytest.mark.slow
@pytest.mark.parity
@pytest.mark.parametrize('name', VARIANTS)
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
  speech_reference.check_training(parity, variant(name))


@pytest.mark.parity
def test_positions_are_those_of_the_benchmark(parity):
  arrays = reference.arrays(BASE)
  positions = np.asarray(conformer.positions(50, 512), np.float64)
  expected = arrays['posemb/slice']
  parity.close('slice', positions[::7, ::17], expected, atol=1e-5)
  expected = arrays['posemb/summary']
  summary = [positions.sum(), np.sum(positions**2), positions.max()]
  parity.close('summary', summary, expected, rtol=1e-5)


def test_depthwise_convolution_is_a_grouped_one():
  x = jax.random.normal(jax.random.key(0), (2, 9, 6))
  module = conformer.DepthwiseConv(kernel_size=5)
  variables = module.init(jax.random.key(1), x)
  grouped = nn.Conv(6, (5,), feature_group_count=6, use_bias=False)
  np.testing.assert_allclose(
    module.apply(variables, x), grouped.apply(variables, x), atol=1e-6
  )


def test_batch_norm_sees_the_real_frames_alone():
  x = jax.random.normal(jax.random.key(0), (2, 4, 3))
  paddings = jnp.array([[0.0, 0, 0, 1], [0, 1, 1, 1]])
  real = np.asarray(x)[np.asarray(paddings) == 0]
  module = modules.BatchNorm(decay=0.9)
  variables = module.init(jax.random.key(1), x, paddings, train=False)
  y, new = module.apply(
    variables, x, paddings, train=True, mutable='batch_stats'
  )
  expected = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + 1e-3)
  np.testing.assert_allclose(y[paddings == 0], expected, atol=1e-5)
  assert not np.any(y[paddings == 1])
  stats = new['batch_stats']
  np.testing.assert_allclose(stats['mean'], 0.1 * real.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(
    stats['var'], 0.9 + 0.1 * real.var(axis=0), rtol=1e-5
  )


@functools.cache
def small():
  """A small workload, its parameters and an evaluation batch."""
  config = conformer.Config(
    vocabulary=28,
    width=8,
    channels=4,
    num_blocks=1,
    num_heads=2,
    feed_forward=16,
  )
  settings = dataclasses.replace(
    conformer.MINI, model=conformer.Conformer(config)
  )
  workload = workload_lib.build('small', settings, data='fake')
  params, model_state = jax.jit(workload.init)(jax.random.key(0))
  sizes = data.Sizes(samples=16_000, labels=6, vocabulary=28)
  batch = next(iter(data.fake(sizes).evaluation('validation', 4)))
  return workload, params, model_state, batch


@functools.cache
def small_evaluate():
  workload, params, model_state, _ = small()
  return jax.jit(lambda b: workload.evaluate(params, model_state, b, None))


def test_utterances_of_weight_zero_never_change_the_sums():
  workload, _, _, batch = small()
  some = batch | {'weights': np.float32([1, 1, 0, 0])}
  other = jax.tree.map(np.copy, some)
  for array in jax.tree.leaves((other['inputs'], other['targets'])):
    array[2:] = 1.0
  results = [small_evaluate()(each) for each in (some, other)]
  metrics = []
  for sums, rows in results:
    valid = np.asarray(rows.pop('valid'))
    assert valid.tolist() == [True, True, False, False]
    rows = {key: np.asarray(value)[valid] for key, value in rows.items()}
    metrics.append(workload.finish(sums, rows))
  assert metrics[0] == metrics[1]


def test_a_fully_masked_batch_has_defined_metrics():
  workload, _, _, batch = small()
  sums, rows = small_evaluate()(batch | {'weights': np.zeros(4, np.float32)})
  rows = {key: np.asarray(value)[:0] for key, value in rows.items()}
  expected = {'ctc_loss': 0.0, 'wer': 0.0, 'true_wer': 0.0}
  assert workload.finish(sums, rows) == expected
  assert tuple(expected) == workload.metric_names


def test_audio_under_the_padding_never_matters():
  _, _, _, batch = small()
  audio, paddings = batch['inputs']
  noisy = np.where(paddings > 0, np.float32(999), audio)
  sums, rows = small_evaluate()(batch)
  again, same = small_evaluate()(batch | {'inputs': (noisy, paddings)})
  jax.tree.map(np.testing.assert_array_equal, (sums, rows), (again, same))


@functools.partial(jax.jit, static_argnames=('default',))
def logits_in_training(rate, key, default=False):
  """Logits with a traced dropout rate, or with the default one."""
  workload, params, model_state, batch = small()
  (logits, _), _ = workload.apply(
    params,
    model_state,
    batch,
    key,
    train=True,
    dropout_rate=None if default else rate,
  )
  return logits


def test_the_dropout_rate_may_be_traced_and_is_ten_percent_by_default():
  key = jax.random.key(1)
  tenth = logits_in_training(0.1, key)
  np.testing.assert_allclose(
    tenth, logits_in_training(0.1, key, default=True), atol=1e-5
  )
  assert not np.allclose(tenth, logits_in_training(0.5, key))


def test_augmentation_follows_the_key():
  first, second = (
    logits_in_training(0.0, jax.random.key(seed)) for seed in (1, 2)
  )
  assert not np.allclose(first, second)


@pytest.mark.parametrize(
  ('options', 'moves'),
  [
    ({}, True),
    ({'update_stats': False}, False),
  ],
)
def test_statistics_move_only_where_they_should(options, moves):
  workload, params, model_state, batch = small()

  @jax.jit
  def new_state(key):
    return workload.apply(
      params, model_state, batch, key, train=True, **options
    )[1]

  moved = jax.tree.map(
    lambda new, old: not np.array_equal(new, old),
    new_state(jax.random.key(1)),
    model_state,
  )
  assert set(jax.tree.leaves(moved)) == {moves}


def test_fake_batches_have_the_shapes_of_the_real_ones():
  workload = workloads.build(BASE, data='fake')
  batch, _ = next(workload.data.train(0, 2, None))
  spec = workloads.build(BASE).data.element_spec(2)
  assert jax.tree.map(lambda x: (x.shape, x.dtype), batch) == jax.tree.map(
    lambda x: (x.shape, x.dtype), spec
  )
  assert batch['inputs'][0].shape == (2, 320_000)
  assert batch['targets'][0].shape == (2, 256)
  for array, paddings in (batch['inputs'], batch['targets']):
    assert set(np.unique(paddings)) <= {0.0, 1.0}
    assert np.all(np.diff(paddings, axis=1) >= 0)
    assert not np.any(array[paddings == 1])
    assert np.all(array == np.round(array))
  labels, paddings = batch['targets']
  assert labels[paddings == 0].min() >= 1
  assert labels.max() < 1_024


def test_without_prepared_data_there_are_no_batches_and_no_words(monkeypatch):
  monkeypatch.delenv('JAXPERF_DATA', raising=False)
  workload = workloads.build(BASE)
  refused = r'librispeech is read from one.*--config\.data=fake'
  with pytest.raises(errors.UserError, match=refused):
    workload.data.check()
  with pytest.raises(errors.UserError, match=refused):
    workload.data.evaluation('test', 2)
  row = np.array([[5]])
  with pytest.raises(errors.UserError, match=refused):
    workload.finish(
      {'ctc_loss': 1.0, 'num_labels': 1.0}, {'recognised': row, 'spoken': row}
    )
