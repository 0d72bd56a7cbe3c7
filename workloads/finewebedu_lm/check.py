# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared documents should hold."""

import pathlib
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from workloads.finewebedu_lm import tokens

DATASET, CONFIGURATION = 'HuggingFaceFW/fineweb-edu', 'sample-10BT'
_LENGTH, _BATCH, _SEED = 1024, 64, 0
_BLOCK = 2**24  # Ids that are looked at at once.


class Published(NamedTuple):
  """How large the original data is.

  Attributes:
    vocabulary: ids of the tokenizer.
    train_windows: of 1,025 ids of the training documents.
    tolerance: share by which it may differ: the order of documents decides
      which 90 per cent are training documents.
  """

  vocabulary: int = tokens.VOCABULARY
  train_windows: int = 8_749_870
  tolerance: float = 1e-3


PUBLISHED = Published()


def findings(
  published: Published,
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, ids, first batches; see `Dataset.check`.

  Nothing more if `deep`: hashes tell the rest.
  """
  found = manifest.parameters['vocabulary']
  fits = found == published.vocabulary
  expected = '' if fits else f', expected {published.vocabulary:,}'
  yield (
    fits,
    f'tokenizer: {found:,} ids{expected}, SHA-256 '
    f'{manifest.parameters["tokenizer"][:16]}...',
  )
  for division in tokens.DIVISIONS:
    streams = tokens.splits(folder, division)
    counts = {
      split: len(stream) // (_LENGTH + 1) for split, stream in streams.items()
    }
    wanted = published.train_windows
    near = abs(counts['train'] - wanted) <= published.tolerance * wanted
    yield (
      near,
      f'{division}: {counts["train"]:,} windows for training'
      + ('' if near else f', expected about {wanted:,}')
      + f', {counts["validation"]:,} for validation',
    )
  yield _ids(folder, found)
  if counts['train'] and counts['validation']:
    yield from _batches(folder)


def _ids(folder: pathlib.Path, vocabulary: int) -> tuple[bool, str]:
  """Looks at all ids, and at the last one of each document."""
  ids = tokens.array(folder / tokens.IDS_NAME, tokens.IDS)
  ends = tokens.array(folder / tokens.ENDS_NAME, tokens.ENDS)
  largest = max(
    int(ids[start : start + _BLOCK].max())
    for start in range(0, len(ids), _BLOCK)
  )
  if largest >= vocabulary:
    return False, (
      f'the id {largest:,}, expected ids below {vocabulary:,}: the file is '
      'damaged: remove it and prepare again'
    )
  lengths = np.diff(ends.astype(np.int64), prepend=0)
  last = ids[ends[lengths > 0].astype(np.int64) - 1]
  same = len(last) and (last == last[0]).all()
  empty = int((lengths == 0).sum())
  return bool(same), (
    f'{len(ends):,} documents ({empty:,} without text), {len(ids):,} ids, '
    f'{lengths.mean():.1f} a document; '
    + (
      f'each ends with the id {last[0]:,}'
      if same
      else 'not all end with the same id: they were cut, prepare again'
    )
  )


def _batches(folder: pathlib.Path) -> Iterator[tuple[bool, str]]:
  """Makes the first batch of each split, as a run does."""
  from workloads.finewebedu_lm import windows  # Needs JAX.

  streams = tokens.splits(folder, tokens.DIVISIONS[0])
  size = min(_BATCH, len(streams['train']) // (_LENGTH + 1))
  began = time.perf_counter()
  batch, _ = next(windows.training(streams['train'], _LENGTH, _SEED, size))
  seconds = time.perf_counter() - began
  yield (
    True,
    f'first training batch of seed {_SEED}: {batch["inputs"].shape}, '
    f'{int(batch["weights"].sum()):,} tokens, {seconds:.4f} s',
  )
  stream = windows.evaluation(streams['validation'], _LENGTH, _BATCH, _BATCH)
  batch = next(stream)
  yield (
    True,
    f'first validation batch: {int(batch["weights"].sum()):,} tokens',
  )
