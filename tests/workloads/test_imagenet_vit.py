# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""ViT, RandAugment and mixup against the published benchmark's numbers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from jaxperf import errors
from tests import reference
from tests.workloads import published
from workloads.imagenet import augment, randaugment, vit
from workloads.imagenet import workload as workload_lib

BASE = 'imagenet_vit'
NAMES = (BASE, 'imagenet_vit_glu', 'imagenet_vit_post_ln', 'imagenet_vit_map')
HEAVY = published.slow_except(NAMES, BASE, 'imagenet_vit_post_ln')
INITIAL = published.slow_except(NAMES, BASE)
NUMBERS = reference.arrays(BASE)


@functools.cache
def mini():
  """The mini workload on fake data, its parameters and two batches."""
  workload = workloads.build('mini_images_vit', data='fake')
  params, model_state = jax.jit(workload.init)(jax.random.key(0))
  # The head starts at zero: all logits would be equal.
  params['head']['kernel'] = jax.random.normal(jax.random.key(1), (64, 10))
  train = next(workload.data.train(0, 8, None))[0]
  evaluation = next(workload.data.evaluation('validation', 8))
  return workload, params, model_state, train, evaluation


@pytest.mark.parity
@pytest.mark.parametrize('name', NAMES)
def test_parameters_are_the_published_ones(name, parity):
  published.compare_parameters(
    parity, workloads.build(name), published.variant(BASE, name)
  )


@pytest.mark.parity
@pytest.mark.parametrize('name', INITIAL)
def test_initial_values_are_the_published_ones(name, parity):
  published.compare_initial_values(parity, workloads.build(name), BASE)


@pytest.mark.parity
@pytest.mark.parametrize('name', HEAVY)
def test_forward_and_gradient_are_the_published_ones(name, parity):
  entry = published.variant(BASE, name)
  expected = published.case_arrays(BASE, f'{name}/main')
  batch = {
    'inputs': np.float32(NUMBERS['batch/inputs_q']) / 20,
    'targets': NUMBERS['batch/targets'],
  }
  eval_logits, train_logits, loss, gradient, _ = published.forward_and_gradient(
    workloads.build(name),
    reference.filled(BASE, entry['params']),
    {},
    batch,
    entry['cases']['main']['label_smoothing'],
  )
  published.compare_logits(parity, 'eval', eval_logits, expected)
  published.compare_logits(parity, 'train', train_logits, expected)
  parity.close('loss', loss, expected['train_loss'], rtol=1e-5)
  published.compare_gradient(parity, gradient, entry, expected)


@pytest.mark.parity
@pytest.mark.parametrize('labels', ['loss', 'loss_soft'])
@pytest.mark.parametrize('smoothing', [0.0, 0.1])
@pytest.mark.parametrize('masked', ['mask', 'nomask'])
def test_losses_are_the_published_ones(labels, smoothing, masked, parity):
  published.compare_image_loss(parity, BASE, labels, smoothing, masked)


@pytest.mark.parity
def test_metrics_are_the_published_ones(parity):
  published.compare_image_metrics(parity, BASE)


@pytest.mark.parity
def test_position_embedding_is_the_published_one(parity):
  embedding = vit.position_embedding(14, 14, 384)
  expected = published.case_arrays(BASE, 'posemb')
  parity.close('slice', embedding[:, ::13, ::17], expected['slice'], atol=1e-5)
  parity.close(
    'summary', published.summary(embedding), expected['summary'], rtol=1e-5
  )


PRIMITIVES = {
  'AutoContrast': randaugment.autocontrast,
  'Equalize': randaugment.equalize,
  'Invert': randaugment.invert,
  'Rotate': lambda image: randaugment.rotate(image, 30.0),
  'Rotate_neg': lambda image: randaugment.rotate(image, -30.0),
  'Posterize': lambda image: randaugment.posterize(image, 4),
  'Solarize': lambda image: randaugment.solarize(image, 256),
  'SolarizeAdd': lambda image: randaugment.solarize_add(image, 110),
  'Color': lambda image: randaugment.color(image, 1.9),
  'Contrast': lambda image: randaugment.contrast(image, 1.9),
  'Brightness': lambda image: randaugment.brightness(image, 1.9),
  'Sharpness': lambda image: randaugment.sharpness(image, 1.9),
  'ShearX': lambda image: randaugment.shear_x(image, 0.3),
  'ShearX_neg': lambda image: randaugment.shear_x(image, -0.3),
  'ShearY': lambda image: randaugment.shear_y(image, 0.3),
  'TranslateX': lambda image: randaugment.translate_x(image, 100.0),
  'TranslateY': lambda image: randaugment.translate_y(image, 100.0),
  'TranslateY_neg': lambda image: randaugment.translate_y(image, -100.0),
}


