# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares ImageNet: from archives of JPEGs to records in a shuffled order.

First each archive is read once, from front to back: its hash, and where its
images are. Then the shards, each of images from all over the archive.
"""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads.imagenet import (
  archives,
  benchmark,
  check,
  pictures,
  records,
  repair,
)


class Work(NamedTuple):
  """What one unit does.

  Attributes:
    split: that it is a part of.
    path: of the archive.
    archive: what that should be.
    shard: number of the shard to write; None to read the archive.
    images: in a shard, but the last.
  """

  split: str
  path: pathlib.Path
  archive: archives.Archive
  shard: int | None
  images: int


def dataset(
  published: Mapping[str, archives.Archive] = archives.PUBLISHED,
  shard_images: int = records.SHARD_IMAGES,
) -> dataset_lib.Dataset:
  """The data set, with the archives that it is made of.

  Args:
    published: by split.
    shard_images: images in a shard.
  """
  return dataclasses.replace(
    _FACTS,
    plan=functools.partial(_plan, published, shard_images),
    check=functools.partial(check.findings, published),
  )


def _plan(
  published: Mapping[str, archives.Archive],
  shard_images: int,
  raw: pathlib.Path,
  options: Mapping[str, str],
) -> dataset_lib.Plan:
  """A unit an archive, then a unit a shard; see `Dataset.plan`."""
  test = options.get('test', 'yes')
  if test not in ('yes', 'no'):
    raise errors.UserError(f'--test is {test!r}, expected yes or no')
  wanted = [name for name in records.SPLITS if test == 'yes' or name != 'test']
  tables, shards = [], []
  for split in wanted:
    archive = published[split]
    work = Work(split, archives.find(raw, archive), archive, None, shard_images)
    tables.append(_unit(work, archive.images))
    for first in range(0, archive.images, shard_images):
      number = first // shard_images
      images = min(shard_images, archive.images - first)
      shards.append(_unit(work._replace(shard=number), images))
  return dataset_lib.Plan(
    stages=[lambda _: tables, lambda _: shards],
    parameters={
      'archives': {split: published[split]._asdict() for split in wanted},
      'shard_images': shard_images,
      'order': 'MD5 of split and name, as TensorFlow Datasets 4',
    },
    total=2 * sum(published[split].images for split in wanted),
    records='images (each is passed twice)',
    bytes=sum(published[split].bytes for split in wanted),
    partial=test == 'no',
  )


def _unit(work: Work, images: int) -> dataset_lib.Unit:
  """The unit that does this work."""
  origin = {
    'archive': work.archive._asdict(),
    'shard': work.shard,
    'shard_images': work.images,
  }
  number = '' if work.shard is None else f'-{work.shard:05d}'
  return dataset_lib.Unit(f'{work.split}{number}', origin, images, work)


def _prepare(
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  journal: journal_lib.Journal,
  report: dataset_lib.Report,
) -> None:
  """Makes the one file of a unit; see `Dataset.prepare`."""
  work: Work = unit.work
  if work.shard is None:
    name = records.table_name(work.split)
  else:
    name = records.shard_name(work.split, work.shard)
  if not journal.files:
    if work.shard is None:
      count = _write_table(folder / name, work, report)
    else:
      count = _write_shard(folder, name, work, report)
    journal.add(prepared.describe(folder, name, images=count))
  journal.finish(images=journal.files[0].counts['images'])


def _write_table(path: pathlib.Path, work: Work, report) -> int:
  """Reads an archive and writes the table of its images; returns how many."""
  members = archives.index(work.path, work.split, work.archive, report)
  labels = benchmark.labels(members, work.split)
  order = benchmark.order(members, work.split)
  rows = records.table([members[i] for i in order], labels[order])
  with prepared.writing(path) as file:
    np.save(file, rows)
  return len(rows)


def _write_shard(folder: pathlib.Path, name: str, work: Work, report) -> int:
  """Writes the images of one shard; returns how many."""
  table = np.load(folder / records.table_name(work.split), mmap_mode='r')
  first = work.shard * work.images
  rows = table[first : first + work.images]
  if archives.is_plain(work.path):
    images = _picked(work.path, rows)
  else:
    images = _streamed(work, rows)

  def repaired() -> Iterator[bytes]:
    for row, image in zip(rows, images):
      try:
        yield repair.repaired(image, row['name'].decode())
      except errors.UserError as error:
        raise errors.UserError(f'{work.path}: {error}') from None

  return records.write(folder / name, archives.reported(repaired(), report))


def _picked(path: pathlib.Path, rows: np.ndarray) -> Iterator[bytes]:
  """Images from their places in an archive."""
  with path.open('rb') as file:
    for row in rows:
      image = os.pread(file.fileno(), int(row['bytes']), int(row['offset']))
      yield image


def _streamed(work: Work, rows: np.ndarray) -> Iterator[bytes]:
  """Images of a compressed archive, which is read to the end for each shard."""
  names = [row['name'].decode() for row in rows]
  found = {
    member.name: image
    for member, image in archives.stream(work.path, work.split, set(names))
  }
  for name in names:
    yield found.pop(name)


def _finish(
  plan: dataset_lib.Plan, results: Sequence[dataset_lib.Result]
) -> dict[str, int]:
  """Images of each split."""
  images = {result.unit: result.counts['images'] for result in results}
  return {split: images[split] for split in records.SPLITS if split in images}


_FACTS = dataset_lib.Dataset(
  name=records.NAME,
  version=records.VERSION,
  title='ImageNet (ILSVRC2012) and ImageNet-v2',
  provider='image-net.org; v2: Recht et al.',
  sign_up='at image-net.org, for the two archives of ILSVRC2012',
  licence='non-commercial research, no redistribution',
  raw_bytes=sum(archive.bytes for archive in archives.PUBLISHED.values()),
  prepared_bytes=sum(archive.bytes for archive in archives.PUBLISHED.values()),
  plan=functools.partial(_plan, archives.PUBLISHED, records.SHARD_IMAGES),
  prepare=_prepare,
  finish=_finish,
  check=functools.partial(check.findings, archives.PUBLISHED),
  pictures=pictures.strips,
  options={
    'test': 'no: leave ImageNet-v2 out, to try things out: training refuses a '
    'part',
  },
)
DATASET = dataset()
