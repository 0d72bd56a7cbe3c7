# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of ImageNet and of its small stand-in, Fashion-MNIST.

Shapes: B images of SxS pixels, C classes.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import jax
import numpy as np

from jaxperf import data, workload
from workloads.imagenet import augment, records, streams
from workloads.mini_data import files
from workloads.mini_data import images as images_lib

MINI_EVAL_TRAIN = 1000  # Training images that one evaluation covers.
_MINI_PADDING = 1  # More would cost a run of a minute a lot of accuracy.
_FAKE_EVALUATION_EXAMPLES = 100


@dataclasses.dataclass(frozen=True)
class ImageSpec:
  """What a batch looks like.

  Attributes:
    size: height and width in pixels.
    num_classes: C.
    mixup: whether training batches are mixed and have soft labels (B, C).
    num_eval_train: training images that one evaluation covers.
  """

  size: int
  num_classes: int
  mixup: bool
  num_eval_train: int


@dataclasses.dataclass(frozen=True)
class Dataset:
  """A set of labelled images.

  Attributes:
    name: for tables.
    num_train: training images.
    num_validation: validation images.
    num_test: test images.
    size: height and width in pixels, as the models see them.
    num_classes: C.
    batches: `(spec, data_dir) -> data`: makes the real batches.
  """

  name: str
  num_train: int
  num_validation: int
  num_test: int
  size: int
  num_classes: int
  batches: Callable[[ImageSpec, pathlib.Path | None], workload.Data]


def element_spec(spec: ImageSpec, batch_size: int, split: str | None = None):
  """A training batch, or an evaluation batch if a split is named."""
  soft = split is None and spec.mixup
  arrays = {
    'inputs': jax.ShapeDtypeStruct(
      (batch_size, spec.size, spec.size, 3), np.float32
    ),
    'targets': jax.ShapeDtypeStruct(
      (batch_size, spec.num_classes) if soft else (batch_size,),
      np.float32 if soft else np.int32,
    ),
  }
  if split is not None:
    arrays['weights'] = jax.ShapeDtypeStruct((batch_size,), np.float32)
  return arrays


def fake(spec: ImageSpec) -> workload.Data:
  """Random images and labels."""

  def make_batch(rng, batch_size, split):
    # Sums of two small draws: full-size batches would take seconds otherwise.
    inputs = rng.standard_normal((1, spec.size, spec.size, 3), np.float32)
    inputs = inputs + rng.standard_normal((batch_size, 1, 1, 3), np.float32)
    targets = rng.integers(spec.num_classes, size=batch_size, dtype=np.int32)
    batch = {'inputs': inputs, 'targets': targets}
    return _mixed(batch, spec, rng) if split is None and spec.mixup else batch

  return data.generated(make_batch, _FAKE_EVALUATION_EXAMPLES)._replace(
    element_spec=functools.partial(element_spec, spec)
  )


def prepared(
  spec: ImageSpec, data_dir: pathlib.Path | None = None
) -> workload.Data:
  """The images that `jaxperf data prepare` has made of ImageNet's archives.

  Args:
    spec: of a batch.
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(lambda: records.open_splits(data_dir))
  num_classes = spec.num_classes if spec.mixup else None

  def train(seed, batch_size, cursor=None, rows=None):
    return streams.training(
      opened()['train'], seed, batch_size, cursor or 0, rows, num_classes
    )

  def evaluation(split, batch_size, rows=None):
    chosen = opened()[split]
    indices = streams.evaluated(chosen, spec.num_eval_train)
    return streams.evaluation(chosen, indices, batch_size, rows)

  def check():
    opened()

  return workload.Data(
    train, evaluation, functools.partial(element_spec, spec), check
  )


def mini(spec: ImageSpec, _: pathlib.Path | None = None) -> workload.Data:
  """The images that ship: cropped, mirrored and, if asked, mixed in training.

  Grey images are normalised by the mean and standard deviation of the training
  split and repeated to three channels.
  """

  def train(seed, batch_size, cursor):
    images, labels = _mini_split('train')
    padding = [(0, 0)] + [(_MINI_PADDING, _MINI_PADDING)] * 2
    padded = np.pad(images, padding)
    for indices, taken in data.shuffled_indices(
      seed, len(images), batch_size, cursor
    ):
      rng = data.batch_rng(seed, taken)
      inputs = augment.random_crop_and_flip(padded, indices, spec.size, rng)
      batch = {'inputs': _normalised(inputs), 'targets': labels[indices]}
      if spec.mixup:
        batch = _mixed(batch, spec, rng)
      yield batch | {'inputs': _three_channels(batch['inputs'])}, taken

  def evaluation(split, batch_size):
    images, labels = _mini_split(split)
    if split == 'train':  # Any prefix has as many images of each class.
      images, labels = images[:MINI_EVAL_TRAIN], labels[:MINI_EVAL_TRAIN]
    for batch in data.array_evaluation(
      {'inputs': images, 'targets': labels}, batch_size
    ):
      grey = _normalised(batch['inputs'])
      yield batch | {'inputs': _three_channels(grey)}

  return data.from_whole_batches(
    train, evaluation, functools.partial(element_spec, spec)
  )


IMAGENET = Dataset(
  'ImageNet (test: ImageNet-v2)',
  num_train=1_281_167,
  num_validation=50_000,
  num_test=10_000,
  size=224,
  num_classes=1000,
  batches=prepared,
)
FASHION_MNIST = Dataset(
  'Fashion-MNIST (16,000 images)',
  num_train=12_000,
  num_validation=2_000,
  num_test=2_000,
  size=28,
  num_classes=10,
  batches=mini,
)


def _mixed(batch, spec: ImageSpec, rng) -> dict[str, np.ndarray]:
  """A training batch with mixup, from integer labels."""
  one_hot = np.eye(spec.num_classes, dtype=np.float32)[batch['targets']]
  weight = rng.beta(augment.MIXUP_ALPHA, augment.MIXUP_ALPHA)
  inputs, targets = augment.mixup(batch['inputs'], one_hot, weight)
  return {'inputs': inputs, 'targets': targets}


def _normalised(images: np.ndarray) -> np.ndarray:
  """Grey levels 0 to 255 as float32."""
  return np.take(_grey_levels(), images)


def _three_channels(grey: np.ndarray) -> np.ndarray:
  """Grey images (B, S, S) as (B, S, S, 3)."""
  images = np.empty((*grey.shape, 3), grey.dtype)
  for channel in range(3):  # Three times as fast as broadcasting.
    images[..., channel] = grey
  return images


@functools.cache
def _grey_levels() -> np.ndarray:
  """The normalised value of each grey level, (256,) float32."""
  images, _ = _mini_split('train')
  levels = np.arange(256) - images.mean(dtype=np.float64)
  return (levels / images.std(dtype=np.float64)).astype(np.float32)


@functools.cache
def _mini_split(split: str) -> tuple[np.ndarray, np.ndarray]:
  """Images (N, 28, 28) uint8 and labels (N,) int32 of a split."""
  examples = images_lib.splits()[split]
  return files.frozen((examples.images, examples.labels.astype(np.int32)))
