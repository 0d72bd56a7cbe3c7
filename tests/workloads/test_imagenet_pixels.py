# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Windows, resizing and images of ImageNet against the benchmark's own."""

import numpy as np
import pytest

from tests import imagenet_archives, philox, reference
from workloads.imagenet import (
  crop,
  examples,
  jpeg,
  randaugment,
  records,
  resize,
)
from workloads.imagenet import quick_randaugment as quick

EXPECTED, ARRAYS = imagenet_archives.expected(), imagenet_archives.arrays()
TRAIN = EXPECTED['train']
OLDER = reference.arrays('imagenet_resnet')
# Of the normalised pixels, with the decoder of the benchmark.
MEAN_ERROR, ANY_ERROR = 0.003, 0.4


def images(split):
  """The JPEGs of a split, in order."""
  chosen = records.open_splits(imagenet_archives.data_dir())[split]
  reader = records.Reader(chosen)
  return [reader.read(index) for index in range(len(chosen))]


def evaluated(image):
  out = np.empty(examples.SHAPE, np.float32)
  examples.evaluated(image, out)
  return out


def trained(image, seed):
  """An image as the benchmark makes it of a pair of seeds."""
  crop_seed, flip_seed, _ = philox.split(seed, 3)
  view = examples.random_view(
    image, philox.words(crop_seed), philox.words(flip_seed)
  )
  out = np.empty(examples.SHAPE, np.float32)
  examples.normalise(view, out)
  return out


def compare(parity, name, found, stored, stats):
  """Rows for an image of which every n-th row and column and sums are known.

  The benchmark decodes only the window, and the colours of its last column (in
  a mirrored image the first) lack their neighbour: a column in 224, not one of
  the few that are stored.
  """
  step = len(found) // len(stored)
  error = np.abs(found[::step, ::step] - stored).mean(axis=(0, 2))
  mean = np.average(error, weights=[1] + [step] * (len(error) - 1))
  parity.close(f'{name} mean', mean, 0, atol=MEAN_ERROR)
  worst = np.abs(found[::step, ::step] - stored).max()
  parity.close(f'{name} any pixel', worst, 0, atol=ANY_ERROR)
  total = found.sum(dtype=float) / found.size
  parity.close(f'{name} sum', total, stats[0] / found.size, atol=0.04)


@pytest.mark.parity
def test_crop_windows_are_the_published_ones(parity):
  for row, case in enumerate(ARRAYS['crop/cases'].tolist()):
    height, width, *seed = case[:4]
    found = crop.window(height, width, philox.words(seed))
    parity.equal(f'case {row}', found, case[4:])


@pytest.mark.parity
@pytest.mark.parametrize('case', ['down', 'up', 'same', 'mixed'])
def test_resizing_is_the_published_one(case, parity):
  image = ARRAYS[f'resize/{case}_in']
  made = resize.upright(resize.resized(image))
  expected = ARRAYS[f'resize/{case}_out_s4'].reshape(56, 56, 1)
  parity.close(case, made[::4, ::4], expected, atol=2e-4)
  mirrored = resize.upright(resize.resized(image, mirrored=True))
  np.testing.assert_array_equal(mirrored, made[:, ::-1])


@pytest.mark.parity
@pytest.mark.parametrize('split', ['validation', 'test', 'train'])
def test_evaluation_images_are_the_published_ones(split, parity):
  prefix = 'eval_train' if split == 'train' else split
  stats = ARRAYS[f'{prefix}/inputs_stats']
  stored = next(
    array
    for key, array in ARRAYS.items()
    if key.startswith(f'{prefix}/inputs_s') and array.ndim == 4
  )
  for row, image in enumerate(images(split)):
    found = evaluated(image)
    compare(parity, f'{split} {row}', found, stored[row], stats[row])
    if split == 'validation' and row == 0:
      first = ARRAYS['validation/first_image_f16']
      error = np.abs(found[::2, ::2] - first)
      parity.close('first, f16', error.mean(), 0, atol=MEAN_ERROR)


@pytest.mark.parity
def test_training_images_are_the_published_ones(parity):
  encoded = images('train')
  stats = ARRAYS['train/inputs_stats']
  for row, (index, seed) in enumerate(zip(TRAIN['example'], TRAIN['seeds'])):
    crop_seed, flip_seed, _ = philox.split(seed, 3)
    height, width, _ = jpeg.shape(encoded[index])
    window = crop.window(height, width, philox.words(crop_seed))
    parity.equal(f'window {row}', window, TRAIN['window_y_x_h_w'][row])
    flip = crop.uniform(philox.words(flip_seed)) < 0.5
    parity.equal(f'flip {row}', flip, TRAIN['flip'][row])
    found = trained(encoded[index], seed)
    compare(
      parity, f'{row}', found, ARRAYS['train/inputs_s16'][row], stats[row]
    )


@pytest.mark.parity
def test_the_older_image_is_the_published_one(parity):
  image = OLDER['pre/jpeg'].tobytes()
  base = 'imagenet_resnet'
  seeds = reference.index(base)['workloads'][base]['pre_train_seeds']
  found = {'eval': evaluated(image)}
  found |= {f'train{i}': trained(image, seed) for i, seed in enumerate(seeds)}
  for name, pixels in found.items():
    stored, stats = (OLDER[f'pre/{name}_{key}'] for key in ('slice', 'summary'))
    compare(parity, name, pixels, stored, stats)


@pytest.mark.parametrize('name', randaugment.OPERATIONS)
def test_quick_augmentation_gives_the_bytes_of_its_definition(name):
  photo = reference.arrays('imagenet_vit')['randaug/image']
  flat = photo.copy()
  flat[..., 1] = 77  # A constant channel.
  dim = photo // 3 + 40
  noise = np.random.default_rng(0).integers(256, size=(224, 224, 3))
  for image in (photo, flat, dim, photo[:50, :90], noise.astype(np.uint8)):
    for seed in range(4):
      one, other = (
        operations[name](image, np.random.default_rng(seed))
        for operations in (randaugment.OPERATIONS, quick.OPERATIONS)
      )
      np.testing.assert_array_equal(one, other, strict=True)


def test_quick_augmentation_draws_as_its_definition():
  image = reference.arrays('imagenet_vit')['randaug/image']
  for seed in range(40):
    rngs = [np.random.default_rng(seed) for _ in range(2)]
    np.testing.assert_array_equal(
      randaugment.randaugment(image, rngs[0]),
      quick.augmented(image, rngs[1]),
    )
    assert rngs[0].integers(2**32) == rngs[1].integers(2**32)
