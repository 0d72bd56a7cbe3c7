# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""MRI reconstruction against the published benchmark's numbers."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from jaxperf import errors
from tests import reference
from tests.workloads import published
from workloads.fastmri import model, sampling, ssim
from workloads.fastmri import workload as workload_lib

BASE = 'fastmri'
NAMES = (BASE, 'fastmri_model_size', 'fastmri_tanh', 'fastmri_layernorm')
QUICK = ((BASE, 'small'), (BASE, 'odd'), ('fastmri_layernorm', 'odd'))
CASES = [
  pytest.param(
    name, case, marks=() if (name, case) in QUICK else pytest.mark.slow
  )
  for name in NAMES
  for case in ('small', 'odd', 'full')
]
NUMBERS = reference.arrays(BASE)


def stored_batch(case):
  batch = {
    key: np.float32(NUMBERS[f'batch_{case}/{key}_q']) / 20
    for key in ('inputs', 'targets')
  }
  if case == 'small':
    batch['weights'] = NUMBERS['batch_small/weights']
  return batch


def ssim_batch(*keys):
  return {key: jnp.asarray(NUMBERS[f'ssim/{key}']) for key in keys}


@functools.cache
def mini():
  """The mini workload on fake data, its parameters and a training batch."""
  workload = workloads.build('mini_mri', data='fake')
  params, model_state = jax.jit(workload.init)(jax.random.key(0))
  batch = next(workload.data.train(0, 3, None))[0]
  for key in ('inputs', 'targets'):  # Smaller images do, and are faster.
    batch[key] = batch[key][:, :24, :20]
  return workload, params, model_state, batch


@pytest.mark.parity
@pytest.mark.parametrize('name', NAMES)
def test_parameters_are_the_published_ones(name, parity):
  published.compare_parameters(
    parity, workloads.build(name), published.variant(BASE, name)
  )


@pytest.mark.parity
@pytest.mark.parametrize(
  'name', published.slow_except(NAMES, 'fastmri_model_size')
)
def test_initial_values_are_the_published_ones(name, parity):
  published.compare_initial_values(parity, workloads.build(name), BASE)


@pytest.mark.parity
@pytest.mark.parametrize(('name', 'case'), CASES)
def test_forward_and_gradient_are_the_published_ones(name, case, parity):
  entry = published.variant(BASE, name)
  setting = entry['cases'][case]
  expected = published.case_arrays(BASE, f'{name}/{case}')
  eval_images, train_images, loss, gradient, _ = published.forward_and_gradient(
    workloads.build(name),
    reference.filled(BASE, entry['params']),
    {},
    stored_batch(case),
    setting['label_smoothing'],
  )
  cut = reference.stored_part(setting['logits_stored'])
  for mode, images in (('eval', eval_images), ('train', train_images)):
    published.compare_logits(parity, mode, images, expected, cut=cut)
  parity.close('loss', loss, expected['train_loss'], rtol=1e-5)
  published.compare_gradient(parity, gradient, entry, expected)


@pytest.mark.parity
@pytest.mark.parametrize('smoothing', [0.0, 0.1])
@pytest.mark.parametrize('masked', ['mask', 'nomask'])
def test_losses_are_the_published_ones(smoothing, masked, parity):
  batch = ssim_batch('targets')
  if masked == 'mask':
    batch['weights'] = jnp.asarray(NUMBERS['loss/mask'])
  loss = workload_lib.loss(
    NUMBERS['ssim/logits'], batch, label_smoothing=smoothing
  )
  published.compare_loss(
    parity, loss, published.case_arrays(BASE, f'loss/ls{smoothing}_{masked}')
  )


@pytest.mark.parity
def test_similarity_is_the_published_one(parity):
  logits = jnp.asarray(NUMBERS['ssim/logits'])
  batch = ssim_batch('targets', 'mean', 'std', 'volume_max')
  values = workload_lib.similarity(logits, batch)
  parity.close('values', values, NUMBERS['ssim/values'], atol=1e-5)
  defaults = workload_lib.similarity(logits, ssim_batch('targets'))
  parity.close('defaults', defaults, NUMBERS['ssim/values_defaults'], atol=1e-5)


@pytest.mark.parity
def test_masks_are_the_published_ones(parity):
  for width in (368, 372):
    mask = sampling.column_mask(width, sampling.EVALUATION_SEED)
    parity.equal(f'width {width}', mask, NUMBERS[f'eval_mask/{width}'])


@pytest.mark.parity
@pytest.mark.parametrize('case', ['eval', 'seeded'])
def test_undersampled_slices_are_the_published_ones(case, parity):
  seed = reference.index(BASE)['workloads'][BASE]['pre_seeds'][case]
  result = sampling.undersampled(
    NUMBERS['pre/kspace'], NUMBERS['pre/target'], tuple(seed)
  )
  for key, value in result._asdict().items():
    parity.close(key, value, NUMBERS[f'pre/{case}/{key}'], atol=1e-5, rtol=1e-5)


def test_similarity_agrees_with_a_loop_over_the_windows():
  rng = np.random.default_rng(0)
  x, y = rng.random((2, 1, 9, 8))
  values = []
  for i in range(3):
    for j in range(2):
      a, b = x[0, i : i + 7, j : j + 7], y[0, i : i + 7, j : j + 7]
      (va, c), (_, vb) = np.cov(a.ravel(), b.ravel())
      c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
      values.append(
        (2 * a.mean() * b.mean() + c1)
        * (2 * c + c2)
        / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (va + vb + c2))
      )
  np.testing.assert_allclose(
    ssim.ssim(jnp.float32(x), jnp.float32(y), jnp.array([2.0])),
    [np.mean(values)],
    atol=1e-5,
  )


