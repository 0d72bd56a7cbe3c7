# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Slices to look at: what a model is given, and what it should make of it."""

import pathlib
from collections.abc import Iterator

from jaxperf import prepared
from jaxperf.datasets import show
from workloads.fastmri import sampling, slices

_COUNT, _SEED = 3, 0


def strips(
  folder: pathlib.Path, manifest: prepared.Manifest
) -> Iterator[show.Strip]:
  """The first slices of each split; see `Dataset.pictures`."""
  from workloads.fastmri import data  # Needs JAX.

  first = manifest.parameters['validation_volumes']
  splits = slices.splits(folder, manifest.files, first)
  indices = data.first_indices(splits.train, _SEED, splits.train.num_slices)
  wanted = indices[:_COUNT].tolist()
  seeds = [(data.run_word(_SEED), index) for index in wanted]
  yield _strip(f'train, seed {_SEED}', splits.train, wanted, seeds)
  for name in ('validation', 'test'):
    split = getattr(splits, name)
    wanted = list(range(min(_COUNT, split.num_slices)))
    seeds = [sampling.EVALUATION_SEED] * len(wanted)
    yield _strip(name, split, wanted, seeds)


def _strip(title, split: slices.Slices, wanted, seeds) -> show.Strip:
  """Inputs and targets in turn."""
  batch = slices.read(split, wanted, seeds)
  captions, pictures = [], []
  for row, index in enumerate(wanted):
    volume, number = split.place(index)
    captions += [f'{volume.name} {number}', 'target']
    pictures += [batch['inputs'][row], batch['targets'][row]]
  return show.Strip(title, captions, pictures)
