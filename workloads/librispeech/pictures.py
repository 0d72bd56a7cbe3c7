# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Spectrograms to look at: what the models make of the first utterances."""

import pathlib
from collections.abc import Iterator

import numpy as np

from jaxperf import prepared
from jaxperf.datasets import show
from workloads.librispeech import utterances

_COUNT, _SEED = 3, 0
_CHARACTERS = 24  # Of a caption.
_FRAMES = 240  # Of a picture, 2.4 s.


def strips(
  folder: pathlib.Path, manifest: prepared.Manifest
) -> Iterator[show.Strip]:
  """The first utterances of each split; see `Dataset.pictures`."""
  del manifest
  from workloads.librispeech import streams  # Needs JAX.

  splits = utterances.open_splits(folder.parent)
  size = min(_COUNT, len(splits.train.kept))
  batch, _ = next(streams.training(splits.train, _SEED, size))
  yield _strip(f'train, seed {_SEED}', splits, batch)
  for split in ('validation', 'test'):
    size = min(_COUNT, len(getattr(splits, split).kept))
    batch = next(streams.evaluated(splits, split, size))
    yield _strip(split, splits, batch)


def _strip(title: str, splits: utterances.Splits, batch) -> show.Strip:
  """Features (bands, frames), low bands below, and the words."""
  from workloads.librispeech import features

  mel, paddings = map(np.asarray, features.log_mel(*batch['inputs']))
  captions = [
    splits.tokenizer.decode(ids[padding == 0])[:_CHARACTERS]
    for ids, padding in zip(*batch['targets'])
  ]
  pictures = [
    frames[padding == 0][:_FRAMES].T[::-1]
    for frames, padding in zip(mel, paddings)
  ]
  return show.Strip(title, captions, pictures)
