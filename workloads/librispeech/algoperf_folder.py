# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech that an AlgoPerf installation has prepared already.

A subset is `SUBSET.csv`, which tells its members, and `SUBSET/ID_audio.npy` and
`SUBSET/ID_targets.npy` of each; the tokenizer is `spm_model.vocab`.
"""

import collections
import csv
import io
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from jaxperf import errors
from workloads import tokenizers
from workloads.librispeech import utterances

TOKENIZER = 'spm_model.vocab'
_END = 2
_AGAIN = 'prepare or copy it again'
_INT16 = np.iinfo(np.int16)


class Source(NamedTuple):
  """Where a subset is read from: its name and the folder of all."""

  subset: str
  path: pathlib.Path


def is_one(raw: pathlib.Path) -> bool:
  """Whether a folder is such an installation."""
  return (raw / TOKENIZER).is_file() or any(
    _list(Source(subset, raw)).is_file()
    for subsets in utterances.SUBSETS.values()
    for subset in subsets
  )


def find(raw: pathlib.Path, subset: str) -> Source:
  """The source of a subset.

  Raises:
    UserError: if a part of it is not there.
  """
  source = Source(subset, raw)
  for path in (raw / TOKENIZER, _list(source), raw / subset):
    if not path.exists():
      raise errors.UserError(
        f'{path} is missing, and {raw} looks like the folder of an AlgoPerf '
        'installation: copy all of it, or name the folder of the archives'
      )
  return source


def origin(source: Source) -> dict:
  """What identifies the content of a source, as far as it is had quickly."""
  return {'csv': _list(source).read_text(), 'folder': str(source.path)}


def table(source: Source, report: Callable) -> list[utterances.Utterance]:
  """All utterances of a subset, sorted by speaker and chapter.

  Raises:
    UserError: if anything is missing, or not what it should be.
  """
  tokenizer = tokenizers.load(source.path / TOKENIZER)
  keys = _members(source)
  missing = [
    name
    for key in keys
    for name in (f'{key}_audio.npy', f'{key}_targets.npy')
    if not (source.path / source.subset / name).is_file()
  ]
  if missing:
    raise errors.UserError(
      f'{source.path / source.subset} lacks {len(missing):,} files that '
      f'{_list(source).name} names ({", ".join(missing[:5])}): prepare or copy '
      'it again'
    )
  rows = []
  for key in keys:
    path = source.path / source.subset / f'{key}_targets.npy'
    labels = _load(path, np.int32).tolist()
    if labels[-1:] != [_END] or not all(
      0 <= x < tokenizer.vocabulary for x in labels
    ):
      raise errors.UserError(
        f'{path} does not hold ids of {TOKENIZER} that end with {_END}: '
        f'{_AGAIN}'
      )
    audio_path = path.with_name(f'{key}_audio.npy')
    count = len(_load(audio_path, np.int64, mmap_mode='r'))
    text = tokenizer.decode(labels)
    rows.append(utterances.Utterance(key, text, count, '', tuple(labels)))
    if len(rows) % 100 == 0:
      report(100)
  report(len(rows) % 100)
  return rows


def contents(
  source: Source, wanted: Mapping[str, utterances.Utterance]
) -> Iterator[tuple[str, bytes]]:
  """Id and content of the file of samples of the utterances that are wanted."""
  for key in wanted:
    path = source.path / source.subset / f'{key}_audio.npy'
    yield key, path.read_bytes()


def samples(
  source: Source, utterance: utterances.Utterance, content: bytes
) -> np.ndarray:
  """The samples of an utterance's file, (samples,) int16 little-endian.

  Raises:
    UserError: if it is damaged.
  """
  path = source.path / source.subset / f'{utterance.id}_audio.npy'
  try:
    array = np.load(io.BytesIO(content))
  except (OSError, ValueError, EOFError) as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): {_AGAIN}'
    ) from None
  if array.size and not _INT16.min <= array.min() <= array.max() <= _INT16.max:
    raise errors.UserError(
      f'{path} holds numbers of more than 16 bits: {_AGAIN}'
    )
  return array.astype('<i2')


def _list(source: Source) -> pathlib.Path:
  """The file that names the members of a subset."""
  return source.path / f'{source.subset}.csv'


def _members(source: Source) -> list[str]:
  """Ids of the members, sorted by speaker and chapter; lines keep their order.

  Raises:
    UserError: if there are none, or it is another table.
  """
  path = _list(source)
  with path.open(newline='') as file:
    rows = list(csv.reader(file))
  keys = [row[1] for row in rows[1:] if len(row) == 2]
  whole = rows[:1] == [['', 'id']] and len(keys) == len(rows) - 1
  if not keys or not whole or not all(key.count('-') == 2 for key in keys):
    raise errors.UserError(
      f'{path} is not a table with the columns "" and "id": {_AGAIN}'
    )
  if len(set(keys)) < len(keys):
    counts = collections.Counter(keys)
    twice = [key for key, count in counts.items() if count > 1]
    raise errors.UserError(
      f'{path} names {len(twice)} utterances twice ({", ".join(twice[:5])}): '
      f'{_AGAIN}'
    )
  return sorted(keys, key=lambda key: key.split('-')[:2])


def _load(path: pathlib.Path, kind, **options) -> np.ndarray:
  """A one-dimensional array of that type."""
  try:
    array = np.load(path, **options)
  except (OSError, ValueError, EOFError) as error:
    raise errors.UserError(
      f'{path} cannot be read ({errors.first_line(error)}): {_AGAIN}'
    ) from None
  if array.ndim != 1 or array.dtype != kind:
    raise errors.UserError(
      f'{path} holds {array.dtype} {array.shape}, expected {np.dtype(kind)} of '
      f'one dimension: {_AGAIN}'
    )
  return array
