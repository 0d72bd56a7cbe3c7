# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Images to look at, as the models are given them."""

import pathlib
from collections.abc import Iterator

import numpy as np

from jaxperf import prepared
from jaxperf.datasets import show
from workloads.imagenet import examples, records

_COUNT, _SEED = 6, 0
_BATCH = 1024


def strips(
  folder: pathlib.Path, manifest: prepared.Manifest
) -> Iterator[show.Strip]:
  """The first images of each split; see `Dataset.pictures`."""
  from jaxperf import data  # Needs JAX.

  splits = records.splits(folder, manifest.files)
  train = splits['train']
  size = min(_BATCH, len(train))
  indices, _ = next(data.shuffled_indices(_SEED, len(train), size))
  title = f'train, seed {_SEED}'
  shown = indices[:_COUNT]
  plain = examples.Training(train, shown, _SEED, 0)
  yield _strip(f'{title}, for ResNet-50', train, shown, plain)
  rows = np.arange(-1, len(shown)) % size
  weight = examples.mixup_weight(_SEED, 0)
  mixed = examples.Mixed(train, indices[rows], _SEED, rows, weight)
  title += (
    f', for ViT-S/16: {weight:.2f} of the class, the rest of the one before'
  )
  yield _strip(title, train, shown, mixed)
  for name in ('validation', 'test'):
    if name in splits:
      shown = np.arange(min(_COUNT, len(splits[name])))
      plain = examples.Evaluation(splits[name], shown)
      yield _strip(name, splits[name], shown, plain)


def _strip(title, split: records.Split, shown, made) -> show.Strip:
  """Images in their colours again."""
  pixels = np.empty((len(shown), *examples.SHAPE), np.float32)
  made.fill(pixels)
  colours = np.clip((pixels * examples.STD + examples.MEAN) / 255, 0, 1)
  captions = [f'class {split.labels[index]}' for index in shown]
  return show.Strip(title, captions, list(colours))