@pytest.mark.parity
def test_augmentations_are_the_published_ones_to_one_grey_level(parity):
  image = NUMBERS['randaug/image']
  names = {key for key in NUMBERS if key.startswith('randaug/')}
  assert names == {'randaug/image', *(f'randaug/{name}' for name in PRIMITIVES)}
  for name, primitive in PRIMITIVES.items():
    augmented = primitive(image)
    parity.equal(f'{name} dtype', str(augmented.dtype), 'uint8')
    parity.close(name, augmented, NUMBERS[f'randaug/{name}'], atol=1)


@pytest.mark.parity
@pytest.mark.parametrize('index', [0, 1])
def test_mixup_is_the_published_one_for_some_weight(index, parity):
  inputs, targets = NUMBERS['mixup/inputs'], NUMBERS['mixup/targets']
  expected = NUMBERS[f'mixup/out{index}_inputs']
  # expected - previous = weight (inputs - previous), by least squares.
  difference = (inputs - np.roll(inputs, 1, axis=0)).ravel()
  change = (expected - np.roll(inputs, 1, axis=0)).ravel()
  weight = (difference @ change) / (difference @ difference)
  mixed, soft = augment.mixup(
    inputs, np.eye(1000, dtype=np.float32)[targets], weight
  )
  columns = reference.index(BASE)['workloads'][BASE]['mixup_target_columns']
  parity.close('inputs', mixed, expected, atol=1e-5)
  parity.close(
    'targets',
    soft[:, columns],
    NUMBERS[f'mixup/out{index}_targets_cols'],
    atol=1e-5,
  )


def test_random_augmentation_keeps_shape_and_follows_its_generator():
  image = NUMBERS['randaug/image']
  results = [
    randaugment.randaugment(image, np.random.default_rng(seed))
    for seed in (0, 0, 1, 2, 3, 4)
  ]
  assert all(x.shape == image.shape and x.dtype == np.uint8 for x in results)
  np.testing.assert_array_equal(results[0], results[1])
  assert any((x != results[0]).any() for x in results[2:])


def test_cutout_is_a_grey_box_clipped_at_the_border():
  image = np.zeros((10, 8, 3), np.uint8)
  cut = randaugment.cutout(image, 2, (1, 5))
  expected = np.zeros((10, 8), bool)
  expected[0:3, 3:7] = True
  np.testing.assert_array_equal(cut == 128, expected[..., None].repeat(3, 2))
  assert not image.any()


def test_a_constant_image_survives_autocontrast_and_equalize():
  image = np.full((16, 16, 3), 77, np.uint8)
  np.testing.assert_array_equal(randaugment.autocontrast(image), image)
  np.testing.assert_array_equal(randaugment.equalize(image), image)


def test_every_crop_is_a_window_of_its_padded_image_or_its_mirror_image():
  padded = np.arange(3 * 6 * 6).reshape(3, 6, 6)
  indices = np.tile([0, 1, 2], 40)
  crops = augment.random_crop_and_flip(
    padded, indices, 4, np.random.default_rng(0)
  )
  seen = set()
  for index, crop in zip(indices, crops):
    mirrored = bool(crop[0, 0] > crop[0, 1])
    window = crop[:, ::-1] if mirrored else crop
    row, column = divmod(int(window[0, 0]) - 36 * index, 6)
    np.testing.assert_array_equal(
      window, padded[index, row : row + 4, column : column + 4]
    )
    seen.add((row, column, mirrored))
  assert len(seen) == 3 * 3 * 2


def test_a_thousand_integer_labels_are_not_taken_for_soft_labels():
  labels = np.arange(1000) % 7
  logits = np.random.default_rng(0).standard_normal((1000, 1000))
  loss = workload_lib.loss(logits, {'targets': jnp.asarray(labels)})
  shifted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
  np.testing.assert_allclose(
    loss.per_example, -shifted[np.arange(1000), labels], rtol=1e-5
  )


