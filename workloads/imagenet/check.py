# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared images should hold."""

import pathlib
import time
from collections.abc import Iterator, Mapping

import numpy as np

from jaxperf import cores, errors, prepared
from jaxperf.datasets import progress as progress_lib
from workloads.imagenet import archives, examples, jpeg, records

_BATCH, _SEED, _NAMED = 1024, 0, 3
_SAMPLE = 64  # Images that are decoded.
# Fewest images of a class; all of them in validation and test.
_PER_CLASS = {'train': 732, 'validation': 50, 'test': 10}
_CLASSES = 1000
# Published step of ResNet-50 and of ViT-S/16 on four A100: images per second.
_NEEDED = {'ResNet-50': 3_954, 'ViT-S/16': 2_653}


def findings(
  published: Mapping[str, archives.Archive],
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, labels, first images, or all; see `Dataset.check`."""
  examples.close_files()
  splits = records.splits(folder, manifest.files)
  for name, split in splits.items():
    images = published[name].images
    yield (
      len(split) == images == manifest.counts[name],
      f'{name}: {len(split):,} images, expected {images:,}',
    )
    original = published[name] == archives.PUBLISHED[name]
    yield from _classes(name, split.labels, original)
  yield True, f'decoder: {jpeg.DECODER}'
  for name in ('validation', 'test'):
    if name in splits:
      yield _first_evaluated(splits[name])
  yield from _first_batch(splits['train'])
  if deep:
    for split in splits.values():
      yield from _decoded(split)


def _decoded(split: records.Split) -> Iterator[tuple[bool, str]]:
  """Decodes every image of a split."""
  progress = progress_lib.Progress(len(split), 'images')
  reader, damaged = records.Reader(split), 0
  for index in range(len(split)):
    try:
      jpeg.decoded(reader.read(index))
    except (errors.UserError, ValueError) as error:
      damaged += 1
      yield (
        False,
        f'{split.name}: image {index:,}, {split.file_name(index)}: '
        f'{errors.first_line(error)}',
      )
    progress.add(1)
  progress.close()
  if not damaged:
    yield True, f'{split.name}: all {len(split):,} images can be decoded'


def _classes(name, labels, original: bool) -> Iterator[tuple[bool, str]]:
  """Images of each class."""
  per_class = np.bincount(labels, minlength=_CLASSES)
  least = int(per_class.min())
  if original:
    yield (
      len(per_class) == _CLASSES and least == _PER_CLASS[name],
      f'{name}: at least {least} images of each class, expected '
      f'{_PER_CLASS[name]}',
    )


def _first_evaluated(split: records.Split) -> tuple[bool, str]:
  """The first image of an evaluation."""
  out = np.empty((1, *examples.SHAPE), np.float32)
  examples.Evaluation(split, np.arange(1)).fill(out)
  return (
    bool(np.isfinite(out).all()),
    f'{split.name}: first image {split.file_name(0)}, label '
    f'{split.labels[0]}, mean {out.mean():.4f}',
  )


def _first_batch(split: records.Split) -> Iterator[tuple[bool, str]]:
  """Makes the first training images, in this process."""
  from jaxperf import data  # Needs JAX.

  size = min(_BATCH, len(split))
  indices, _ = next(data.shuffled_indices(_SEED, len(split), size))
  indices = indices[:_SAMPLE]
  out = np.empty((len(indices), *examples.SHAPE), np.float32)
  names = ', '.join(
    f'{split.file_name(i)} ({split.labels[i]})' for i in indices[:_NAMED]
  )
  rows = np.arange(-1, len(indices)) % size
  for model, needed in _NEEDED.items():
    if model == 'ResNet-50':
      made = examples.Training(split, indices, _SEED, 0)
    else:
      weight = examples.mixup_weight(_SEED, 0)
      made = examples.Mixed(
        split, indices[rows % len(indices)], _SEED, rows, weight
      )
    made.fill(out)  # Makes the tables.
    began = time.perf_counter()
    made.fill(out)
    rate = len(indices) / (time.perf_counter() - began)
    count = cores.available()
    yield (
      bool(np.isfinite(out).all()),
      f'first {len(indices)} images for {model}, seed {_SEED}, batch size '
      f'{size}: {names}, ...; mean {out.mean():.4f}; {rate:,.0f} images/s on '
      f'one core, {rate * count:,.0f} on {count}, the published step takes '
      f'{needed:,}',
    )