def test_an_image_is_perfectly_similar_to_itself():
  image = jax.random.normal(jax.random.key(0), (2, 12, 12))
  np.testing.assert_allclose(ssim.ssim(image, image, jnp.ones(2)), 1, atol=1e-5)


def test_the_transposed_convolution_does_not_flip_its_kernel_twice():
  block = model.TransposeConvBlock(model.Config(activation=lambda x: x), 1)
  kernel = np.arange(1.0, 5.0).reshape(2, 2, 1, 1)
  params = {'ConvTranspose_0': {'kernel': jnp.float32(kernel)}}
  image = np.zeros((1, 2, 2, 1), np.float32)
  image[0, 1, 0] = 1
  output = block.apply({'params': params}, image)[0, :, :, 0]
  expected = np.zeros((4, 4))
  expected[2:, :2] = kernel[::-1, ::-1, 0, 0]
  expected = (expected - expected.mean()) / np.sqrt(expected.var() + 1e-5)
  np.testing.assert_allclose(output, expected, atol=1e-5)


def test_padding_never_changes_the_sums():
  workload, params, model_state, batch = mini()
  weights = np.ones(3, np.float32)
  padded = {
    key: np.concatenate([value, np.zeros((2, *value.shape[1:]), np.float32)])
    for key, value in (batch | {'weights': weights}).items()
  }
  evaluate = jax.jit(workload.evaluate)
  expected, _ = evaluate(params, model_state, batch, None)
  actual, rows = evaluate(params, model_state, padded, None)
  assert rows == {}
  for key, value in expected.items():
    np.testing.assert_allclose(actual[key], value, rtol=1e-5)


def test_a_masked_batch_gives_finite_numbers():
  workload, params, model_state, batch = mini()
  batch = {key: np.zeros_like(value) for key, value in batch.items()}
  batch['weights'] = np.zeros(3, np.float32)
  sums, rows = jax.jit(workload.evaluate)(params, model_state, batch, None)
  assert workload.finish(sums, rows) == {'ssim': 0.0, 'loss': 0.0}


def test_dropout_drops_whole_channels_at_a_rate_that_may_be_traced():
  x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
  block = model.ConvBlock(model.Config(activation=nn.sigmoid), features=64)
  params = block.init(jax.random.key(1), x, False, 0.0)

  @jax.jit
  def apply(rate):
    rngs = {'dropout': jax.random.key(2)}
    return block.apply(params, x, True, rate, rngs=rngs)

  dropped = (np.asarray(apply(0.25)) == 0).all(axis=(1, 2))
  some = (np.asarray(apply(0.25)) == 0).any(axis=(1, 2))
  np.testing.assert_array_equal(some, dropped)
  assert 0.1 < dropped.mean() < 0.4
  plain = block.apply(params, x, False, 0.25)
  np.testing.assert_allclose(apply(0.0), plain, atol=1e-5)


def test_a_quarter_of_the_columns_is_measured_and_the_middle_always():
  masks = np.array([sampling.column_mask(368, (5, i)) for i in range(200)])
  assert abs(masks.mean() - 0.25) < 0.01
  always = np.flatnonzero(masks.all(axis=0))
  np.testing.assert_array_equal(always, np.arange(170, 199))


@pytest.mark.parametrize('name', [BASE, 'mini_mri'])
@pytest.mark.parametrize('split', [None, 'train', 'validation', 'test'])
def test_fake_batches_are_as_announced(name, split):
  data = workloads.build(name, data='fake').data
  if split is None:
    batch = next(data.train(0, 3, None))[0]
  else:
    batch = next(data.evaluation(split, 3))
  published.compare_batch(batch, data.element_spec(3, split))


def test_full_size_slices_are_announced_but_not_available():
  data = workloads.build('fastmri_tanh').data
  assert data.element_spec(4)['targets'].shape == (4, 320, 320)
  with pytest.raises(errors.UserError, match='fastmri_tanh is not available'):
    data.train(0, 4, None)


def test_mini_stream_resumes_exactly_and_is_as_announced():
  data = workloads.build('mini_mri').data
  stream = data.train(3, 16, None)
  batches = [next(stream) for _ in range(4)]
  _, cursor = batches[1]
  resumed = data.train(3, 16, cursor)
  for batch, _ in batches[2:]:
    published.compare_batch(batch, data.element_spec(16))
    again, _ = next(resumed)
    for key, value in batch.items():
      np.testing.assert_array_equal(again[key], value)


@pytest.mark.parametrize('split', ['train', 'validation', 'test'])
def test_mini_evaluation_covers_what_the_facts_say(split):
  workload = workloads.build('mini_mri')
  description = workload.description
  count = {
    'train': description.num_eval_train,
    'validation': description.num_validation,
    'test': description.num_test,
  }[split]
  batches = list(workload.data.evaluation(split, 60))
  assert sum(batch['weights'].sum() for batch in batches) == count
  for batch in batches:
    published.compare_batch(batch, workload.data.element_spec(60, split))
