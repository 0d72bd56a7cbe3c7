# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared speech on disk: tables of utterances, samples, labels.

A subset of the provider's is a table of all its raw utterances, a line of JSON
each; shards of samples, int16 little-endian, the utterances that are not
dropped back to back; and two `.npy` files: where each kept utterance is, and
label ids. Another tokenizer changes the last two alone.
"""

import dataclasses
import itertools
import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import errors, prepared
from workloads import tokenizers

NAME, VERSION = 'librispeech', 1
TOKENIZER = 'tokenizer.model'
MAX_SAMPLES = 320_000  # 20 s.
MAX_CHARACTERS = 256
MAX_LABELS = 256
SUBSETS = {
  'train': ('train-clean-100', 'train-clean-360', 'train-other-500'),
  'validation': ('dev-clean', 'dev-other'),
  'test': ('test-clean',),
}
# What is kept: row of the table, shard, first sample in it, samples, first of
# the label ids, labels with the end symbol.
KEPT = np.dtype(
  [
    *(('row', '<i4'), ('shard', '<i4'), ('start', '<i8'), ('samples', '<i4')),
    *(('label', '<i8'), ('labels', '<i4')),
  ]
)


class Utterance(NamedTuple):
  """A raw utterance.

  Attributes:
    id: speaker, chapter and number.
    text: what is said.
    samples: how many.
    md5: of the samples, see `flac.md5`; empty if unknown.
    labels: ids, if they came with it.
  """

  id: str
  text: str
  samples: int
  md5: str = ''
  labels: tuple[int, ...] | None = None

  @property
  def dropped(self) -> str:
    """Why it is left out; empty if it is not.

    >>> Utterance('1-2-3', 'HI', 320_001).dropped
    'audio'
    """
    if len(self.text) > MAX_CHARACTERS:
      return 'text'
    return 'audio' if self.samples > MAX_SAMPLES else ''


def table_name(subset: str) -> str:
  """The file of a subset's raw utterances."""
  return f'{subset}.jsonl'


def shard_name(subset: str, number: int, count: int) -> str:
  """The file of some samples.

  >>> shard_name('dev-clean', 1, 2)
  'dev-clean-00001-of-00002.pcm'
  """
  return f'{subset}-{number:05d}-of-{count:05d}.pcm'


def kept_name(subset: str) -> str:
  """The file that says where each kept utterance is, `KEPT`."""
  return f'{subset}.kept.npy'


def labels_name(subset: str) -> str:
  """The file of label ids, uint16, back to back."""
  return f'{subset}.labels.npy'


def as_line(utterance: Utterance) -> bytes:
  """A row of a table."""
  content = {k: v for k, v in utterance._asdict().items() if v is not None}
  return json.dumps(content).encode() + b'\n'


def read_table(
  path: pathlib.Path, first: int = 0, last: int | None = None
) -> Iterator[Utterance]:
  """Rows of a table from first to last."""
  with path.open('rb') as file:
    for line in itertools.islice(file, first, last):
      yield Utterance(**json.loads(line))


def samples(path: pathlib.Path, start: int, into: np.ndarray) -> None:
  """Reads samples of a shard.

  Raises:
    UserError: if the file ends before them.
  """
  with open(path, 'rb', buffering=0) as file:
    if os.preadv(file.fileno(), [into], 2 * start) != into.nbytes:
      raise errors.UserError(
        f'{path} ends before sample {start + len(into):,}: run `jaxperf data '
        f'prepare {NAME}` again'
      )


class Utterances(NamedTuple):
  """The kept utterances of some subsets, one after the other.

  Attributes:
    subsets: their names.
    ends: utterances of the subsets up to and with each.
    shards: paths, of all subsets.
    kept: `KEPT` (utterances,); shards and labels count through the subsets.
    labels: ids of all, uint16.
  """

  subsets: tuple[str, ...]
  ends: tuple[int, ...]
  shards: tuple[pathlib.Path, ...]
  kept: np.ndarray
  labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Splits:
  """The splits, each in the order of subsets, speakers, chapters and lines.

  Attributes:
    train: its three subsets.
    validation: its two.
    test: its one.
    tokenizer: of the labels.
  """

  train: Utterances
  validation: Utterances
  test: Utterances
  tokenizer: tokenizers.Tokenizer