def test_labels_out_of_range_and_masked_batches_give_finite_numbers():
  logits = jnp.ones((2, 5))
  outside = {'targets': jnp.array([7, -1]), 'weights': jnp.ones(2)}
  metrics = workload_lib.finish(workload_lib.metric_sums(logits, outside), {})
  assert metrics == {'accuracy': 0.0, 'loss': 0.0}
  masked = {'targets': jnp.array([1, 2]), 'weights': jnp.zeros(2)}
  loss = workload_lib.loss(logits, masked, label_smoothing=0.1)
  assert (loss.summed, loss.n_valid) == (0, 0)
  metrics = workload_lib.finish(workload_lib.metric_sums(logits, masked), {})
  assert metrics == {'accuracy': 0.0, 'loss': 0.0}


def test_padding_never_changes_the_sums():
  workload, params, model_state, _, batch = mini()
  real = {key: np.array(value[:5]) for key, value in batch.items()}
  padded = {
    'inputs': np.full_like(batch['inputs'], 9.0),
    'targets': np.full_like(batch['targets'], 3),
    'weights': np.zeros_like(batch['weights']),
  }
  for key, value in real.items():
    padded[key][:5] = value
  evaluate = jax.jit(workload.evaluate)
  expected, _ = evaluate(params, model_state, real, None)
  actual, rows = evaluate(params, model_state, padded, None)
  assert rows == {}
  for key, value in expected.items():
    np.testing.assert_allclose(actual[key], value, rtol=1e-6)


def test_dropout_rate_may_be_traced_and_zero_means_none():
  workload, params, model_state, batch, _ = mini()

  @functools.partial(jax.jit, static_argnames='train')
  def logits(rate, key, train=True):
    return workload.apply(
      params, model_state, batch, key, train=train, dropout_rate=rate
    )[0]

  one, two = jax.random.key(1), jax.random.key(2)
  plain, _ = workload.apply(params, model_state, batch, one, train=True)
  np.testing.assert_allclose(logits(0.0, one), plain, atol=1e-5)
  assert not np.allclose(logits(0.5, one), plain, atol=1e-2)
  assert not np.allclose(logits(0.5, one), logits(0.5, two), atol=1e-2)
  np.testing.assert_allclose(logits(0.5, one, train=False), plain, atol=1e-5)


def test_training_labels_are_mixed_pairs_of_classes():
  *_, batch, _ = mini()
  assert batch['targets'].shape == (8, 10)
  np.testing.assert_allclose(batch['targets'].sum(axis=1), 1, rtol=1e-6)
  assert (np.count_nonzero(batch['targets'], axis=1) <= 2).all()


@pytest.mark.parametrize('name', [BASE, 'mini_images_vit'])
@pytest.mark.parametrize('split', [None, 'train', 'validation', 'test'])
def test_fake_batches_are_as_announced(name, split):
  data = workloads.build(name, data='fake').data
  if split is None:
    batch = next(data.train(0, 3, None))[0]
  else:
    batch = next(data.evaluation(split, 3))
  published.compare_batch(batch, data.element_spec(3, split))


def test_images_are_announced_even_if_they_are_missing(tmp_path):
  data = workloads.build(BASE, data=tmp_path).data
  assert data.element_spec(4)['targets'].shape == (4, 1000)
  with pytest.raises(errors.UserError, match='holds no prepared data'):
    data.train(0, 4, None)


def test_mini_stream_resumes_exactly():
  data = workloads.build('mini_images_vit').data
  stream = data.train(3, 16, None)
  batches = [next(stream) for _ in range(4)]
  _, cursor = batches[1]
  resumed = data.train(3, 16, cursor)
  for batch, _ in batches[2:]:
    again, _ = next(resumed)
    for key, value in batch.items():
      np.testing.assert_array_equal(again[key], value)


@pytest.mark.parametrize('split', ['train', 'validation', 'test'])
def test_mini_evaluation_covers_every_example_once(split):
  workload = workloads.build('mini_images_vit')
  description = workload.description
  count = {
    'train': description.num_eval_train,
    'validation': description.num_validation,
    'test': description.num_test,
  }[split]
  batches = list(workload.data.evaluation(split, 300))
  assert sum(batch['weights'].sum() for batch in batches) == count
  for batch in batches:
    published.compare_batch(batch, workload.data.element_spec(300, split))
  real = np.concatenate([b['inputs'][b['weights'] > 0] for b in batches])
  assert len(np.unique(real.reshape(count, -1), axis=0)) > 0.99 * count
