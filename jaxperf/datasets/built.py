# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What builders of TensorFlow Datasets have made, read without TensorFlow."""

from __future__ import annotations

import importlib
import json
import pathlib
import types
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jaxperf import errors
from jaxperf.datasets import tfrecords

_INFO = 'dataset_info.json'
# The second one is asked for by builders alone, and nothing else installs it.
_PACKAGES = ('tensorflow_datasets', 'importlib_resources', 'array_record')
AT_ONCE = 500  # Examples that are read, or reported, together.


class Built(NamedTuple):
  """A data set that a builder has made.

  Attributes:
    folder: of its files.
    file_format: `'array_record'` or `'tfrecord'`.
    lengths: examples in each file, by split.
  """

  folder: pathlib.Path
  file_format: str
  lengths: dict[str, list[int]]


def library() -> types.ModuleType:
  """The package tensorflow_datasets, and what it needs to make data sets.

  Raises:
    UserError: if a package is missing; names what installs it.
  """
  try:
    packages = [importlib.import_module(name) for name in _PACKAGES]
  except ImportError as error:
    raise errors.UserError(
      'TensorFlow Datasets makes and reads this data, and a package of it '
      f'cannot be imported ({errors.first_line(error)}): pip install '
      "'jaxperf[data]'"
    ) from None
  return packages[0]


def find(raw: pathlib.Path, name: str) -> Built | None:
  """A data set that somebody's builder has made, as an AlgoPerf folder is.

  Args:
    raw: folder that is it or holds it, also under the builder's folders or in a
      folder of another name.
    name: with the version.

  Raises:
    UserError: if it is of another version, or its making was interrupted.
  """
  path, _, version = name.partition(':')
  places = [raw, *raw.glob('*')]
  places += [*raw.glob(f'{path}/*'), *raw.glob(f'*/{path}/*')]
  begun = [place for place in places if _is_begun(place, path)]
  others = []
  for place in begun:
    if (place / _INFO).is_file():
      found = _info(place)['version']
      if found == version:
        return opened(place)
      others.append(f'{place} holds version {found} of {path}')
  if others:
    raise errors.UserError(f'{others[0]}, expected version {version}')
  if begun:
    raise errors.UserError(
      f'the preparation of {begun[0]} was interrupted, it has no complete '
      f'{_INFO}: remove it and prepare from the archives'
    )
  return None


def _is_begun(place: pathlib.Path, path: str) -> bool:
  """Whether a folder is a builder's, finished or not."""
  dataset = path.partition('/')[0]
  if not place.is_dir() or not any(place.glob(f'{dataset}-*record-*')):
    return False
  if not (place / _INFO).is_file():
    return True
  info = _info(place)
  parts = (info['name'], info.get('configName'))
  return '/'.join(part for part in parts if part) == path


def opened(place: pathlib.Path) -> Built:
  """The data set in a folder.

  Raises:
    UserError: if its description is damaged or a file is missing.
  """
  info = _info(place)
  try:
    lengths = {
      split['name']: [int(length) for length in split['shardLengths']]
      for split in info['splits']
    }
    built = Built(place, info.get('fileFormat', 'tfrecord'), lengths)
  except (KeyError, TypeError, ValueError) as error:
    raise _bad_info(place, error) from None
  for split in lengths:
    for path in files(built, split):
      if not path.is_file():
        raise errors.UserError(f'{path} is missing: copy it again')
  return built


def files(built: Built, split: str) -> list[pathlib.Path]:
  """The files of a split, in order."""
  count = len(built.lengths[split])
  dataset = _info(built.folder)['name']
  return [
    built.folder
    / f'{dataset}-{split}.{built.file_format}-{i:05d}-of-{count:05d}'
    for i in range(count)
  ]


def examples(
  built: Built,
  split: str,
  first: int = 0,
  last: int | None = None,
  encoded: Sequence[str] = (),
) -> Iterator[Any]:
  """The examples of a split in stored order, as numpy arrays or bytes.

  Args:
    built: the data set.
    split: its name there.
    first: number of the first example.
    last: number of the example after the last one; None for all.
    encoded: features to leave as they are stored, e.g. the JPEG of an image.

  Raises:
    UserError: if a file is damaged or holds another number of examples.
  """
  tfds = library()
  builder = tfds.builder_from_directory(built.folder)
  decoders = {name: tfds.decode.SkipDecoding() for name in encoded}
  last = sum(built.lengths[split]) if last is None else last
  if built.file_format == 'tfrecord':
    for record in _tfrecords(built, split, first, last):
      yield builder.info.features.deserialize_example_np(
        record, decoders=decoders
      )
    return
  source = builder.as_data_source(split, decoders=decoders)
  # Many at once: one by one takes ten times as long in a large file.
  for start in range(first, last, AT_ONCE):
    stop = min(start + AT_ONCE, last)
    try:
      some = source.__getitems__(range(start, stop))
    except (RuntimeError, ValueError, IndexError) as error:
      raise errors.UserError(
        f'the {split} split in {built.folder} cannot be read at examples '
        f'{start:,} to {stop - 1:,} ({errors.first_line(error)}): copy it '
        'again, or remove it and prepare again'
      ) from None
    yield from some


def _tfrecords(built: Built, split: str, first: int, last: int):
  """Records of TFRecord files, numbered through all of them."""
  begin = 0
  for path, length in zip(files(built, split), built.lengths[split]):
    wanted = range(max(first - begin, 0), min(last - begin, length))
    begin += length
    if not wanted:
      continue
    count = wanted.start
    stop = None if wanted.stop == length else wanted.stop  # None: see the end.
    for record in tfrecords.read(path, wanted.start, stop):
      yield record
      count += 1
    if count != wanted.stop:
      raise errors.UserError(
        f'{path} has {count:,} examples, expected {length:,}: copy it again'
      )


def _info(place: pathlib.Path) -> dict[str, Any]:
  """What a builder says of what it has made."""
  try:
    info = json.loads((place / _INFO).read_text())
    return info | {'name': info['name'], 'version': info['version']}
  except (ValueError, KeyError, TypeError) as error:
    raise _bad_info(place, error) from None


def _bad_info(place: pathlib.Path, error: Exception) -> errors.UserError:
  return errors.UserError(
    f'{place / _INFO} is damaged ({errors.first_line(error)}): copy it again'
  )