def open_splits(data_dir: str | os.PathLike | None) -> Splits:
  """The splits of the prepared data.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.

  Raises:
    UserError: if the data is not there, or not whole, or of another version, or
      its tokenizer is not the one that made the labels.
  """
  folder = prepared.folder(NAME, data_dir)
  manifest = prepared.load(folder, VERSION)
  return Splits(
    **{
      split: joined(folder, manifest.files, subsets)
      for split, subsets in SUBSETS.items()
    },
    tokenizer=tokenizer(folder, manifest),
  )


def tokenizer(
  folder: pathlib.Path, manifest: prepared.Manifest
) -> tokenizers.Tokenizer:
  """The tokenizer of prepared data.

  Raises:
    UserError: if it is not the manifest's.
  """
  sha256 = next(f.sha256 for f in manifest.files if f.name == TOKENIZER)
  return tokenizers.load(
    folder / TOKENIZER,
    sha256,
    f'put that one back, or make labels with another one by `jaxperf data '
    f'prepare {NAME} --raw=DIR --to=OTHER --tokenizer=FILE`',
  )


def joined(
  folder: pathlib.Path,
  files: Iterable[prepared.File],
  subsets: Sequence[str],
) -> Utterances:
  """The kept utterances of these subsets.

  Args:
    folder: of the data set.
    files: of the manifest.
    subsets: in order.

  Raises:
    UserError: if a table cannot be read.
  """
  pcm = sorted(f.name for f in files if f.name.endswith('.pcm'))
  tables, ids, shards = [], [], []
  for subset in subsets:
    kept = _load(folder / kept_name(subset), KEPT)
    labels = _load(folder / labels_name(subset), np.dtype('<u2'))
    kept['shard'] += len(shards)
    kept['label'] += sum(map(len, ids))
    shards += [folder / x for x in pcm if x.startswith(f'{subset}-0')]
    tables.append(kept)
    ids.append(labels)
  ends = np.cumsum([len(table) for table in tables], dtype=np.int64)
  return Utterances(
    tuple(subsets),
    tuple(ends.tolist()),
    tuple(shards),
    np.concatenate(tables),
    np.concatenate(ids),
  )


def _load(path: pathlib.Path, kind: np.dtype) -> np.ndarray:
  """The array of a file; one of another kind is refused."""
  try:
    array = np.load(path)
  except (OSError, ValueError) as error:
    raise errors.UserError(
      f'{path} cannot be read ({errors.first_line(error)}): remove it and run '
      f'`jaxperf data prepare {NAME}` again'
    ) from None
  if array.dtype != kind:
    raise errors.UserError(
      f'{path} holds {array.dtype}, expected {kind}: remove it and run '
      f'`jaxperf data prepare {NAME}` again'
    )
  return array


def rows(
  folder: pathlib.Path, utterances: Utterances, indices: Sequence[int]
) -> list[tuple[str, Utterance]]:
  """Subset and table row of kept utterances.

  Args:
    folder: of the data set.
    utterances: of the subsets.
    indices: of utterances.
  """
  found: dict[tuple[int, int], Utterance] = {}
  numbers = np.searchsorted(utterances.ends, indices, side='right').tolist()
  wanted = list(zip(numbers, utterances.kept['row'][indices].tolist()))
  for number, subset in enumerate(utterances.subsets):
    here = {row for other, row in wanted if other == number}
    with (folder / table_name(subset)).open('rb') as file:
      for row, line in enumerate(file):
        if row in here:
          found[number, row] = Utterance(**json.loads(line))
  return [(utterances.subsets[key[0]], found[key]) for key in wanted]


def places(
  rows: Iterable[Utterance], shard: int
) -> Iterator[tuple[int, Utterance, int]]:
  """Row, utterance and first sample in its shard, of those with samples.

  Args:
    rows: of a whole shard, or of a whole table.
    shard: raw utterances in a shard.
  """
  start = 0
  for number, row in enumerate(rows):
    if number % shard == 0:
      start = 0
    if not row.dropped:
      yield number, row, start
      start += row.samples
