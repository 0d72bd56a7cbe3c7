# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared speech should hold."""

import pathlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from workloads.librispeech import archives, flac, reading, utterances

PREPARED_BYTES = 97 * 10**9
_BATCH, _SEED = 256, 0
_SAMPLE = 200  # Utterances that are looked at.
_SENTENCE = 'OPEN SOURCE ROCKS'
# Five times what four A100 need, for eight newer devices.
_NEEDED = 2_100  # Utterances a second.
_NEAR = 4  # Utterances; what is published differs by as many in itself.


class Published(NamedTuple):
  """What the original data is.

  Attributes:
    archives: by subset.
    kept: utterances of each split.
    vocabulary: ids of the tokenizer.
    shard: raw utterances whose samples share a file; our choice.
  """

  archives: Mapping[str, archives.Archive]
  kept: Mapping[str, int]
  vocabulary: int = 1_024
  shard: int = 2_048


PUBLISHED = Published(
  archives.PUBLISHED, {'train': 263_840, 'validation': 5_348, 'test': 2_472}
)


def counts(
  files: Iterable[prepared.File], subsets: Sequence[str]
) -> dict[str, int]:
  """Utterances of each split that has a subset, and how many are dropped."""
  found = {file.name: file.counts for file in files}
  rows = {name: found[utterances.kept_name(name)] for name in subsets}
  kept = {
    split: sum(rows[name]['kept'] for name in names if name in rows)
    for split, names in utterances.SUBSETS.items()
    if set(names) & set(rows)
  }
  reasons = {
    'text': 'long text',
    'audio': 'long audio',
    'labels': 'many labels',
  }
  return kept | {
    f'dropped for {name}': sum(row[key] for row in rows.values())
    for key, name in reasons.items()
  }


def unlike(published: Published, found: Mapping[str, int]) -> Iterator[str]:
  """How the counts differ from the published ones, a sentence each."""
  for split, wanted in published.kept.items():
    if abs(found[split] - wanted) > _NEAR:
      yield (
        f'the {split} split has {found[split]:,} utterances, the benchmark '
        f'says {wanted:,}'
      )


