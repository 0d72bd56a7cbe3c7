# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The stages of preparing speech: tables, tokenizer, samples, labels.

Each makes units of work from what the stage before has written, and says how
one of them is done.
"""

import collections
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads import tokenizers
from workloads.librispeech import algoperf_folder, sources, utterances

CORPUS = 'train-clean-100'  # What the tokenizer is trained on.
_THREADS = 4  # That decode, in a process.
_CHUNK = 64  # Utterances that they share.

Source = sources.Source | algoperf_folder.Source


class Work(NamedTuple):
  """What one unit does.

  Attributes:
    make: `(work, folder, journal, report) -> counts` makes its files.
    source: of the subset.
    shard: raw utterances in a shard.
    shards: that are to be written.
    count: of all shards of the subset.
    tokenizer: file to copy; None to train one.
    vocabulary: its number of ids.
  """

  make: Callable[..., dict[str, int]]
  source: Source | None = None
  shard: int = 0
  shards: range = range(0)
  count: int = 0
  tokenizer: pathlib.Path | None = None
  vocabulary: int = 0


def tables(
  found: Sequence[Source], _: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """Units that read each subset through."""
  for source in found:
    origin = {'subset': source.subset, **_form(source).origin(source)}
    work = Work(_make_table, source)
    yield dataset_lib.Unit(f'table-{source.subset}', origin, 0, work)


def tokenizer(
  path: pathlib.Path | None, vocabulary: int, folder: pathlib.Path
) -> list[dataset_lib.Unit]:
  """The unit that copies a tokenizer, or trains it."""
  if path:
    origin = {'file': prepared.sha256(path)}
  else:
    table = folder / utterances.table_name(CORPUS)
    origin = {'corpus': prepared.sha256(table), 'vocabulary': vocabulary}
  work = Work(_make_tokenizer, tokenizer=path, vocabulary=vocabulary)
  return [dataset_lib.Unit('tokenizer', origin, 0, work)]


def samples(
  found: Sequence[Source], shard: int, folder: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """Units of a shard each; of all shards of a subset if that is an archive."""
  for source in found:
    table = folder / utterances.table_name(source.subset)
    origin = {'table': prepared.sha256(table), 'shard': shard}
    with table.open('rb') as file:
      raw = sum(1 for _ in file)
    count = -(-raw // shard)
    step = 1 if source.path.is_dir() else count
    for first in range(0, count, step):
      records = min(step * shard, raw - first * shard)
      numbers = range(first, first + step)
      work = Work(_make_shards, source, shard, numbers, count)
      name = f'samples-{source.subset}-{first:05d}-{step}'
      yield dataset_lib.Unit(name, origin, records, work)


def labels(
  found: Sequence[Source], shard: int, folder: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """Units that turn the transcripts of a subset into labels."""
  sha256 = prepared.sha256(folder / utterances.TOKENIZER)
  for source in found:
    table = folder / utterances.table_name(source.subset)
    origin = {
      'table': prepared.sha256(table),
      'tokenizer': sha256,
      'shard': shard,
    }
    work = Work(_make_labels, source, shard)
    yield dataset_lib.Unit(f'labels-{source.subset}', origin, 0, work)


def _form(source: Source):
  """The module that reads a source."""
  kinds = {algoperf_folder.Source: algoperf_folder, sources.Source: sources}
  return kinds[type(source)]


def _make_table(work: Work, folder, journal, report) -> dict[str, int]:
  """Writes the table of a subset."""
  rows = _form(work.source).table(work.source, report)
  name = utterances.table_name(work.source.subset)
  with prepared.writing(folder / name) as file:
    for row in rows:
      file.write(utterances.as_line(row))
  journal.add(prepared.describe(folder, name, raw=len(rows)))
  return {}


def _make_tokenizer(work: Work, folder, journal, report) -> dict[str, int]:
  """Writes the tokenizer."""
  del report  # Of utterances.
  path = folder / utterances.TOKENIZER
  if work.tokenizer:
    with prepared.writing(path) as file:
      file.write(work.tokenizer.read_bytes())
  else:
    table = utterances.read_table(folder / utterances.table_name(CORPUS))
    tokenizers.train((row.text for row in table), work.vocabulary, path)
  size = work.vocabulary
  journal.add(prepared.describe(folder, path.name, vocabulary=size))
  return {}


class _Shard:
  """A file of samples that is written in any order."""

  def __init__(self, path: pathlib.Path, raw: int, files: contextlib.ExitStack):
    self.left, self._path, self._raw = 0, path, raw
    self._closing = contextlib.ExitStack()
    file = self._closing.enter_context(prepared.writing(path))
    files.push(self._closing)  # Told of errors, so that nothing half is kept.
    self._number = file.fileno()

  def write(self, start: int, array: np.ndarray) -> None:
    """Writes samples from a place on."""
    content, at = memoryview(array).cast('B'), 2 * start
    while content:
      count = os.pwrite(self._number, content, at)
      content, at = content[count:], at + count

  def finish(self, journal: journal_lib.Journal, report: Callable) -> None:
    """Gives the file its name."""
    self._closing.close()
    journal.add(prepared.describe(self._path.parent, self._path.name))
    report(self._raw)


class _Place(NamedTuple):
  """Where an utterance goes."""

  row: utterances.Utterance
  shard: _Shard
  start: int


def _make_shards(work: Work, folder, journal, report) -> dict[str, int]:
  """Decodes utterances, each to its place in a shard."""
  subset, size = work.source.subset, work.shard
  rows = list(
    utterances.read_table(
      folder / utterances.table_name(subset),
      work.shards.start * size,
      work.shards.stop * size,
    )
  )
  done = {file.name for file in journal.files}
  wanted: dict[str, _Place] = {}
  with contextlib.ExitStack() as files:
    for number in work.shards:
      first = (number - work.shards.start) * size
      part = rows[first : first + size]
      name = utterances.shard_name(subset, number, work.count)
      if name in done:
        report(len(part), True)
        continue
      shard = _Shard(folder / name, len(part), files)
      for _, row, start in utterances.places(part, size):
        wanted[row.id] = _Place(row, shard, start)
        shard.left += 1
      if not shard.left:
        shard.finish(journal, report)
    _decode(work.source, wanted, journal, report)
  return {}


def _decode(source: Source, wanted: Mapping[str, _Place], journal, report):
  """Fills shards, and finishes each that is full."""
  form = _form(source)

  def write(found):
    key, content = found
    row, shard, start = wanted[key]
    shard.write(start, form.samples(source, row, content))
    return shard

  contents = form.contents(source, wanted)
  with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
    while chunk := list(itertools.islice(contents, _CHUNK)):
      for shard in pool.map(write, chunk):
        shard.left -= 1
        if not shard.left:
          shard.finish(journal, report)


def _make_labels(work: Work, folder, journal, report) -> dict[str, int]:
  """Writes where utterances are and what their labels are."""
  del report  # Utterances are counted before.
  subset = work.source.subset
  table = list(utterances.read_table(folder / utterances.table_name(subset)))
  coder = tokenizers.load(folder / utterances.TOKENIZER)
  there = list(utterances.places(table, work.shard))
  encoded = coder.encode([row.text for _, row, _ in there])
  kept, ids, samples_kept = [], [], 0
  for (number, row, start), coded in zip(there, encoded):
    coded = coded if row.labels is None else row.labels
    if len(coded) <= utterances.MAX_LABELS:
      shard = number // work.shard
      kept.append((number, shard, start, row.samples, len(ids), len(coded)))
      ids += coded
      samples_kept += row.samples
  reasons = collections.Counter(row.dropped for row in table)
  counts = {
    'raw': len(table),
    'kept': len(kept),
    'text': reasons['text'],
    'audio': reasons['audio'],
    'labels': len(there) - len(kept),
    'samples': samples_kept,
  }
  _save(folder, utterances.labels_name(subset), ids, '<u2', journal, {})
  name = utterances.kept_name(subset)
  _save(folder, name, kept, utterances.KEPT, journal, counts)
  return {}


def _save(folder, name: str, values, kind, journal, counts) -> None:
  """Writes a `.npy` file."""
  with prepared.writing(folder / name) as file:
    np.save(file, np.array(values, kind))
  journal.add(prepared.describe(folder, name, **counts))
