# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared slices should hold."""

import pathlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from workloads.fastmri import sampling, slices

_BATCH, _SEED = 32, 0


class Published(NamedTuple):
  """Counts of the original data, and how true it is to itself.

  Attributes:
    volumes: files of each part of the download.
    slices: of each split.
    validation_volumes: first volumes of the part val that are the validation
      split.
    tolerance: largest difference between targets and the images of fully
      sampled k-space, relative to the largest value, that is not told.
  """

  volumes: Mapping[str, int]
  slices: Mapping[str, int]
  validation_volumes: int = 100
  tolerance: float = 1e-3


PUBLISHED = Published(
  {'train': 973, 'val': 199},
  {'train': 34_742, 'validation': 3_554, 'test': 3_581},
)


def counts(splits: slices.Splits) -> dict[str, int]:
  """Slices of each split."""
  return {
    'train': splits.train.num_slices,
    'validation': splits.validation.num_slices,
    'test': splits.test.num_slices,
  }


def without_max(files: Iterable[prepared.File]) -> int:
  """Volumes that do not say their largest value."""
  return sum(not file.counts.get('has_max', True) for file in files)


def unlike(files: Iterable[prepared.File], tolerance: float) -> str:
  """Which volumes are not what their targets show; empty if none is."""
  differences = {
    file.name: file.counts['difference']
    for file in files
    if file.counts.get('difference', 0) > tolerance
  }
  if not differences:
    return ''
  worst = max(differences, key=differences.get)
  return (
    f'in {len(differences)} volumes the image of the middle slice and its '
    f'target differ by more than {tolerance:g} of the largest value, most in '
    f'{worst}, by {differences[worst]:.2g}'
  )


def findings(
  published: Published,
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, headers and first slices; see `Dataset.check`.

  Nothing more if `deep`: hashes tell all that there is to tell of slices.
  """
  original = manifest.parameters['counts'] == 'published'
  files, first = manifest.files, manifest.parameters['validation_volumes']
  splits = slices.splits(folder, files, first)
  yield from _volumes(published, manifest, original)
  found = counts(splits)
  yield (
    all(manifest.counts[split] == count for split, count in found.items()),
    'slices: ' + ', '.join(f'{n:,} {split}' for split, n in found.items()),
  )
  if original:
    for split, count in found.items():
      if count != published.slices[split]:
        wanted = published.slices[split]
        yield False, f'{split}: {count:,} slices, expected {wanted:,}'
    sentence = unlike(files, published.tolerance)
    yield True, f'targets: {sentence or "as the images of their k-space"}'
  wrong = [file.name for file in files if not _fits(folder, file)]
  yield from ((False, f'{name}: not the shape expected') for name in wrong)
  if not wrong:
    yield from _first_slices(splits)


def _volumes(published, manifest, original) -> Iterator[tuple[bool, str]]:
  """Compares the number of volumes."""
  found = {
    part: sum(file.name.startswith(f'{part}/') for file in manifest.files) // 2
    for part in slices.PARTS
  }
  missing = f'{without_max(manifest.files)} volumes without max'
  if not original:
    missing += '; not the original data, so counts are compared with nothing'
  fine = not original or found == dict(published.volumes)
  expected = '' if fine else f', expected {dict(published.volumes)}'
  text = ', '.join(f'{count:,} {part}' for part, count in found.items())
  yield fine, f'volumes: {text}{expected}; {missing}'


def _fits(folder: pathlib.Path, file: prepared.File) -> bool:
  """Whether a file is what the manifest says."""
  try:
    array = np.load(folder / file.name, mmap_mode='r')
  except (OSError, ValueError):
    return False
  width = file.counts.get('width', slices.SIZE)
  kind = np.complex64 if 'width' in file.counts else np.float32
  shape = (file.counts['slices'], slices.SIZE, width)
  return array.dtype == kind and array.shape == shape


def _first_slices(splits: slices.Splits) -> Iterator[tuple[bool, str]]:
  """Reads a training batch and a validation slice, as a run does."""
  from workloads.fastmri import data  # Needs JAX.

  size = min(_BATCH, splits.train.num_slices)
  began = time.perf_counter()
  batch, _ = next(data.training(splits.train, _SEED, size, None, None))
  seconds = time.perf_counter() - began
  index = int(data.first_indices(splits.train, _SEED, size)[0])
  yield _described(
    f'first training batch of seed {_SEED}',
    splits.train.place(index),
    batch['inputs'],
    (data.run_word(_SEED), index),
    f', {seconds:.3f} s, {size / seconds:,.0f} slices/s',
  )
  for name in ('validation', 'test'):
    split = getattr(splits, name)
    batch = slices.read(split, [0], [sampling.EVALUATION_SEED])
    yield _described(
      f'first {name} slice',
      split.place(0),
      batch['inputs'],
      sampling.EVALUATION_SEED,
    )


def _described(
  what: str, place, inputs: np.ndarray, seed: slices.Seed, more: str = ''
) -> tuple[bool, str]:
  """Where slices come from and what they look like."""
  volume, index = place
  mean, std = float(inputs.mean()), float(inputs.std())
  columns = int(sampling.column_mask(volume.width, seed).sum())
  fine = bool(np.isfinite(inputs).all()) and abs(mean) < 0.5 and std < 1.01
  return fine, (
    f'{what}: {volume.name} slice {index}, {columns} of {volume.width} columns '
    f'measured; inputs {inputs.shape}, mean {mean:.3f}, standard deviation '
    f'{std:.3f}{more}'
  )
