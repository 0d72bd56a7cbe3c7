# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Where the images of a split come from: an original archive, or a folder.

The folder is one that the builders of TensorFlow Datasets have made, as an
AlgoPerf installation holds it. Either gives the images in the same order.
"""

import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxperf import errors
from jaxperf.datasets import built as built_lib
from workloads.imagenet import archives, benchmark, records, repair

_TRAINED, _TESTED = 'imagenet2012:5.1.0', 'imagenet_v2/matched-frequency:3.0.0'
_BUILDERS = {'train': _TRAINED, 'validation': _TRAINED, 'test': _TESTED}


class Original(NamedTuple):
  """An archive as it was downloaded.

  Attributes:
    split: that it holds.
    path: of the archive.
    archive: what that should be.
  """

  split: str
  path: pathlib.Path
  archive: archives.Archive

  @property
  def origin(self) -> dict[str, Any]:
    """What the records are made of."""
    return self.archive._asdict()

  def table(self, report: Callable[[int], None]) -> np.ndarray:
    """The rows of the split, `records.table`; reads and hashes the archive."""
    members = archives.index(self.path, self.split, self.archive, report)
    labels = benchmark.labels(members, self.split)
    order = benchmark.order(members, self.split)
    return records.table([members[i] for i in order], labels[order])

  def images(self, rows: np.ndarray, first: int) -> Iterator[bytes]:
    """JPEGs of these rows, of which the first is row `first` of the table."""
    del first  # Each row says where its image is.
    read = self._picked if archives.is_plain(self.path) else self._streamed
    for row, image in zip(rows, read(rows)):
      try:
        yield repair.repaired(image, row['name'].decode())
      except errors.UserError as error:
        raise errors.UserError(f'{self.path}: {error}') from None

  def _picked(self, rows: np.ndarray) -> Iterator[bytes]:
    """Images from their places in the archive."""
    with self.path.open('rb') as file:
      for row in rows:
        yield os.pread(file.fileno(), int(row['bytes']), int(row['offset']))

  def _streamed(self, rows: np.ndarray) -> Iterator[bytes]:
    """Images of a compressed archive, which is read to its end."""
    names = [row['name'].decode() for row in rows]
    found = {
      member.name: image
      for member, image in archives.stream(self.path, self.split, set(names))
    }
    for name in names:
      yield found.pop(name)


class Installed(NamedTuple):
  """A split that a builder has made; its images are repaired already.

  Attributes:
    split: that it holds.
    built: the folder.
    count: of images that there should be.
  """

  split: str
  built: built_lib.Built
  count: int

  @property
  def origin(self) -> dict[str, Any]:
    """What the records are made of."""
    return {'builder': _BUILDERS[self.split], 'images': self.count}

  def table(self, report: Callable[[int], None]) -> np.ndarray:
    """The rows of the split, `records.table`; reads all of the folder.

    Raises:
      UserError: if names, labels or their order are not the builder's.
    """
    members, labels = [], []
    for example in archives.reported(self._examples(), report):
      name = example['file_name'].decode()
      text = name.split('_' if self.split == 'train' else '/')[0]
      size = len(example['image'])
      members.append(archives.Member(name, text, 0, size))
      labels.append(int(example['label']))
    expected = benchmark.labels(members, self.split)
    wrong = np.flatnonzero(expected != labels)
    if wrong.size:
      raise errors.UserError(
        f'{self.built.folder} labels {members[wrong[0]].name} as '
        f'{labels[wrong[0]]}, expected {expected[wrong[0]]}: it was not made '
        f'of the original archives by {_BUILDERS[self.split]}; prepare from '
        'the archives'
      )
    if benchmark.order(members, self.split) != list(range(len(members))):
      raise errors.UserError(
        f'{self.built.folder} has the {self.split} images in another order '
        f'than {_BUILDERS[self.split]} writes them: prepare from the archives'
      )
    return records.table(members, np.array(labels))

  def images(self, rows: np.ndarray, first: int) -> Iterator[bytes]:
    """JPEGs of these rows, of which the first is row `first` of the table."""
    examples = self._examples(first, first + len(rows))
    for row, example in zip(rows, examples, strict=True):
      if example['file_name'] != row['name']:
        raise errors.UserError(
          f'{self.built.folder} has another image where '
          f'{row["name"].decode()} was when its table was made: it has '
          'changed since, so prepare in an empty folder'
        )
      yield example['image']

  def _examples(self, *part: int) -> Iterator[dict[str, Any]]:
    """Examples with their JPEGs as they are stored."""
    return built_lib.examples(self.built, self.split, *part, encoded=['image'])


Source = Original | Installed


def find(raw: pathlib.Path, split: str, archive: archives.Archive) -> Source:
  """The archive of a split in a folder; without one, what a builder made.

  Args:
    raw: folder of the archives, or that holds the folders of the builders.
    split: to look for.
    archive: what its archive should be.

  Raises:
    UserError: if neither is there, or what is there cannot be it.
  """
  built = None
  if not (raw / archive.name).exists():
    built = built_lib.find(raw, _BUILDERS[split])
  if built is None:
    return Original(split, archives.find(raw, archive), archive)
  count = sum(built.lengths.get(split, ()))
  if count != archive.images:
    raise errors.UserError(
      f'{built.folder} has {count:,} {split} images, expected '
      f'{archive.images:,}: it was not made of the original archives, so '
      f'prepare from {archive.name}'
    )
  return Installed(split, built, count)
