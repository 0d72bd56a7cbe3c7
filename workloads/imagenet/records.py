# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared images on disk: a table a split, and JPEGs in array records.

`SPLIT.npy` has a row for each image, in the benchmark's order: `name`, `label`,
and `offset` and `bytes` in the archive. Record i of the shards of a split, one
after the other, is the JPEG of row i. Any record is read by itself.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from jaxperf import errors, prepared
from workloads.imagenet import archives, jpeg

NAME, VERSION = 'imagenet', 1
SHARD_IMAGES = 5_000  # 269 shards in all: few enough to keep all open.
SPLITS = ('train', 'validation', 'test')
_MODULE = 'array_record.python.array_record_module'
_WRITER, _READER = 'group_size:1', 'readahead_buffer_size:0,max_parallelism:0'


def table_name(split: str) -> str:
  """Name of a split's table."""
  return f'{split}.npy'


def shard_name(split: str, index: int) -> str:
  """Name of one of a split's shards."""
  return f'{split}-{index:05d}.array_record'


def table(members: Sequence[archives.Member], labels: np.ndarray) -> np.ndarray:
  """The rows of a split, (images,) with named columns."""
  longest = max(len(member.name) for member in members)
  kind = [
    *(('name', f'S{longest}'), ('label', '<i2')),
    *(('offset', '<i8'), ('bytes', '<i4')),
  ]
  rows = [
    (member.name, label, member.offset, member.bytes)
    for member, label in zip(members, labels.tolist())
  ]
  return np.array(rows, kind)


def write(path: pathlib.Path, images: Iterable[bytes]) -> int:
  """Writes a shard of JPEGs under its name once it is whole; how many."""
  count = 0
  with prepared.writing(path) as file:
    writer = jpeg.package(_MODULE).ArrayRecordWriter(file.name, _WRITER)
    for image in images:
      writer.write(image)
      count += 1
    writer.close()
  return count


@dataclasses.dataclass(frozen=True)
class Split:
  """The images of a split, in the benchmark's order; image i is row i.

  Attributes:
    name: of the split.
    folder: of the data set.
    starts: (shards + 1,) the first image of each shard, and their number.
    labels: (images,) int32.
  """

  name: str
  folder: pathlib.Path
  starts: np.ndarray
  labels: np.ndarray

  def __len__(self) -> int:
    return int(self.starts[-1])

  def rows(self) -> np.ndarray:
    """The table, mapped."""
    return np.load(self.folder / table_name(self.name), mmap_mode='r')

  def file_name(self, index: int) -> str:
    """Name of an image's file in the original archive."""
    return self.rows()[index]['name'].decode()


class Reader:
  """Reads single images of a split; keeps its shards open."""

  def __init__(self, split: Split):
    self._split = split
    self._open: dict[int, object] = {}

  def read(self, index: int) -> bytes:
    """The JPEG of one image.

    Raises:
      UserError: if its shard is missing or damaged.
    """
    starts = self._split.starts
    shard = int(np.searchsorted(starts, index, side='right')) - 1
    try:
      if shard not in self._open:
        path = self._split.folder / shard_name(self._split.name, shard)
        module = jpeg.package(_MODULE)
        self._open[shard] = module.ArrayRecordReader(str(path), _READER)
      (image,) = self._open[shard].read([index - int(starts[shard])])
    except (RuntimeError, ValueError, IndexError, OSError) as error:
      raise errors.UserError(
        f'{self._split.folder / shard_name(self._split.name, shard)} cannot be '
        f'read at image {index:,} ({errors.first_line(error)}): see what is '
        'wrong with `jaxperf data check imagenet --deep`, remove the file and '
        'prepare again'
      ) from None
    return image


def open_splits(data_dir, partial: bool = False) -> Mapping[str, Split]:
  """The splits of the prepared data.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
    partial: accept what was prepared without some of the splits.

  Raises:
    UserError: if the data is not there, or not whole, or of another version,
      or a package that reads it is missing.
  """
  folder = prepared.folder(NAME, data_dir)
  manifest = prepared.load(folder, VERSION, partial=partial)
  jpeg.library(), jpeg.package(_MODULE)
  return splits(folder, manifest.files)


def splits(
  folder: pathlib.Path, files: Iterable[prepared.File]
) -> Mapping[str, Split]:
  """The splits of these files, in any order, in that folder."""
  images = {file.name: file.counts['images'] for file in files}
  found = {}
  for name in SPLITS:
    if table_name(name) not in images:
      continue
    sizes = [
      images[shard] for shard in sorted(images) if shard.startswith(f'{name}-')
    ]
    starts = np.cumsum([0, *sizes], dtype=np.int64)
    rows = np.load(folder / table_name(name), mmap_mode='r')
    if len(rows) != starts[-1]:
      raise errors.UserError(
        f'{folder / table_name(name)} has {len(rows):,} images, its shards '
        f'{starts[-1]:,}: prepare {NAME} again in an empty folder'
      )
    found[name] = Split(name, folder, starts, rows['label'].astype(np.int32))
  return found
