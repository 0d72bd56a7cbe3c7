# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared sentence pairs should hold."""

import pathlib
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from jaxperf.datasets import archives as archives_lib
from workloads import tokenizers
from workloads.wmt import packing, texts, tokens

EMPTY = 'with an empty side'  # Count of pairs that the builder has dropped.
_BATCH, _SEED = 128, 0
_SHOWN = 60  # Characters of a sentence.


class Published(NamedTuple):
  """What the original data is made of, and how large it is.

  Attributes:
    archives: to download.
    pairs: of each split, before any is dropped.
    made: pairs that each builder makes, those of splits that are not needed
      included; for the progress alone.
    train_files: of the benchmark's training split, which it reads in turn.
    vocabulary: pieces of the tokenizer.
    corpus_bytes: of the text that it is trained on; with the pair that reaches
      this number it ends.
    shard_pairs: that are encoded as one piece of work.
    most_dropped: share of pairs that may be too long and is not told.
  """

  archives: Sequence[archives_lib.Archive]
  pairs: Mapping[str, int]
  made: Mapping[str, int]
  train_files: int = 16
  vocabulary: int = tokens.VOCABULARY
  corpus_bytes: int = 10**7
  shard_pairs: int = 100_000
  most_dropped: float = 0.01


PUBLISHED = Published(
  texts.ARCHIVES,
  {'train': 5_906_184, 'validation': 3_000, 'test': 3_003},
  {texts.WMT17: 5_912_187, texts.WMT14: 4_514_788},
)


def tables(files: Iterable[prepared.File]) -> dict[str, Mapping[str, float]]:
  """What the tables of a manifest tell, by split."""
  by_name = {file.name: file.counts for file in files}
  return {split: by_name[tokens.table_name(split)] for split in tokens.SPLITS}


def counts(files: Iterable[prepared.File]) -> dict[str, int]:
  """Pairs of each split that were kept, and all that were not."""
  rows = tables(files)
  kept = {split: row['kept'] for split, row in rows.items()}
  dropped = sum(row['dropped'] for row in rows.values())
  return kept | {f'over {tokens.MAX_LENGTH} tokens': dropped}


def too_long(published: Published, files: Iterable[prepared.File]) -> str:
  """That more pairs are too long than should be; empty if not."""
  rows = tables(files).values()
  dropped = sum(row['dropped'] for row in rows)
  read = sum(row['read'] for row in rows)
  if dropped <= published.most_dropped * read:
    return ''
  longest = max(row['longest'] for row in rows)
  return (
    f'{dropped:,} of {read:,} pairs ({100 * dropped / read:.1f} %) have more '
    f'than {tokens.MAX_LENGTH} tokens, the longest {longest:,}: probably the '
    'tokenizer was made for other text'
  )