def findings(
  published: Published,
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, tokenizer, a sample, first batches; see `Dataset.check`.

  Nothing more if `deep`: hashes tell all that there is to tell of samples.
  """
  del deep
  subsets = manifest.parameters['subsets']
  original = manifest.parameters['counts'] == 'published'
  for subset in subsets:
    yield _counted(published if original else None, manifest, subset)
  if original and not manifest.partial:
    for sentence in unlike(published, counts(manifest.files, subsets)):
      yield True, f'note: {sentence}'
  yield from _many_labels(folder, manifest, subsets)
  yield from _tokenizer(folder, manifest)
  there = utterances.joined(folder, manifest.files, subsets)
  yield _places(there)
  yield from _sampled(folder, there)
  if not manifest.partial:
    yield from _first_batches(folder)


def _counted(published, manifest, subset: str) -> tuple[bool, str]:
  """Utterances of a subset."""
  row = next(
    file.counts
    for file in manifest.files
    if file.name == utterances.kept_name(subset)
  )
  # An installation of the benchmark has no longer what it left out.
  wanted = published.archives[subset].utterances if published else row['raw']
  dropped = row['text'] + row['audio'] + row['labels']
  fine = row['raw'] == wanted or (not dropped and row['raw'] < wanted)
  return fine, (
    f'{subset}: {row["raw"]:,} raw utterances'
    f'{"" if row["raw"] == wanted else f", published {wanted:,}"}, '
    f'{row["kept"]:,} kept, dropped {row["text"]} for text, {row["audio"]} for '
    f'audio, {row["labels"]} for labels; {row["samples"] / 57.6e6:,.1f} h, '
    f'{row["samples"] / 5e8:,.3f} GB'
  )


def _many_labels(folder, manifest, subsets) -> Iterator[tuple[bool, str]]:
  """Which utterances are left out for their labels."""
  for subset in subsets:
    names = [file.name for file in manifest.files]
    if utterances.table_name(subset) not in names:
      continue
    kept = set(np.load(folder / utterances.kept_name(subset))['row'].tolist())
    left = [
      row.id
      for number, row, _ in utterances.places(
        utterances.read_table(folder / utterances.table_name(subset)),
        manifest.parameters['shard'],
      )
      if number not in kept
    ]
    if left:
      most = utterances.MAX_LABELS
      yield True, f'{subset}: more than {most} labels: {", ".join(left)}'


def _tokenizer(folder, manifest) -> Iterator[tuple[bool, str]]:
  """Whether it is the one that made the labels, and gives text back."""
  coder = utterances.tokenizer(folder, manifest)
  text = coder.decode(coder.encode([_SENTENCE])[0])
  wanted = manifest.parameters['vocabulary']
  yield (
    text == _SENTENCE and coder.vocabulary == wanted,
    f'tokenizer: {coder.vocabulary:,} ids, expected {wanted:,}; SHA-256 '
    f'{coder.sha256[:16]}..., of its pieces {coder.pieces_sha256[:16]}...; '
    f'{_SENTENCE!r} comes back as {text!r}',
  )


def _places(there: utterances.Utterances) -> tuple[bool, str]:
  """Whether the places of all utterances are in their files."""
  sizes = np.array([path.stat().st_size // 2 for path in there.shards])
  kept = there.kept
  ends = kept['start'] + kept['samples']
  last = there.labels[kept['label'] + kept['labels'] - 1]
  fine = bool(
    (ends <= sizes[kept['shard']]).all()
    and kept['samples'].max(initial=0) <= utterances.MAX_SAMPLES
    and kept['labels'].max(initial=0) <= utterances.MAX_LABELS
    and (last == 2).all()
  )
  return fine, (
    f'places: {len(kept):,} utterances in {len(sizes)} files, at most '
    f'{kept["samples"].max(initial=0):,} samples and '
    f'{kept["labels"].max(initial=0)} labels'
  )


def _sampled(folder, there) -> Iterator[tuple[bool, str]]:
  """Reads utterances from all over: their hashes, and how fast that goes."""
  rng = np.random.default_rng(_SEED)
  chosen = rng.permutation(len(there.kept))[:_SAMPLE]
  began = time.perf_counter()
  read = [reading.samples(there, int(index)) for index in chosen]
  rate = len(read) / (time.perf_counter() - began)
  rows = [row for _, row in utterances.rows(folder, there, chosen)]
  compared = sum(bool(row.md5) for row in rows)
  wrong = [
    row.id
    for row, array in zip(rows, read)
    if row.md5 and flac.md5(array) != row.md5
  ]
  yield (
    not wrong,
    f'sample: {compared} utterances compared with the MD5 of their flac files'
    + (f'; {", ".join(wrong[:5])} differ: prepare again' if wrong else ''),
  )
  slow = '' if rate > _NEEDED else ': a faster disk, or more memory, is needed'
  yield (
    True,
    (
      f'reading: {rate:,.0f} random utterances/s with one thread; 8 devices '
      f'need up to {_NEEDED:,}{slow}'
    ),
  )


def _first_batches(folder: pathlib.Path) -> Iterator[tuple[bool, str]]:
  """Reads a training and a validation batch, as a run does."""
  from workloads.librispeech import streams  # Needs JAX.

  splits = utterances.open_splits(folder.parent)
  size = min(_BATCH, len(splits.train.kept))
  began = time.perf_counter()
  batch, _ = next(streams.training(splits.train, _SEED, size))
  rate = size / (time.perf_counter() - began)
  fine, sentence = _described(batch)
  yield (
    fine,
    f'first training batch of seed {_SEED}: {sentence}; {rate:,.0f} '
    'utterances/s',
  )
  for split in ('validation', 'test'):
    speech = getattr(splits, split)
    size = min(_BATCH, len(speech.kept))
    batch = next(streams.evaluated(splits, split, size))
    ids, paddings = batch['targets']
    text = splits.tokenizer.decode(ids[0][paddings[0] == 0])
    ((_, row),) = utterances.rows(folder, speech, [0])
    fine, sentence = _described(batch)
    yield (
      fine and text == row.text,
      f'first {split} batch: {sentence}; row 0, {row.id}, is {text!r}',
    )


def _described(batch) -> tuple[bool, str]:
  """Shapes and size of a batch."""
  audio, labels = batch['inputs'][0], batch['targets'][0]
  peak = float(np.abs(audio).max())
  return 0 < peak <= 2**15, (
    f'inputs {audio.shape} {audio.dtype}, peak {peak:,.0f}; targets '
    f'{labels.shape} {labels.dtype}, largest {labels.max():.0f}'
  )
