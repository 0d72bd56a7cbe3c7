# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares ImageNet: from archives of JPEGs to records in a shuffled order.

First each archive is read once, from front to back: its hash, and where its
images are. Then the shards, each of images from all over the archive. A folder
that the builders of TensorFlow Datasets have made can take an archive's place.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads.imagenet import archives, check, pictures, records, sources


class Work(NamedTuple):
  """What one unit does.

  Attributes:
    source: of the images of the split that it is a part of.
    shard: number of the shard to write; None to read all of the source.
    images: in a shard, but the last.
  """

  source: sources.Source
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
  found = [sources.find(raw, split, published[split]) for split in wanted]
  tables, shards = [], []
  for source in found:
    count = published[source.split].images
    work = Work(source, None, shard_images)
    tables.append(_unit(work, count))
    for first in range(0, count, shard_images):
      number = first // shard_images
      images = min(shard_images, count - first)
      shards.append(_unit(work._replace(shard=number), images))
  return dataset_lib.Plan(
    stages=[lambda _: tables, lambda _: shards],
    parameters={
      'archives': {source.split: source.origin for source in found},
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
    'archive': work.source.origin,
    'shard': work.shard,
    'shard_images': work.images,
  }
  number = '' if work.shard is None else f'-{work.shard:05d}'
  return dataset_lib.Unit(f'{work.source.split}{number}', origin, images, work)


def _prepare(
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  journal: journal_lib.Journal,
  report: dataset_lib.Report,
) -> None:
  """Makes the one file of a unit; see `Dataset.prepare`."""
  work: Work = unit.work
  split = work.source.split
  if work.shard is None:
    name, write = records.table_name(split), _write_table
  else:
    name, write = records.shard_name(split, work.shard), _write_shard
  if not journal.files:
    count = write(folder, name, work, report)
    journal.add(prepared.describe(folder, name, images=count))
  journal.finish(images=journal.files[0].counts['images'])


def _write_table(folder: pathlib.Path, name: str, work: Work, report) -> int:
  """Writes the table of a split's images; returns how many."""
  rows = work.source.table(report)
  with prepared.writing(folder / name) as file:
    np.save(file, rows)
  return len(rows)


def _write_shard(folder: pathlib.Path, name: str, work: Work, report) -> int:
  """Writes the images of one shard; returns how many."""
  path = folder / records.table_name(work.source.split)
  first = work.shard * work.images
  rows = np.load(path, mmap_mode='r')[first : first + work.images]
  images = work.source.images(rows, first)
  return records.write(folder / name, archives.reported(images, report))


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