def findings(
  published: Published,
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, tokenizer, all ids, first batches; see `Dataset.check`.

  Nothing more if `deep`: hashes tell the rest.
  """
  for split, row in tables(manifest.files).items():
    wanted = published.pairs[split]
    expected = '' if row['read'] == wanted else f', expected {wanted:,}'
    yield (
      not expected,
      f'{split}: {row["read"]:,} pairs{expected}, {row["kept"]:,} kept, the '
      f'longest side {row["longest"]:,} tokens',
    )
  sentence = too_long(published, manifest.files)
  if sentence:
    yield False, sentence
  tokenizer = tokens.tokenizer(folder, manifest.files)
  splits = tokens.splits(folder)
  yield _tokenizer(published, folder, tokenizer, splits['validation'])
  fine = True
  for split, pairs in splits.items():
    for finding in _ids(split, pairs, tokenizer.vocabulary):
      fine &= finding[0]
      yield finding
  if fine:
    yield from _batches(splits, tokenizer)


def _tokenizer(
  published: Published,
  folder: pathlib.Path,
  tokenizer: tokenizers.Tokenizer,
  pairs: packing.Pairs,
) -> tuple[bool, str]:
  """Size and origin, and whether a sentence comes back as it was."""
  whole = pairs.targets.nonzero == pairs.targets.lengths
  text = tokenizer.decode(_sentence(pairs.targets, int(whole.argmax())))
  (ids,) = tokenizer.encode([text])
  again = tokenizer.decode(ids) == text
  size = tokenizer.vocabulary
  expected = (
    ''
    if size == published.vocabulary
    else (f', expected {published.vocabulary:,}')
  )
  about = tokens.origin(folder)
  corpus = about['corpus']
  source = (
    f'trained on {corpus["lines"]:,} lines, {corpus["bytes"]:,} bytes'
    if corpus
    else 'brought along'
  )
  comes = 'comes' if again else 'does not come'
  return again and not expected, (
    f'tokenizer: {size:,} pieces{expected}, {source}, SHA-256 '
    f'{tokenizer.sha256[:16]}..., ids 0 1 2 for <unk> <s> </s>; a sentence '
    f'{comes} back as it was'
  )


def _ids(
  split: str, pairs: packing.Pairs, vocabulary: int
) -> Iterator[tuple[bool, str]]:
  """Looks at all ids of a split."""
  for name, side in zip(packing.SIDES, pairs):
    where = f'{split} {name}'
    largest, longest = int(side.ids.max()), int(side.lengths.max())
    ends = side.ids[side.starts + side.lengths - 1] == packing.END_ID
    unknown = 1 - side.nonzero.sum(dtype=np.int64) / len(side.ids)
    if largest >= vocabulary:
      yield (
        False,
        (
          f'{where}: the id {largest:,}, expected ids below {vocabulary:,}: '
          'the file is damaged: remove it and prepare again'
        ),
      )
    elif not ends.all() or longest > tokens.MAX_LENGTH:
      yield (
        False,
        (
          f'{where}: {(~ends).sum():,} sides without end symbol, the longest '
          f'has {longest:,} tokens: it or the table is damaged, remove both '
          'and prepare again'
        ),
      )
    else:
      yield (
        True,
        (
          f'{where}: {len(side.ids):,} tokens, {side.lengths.mean():.1f} a '
          f'side, {100 * unknown:.3f} % <unk>'
        ),
      )


def _batches(
  splits: Mapping[str, packing.Pairs], tokenizer: tokenizers.Tokenizer
) -> Iterator[tuple[bool, str]]:
  """Packs an epoch and makes first batches, as a run does."""
  from workloads.wmt import streams  # Needs JAX.

  train, length = splits['train'], tokens.MAX_LENGTH
  index = streams.epoch_index(train, length, _SEED, 0)
  fills = [
    side.nonzero.sum(dtype=np.int64) / (index.count * length) for side in train
  ]
  yield (
    True,
    (
      f'first epoch of seed {_SEED}: {index.count:,} rows, '
      f'{len(train) / index.count:.2f} pairs a row, filled to '
      f'{100 * fills[0]:.1f} % and {100 * fills[1]:.1f} %'
    ),
  )
  size = min(_BATCH, index.count)
  began = time.perf_counter()
  batch = packing.packed(train, index, length, 0, size)
  seconds = time.perf_counter() - began
  yield (
    True,
    (
      f'first training batch of seed {_SEED}: targets '
      f'{batch["targets"].shape}, {int(batch["weights"].sum()):,} tokens, '
      f'{seconds:.4f} s'
    ),
  )
  for split in ('validation', 'test'):
    pairs = splits[split]
    chosen = np.arange(len(pairs))
    batch = next(streams.evaluation(pairs, chosen, length, _BATCH))
    german, english = (
      textwrap.shorten(tokenizer.decode(_sentence(side, 0)), _SHOWN)
      for side in pairs
    )
    yield (
      True,
      f'first {split} batch: {int(batch["weights"][:, 0].sum())} pairs, '
      f'{int(batch["weights"].sum()):,} tokens, {german!r} is {english!r}',
    )


def _sentence(side: packing.Side, number: int) -> list[int]:
  """The ids of a sequence."""
  start = side.starts[number]
  return side.ids[start : start + side.lengths[number]].tolist()
