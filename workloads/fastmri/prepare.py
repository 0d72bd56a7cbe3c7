# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares fastMRI: half of the transform is done once, a volume at a time."""

import dataclasses
import functools
import pathlib
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

import numpy as np

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads.fastmri import (
  archives,
  check,
  pictures,
  sampling,
  slices,
  volumes,
)

_WIDTH = 372  # Of k-space; others are about as wide.
_SLICE_BYTES = slices.SIZE * (8 * _WIDTH + 4 * slices.SIZE)
_COUNTS = ('published', 'any')


class Work(NamedTuple):
  """The work of one unit.

  Attributes:
    part: train or val.
    name: of the raw file.
    source: that file, or its content if it is from an archive.
    where: names it in messages.
  """

  part: str
  name: str
  source: pathlib.Path | bytes
  where: str


def dataset(
  published: check.Published = check.PUBLISHED,
) -> dataset_lib.Dataset:
  """The data set, with the counts that it should have."""
  return dataclasses.replace(
    _FACTS,
    plan=functools.partial(_plan, published),
    finish=functools.partial(_finish, published),
    check=functools.partial(check.findings, published),
  )


def _plan(
  published: check.Published, raw: pathlib.Path, options: Mapping[str, str]
) -> dataset_lib.Plan:
  """A unit a volume; see `Dataset.plan`."""
  volumes.library()
  compared = options.get('counts', 'published')
  if compared not in _COUNTS:
    raise errors.UserError(
      f'--counts is {compared!r}, expected one of {", ".join(_COUNTS)}'
    )
  original = compared == 'published'
  expected = published.volumes if original else {}
  found = archives.find(raw)
  for part, path in found.items():
    if path.is_dir():
      _check_volumes(path, len(archives.names(path)), expected.get(part))
  return dataset_lib.Plan(
    stages=[
      functools.partial(_units, part, path, expected.get(part))
      for part, path in found.items()
    ],
    parameters={
      'counts': compared,
      'validation_volumes': published.validation_volumes,
    },
    total=sum(expected.values()),
    records='volumes',
    bytes=_SLICE_BYTES * sum(published.slices.values()) if original else 0,
  )


def _units(
  part: str, path: pathlib.Path, expected: int | None, _: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """The volumes of a part; of an archive as it is unpacked."""
  seen = set()
  for work, origin in _sources(part, path):
    if work.name in seen:
      raise errors.UserError(
        f'{path} has two files {work.name}: remove one of them'
      )
    seen.add(work.name)
    stem = work.name.removesuffix('.h5')
    origin = {'part': part, 'name': work.name, **origin}
    yield dataset_lib.Unit(f'{part}-{stem}', origin, 1, work)
  _check_volumes(path, len(seen), expected)


def _sources(part: str, path: pathlib.Path) -> Iterator[tuple[Work, dict]]:
  """Each volume of a folder or an archive, and what identifies it."""
  if path.is_dir():
    for file in archives.names(path):
      origin = {'bytes': file.stat().st_size}
      yield Work(part, file.name, file, str(file)), origin
    return
  for name, content in archives.members(path):
    origin = {'bytes': len(content), 'crc32': zlib.crc32(content)}
    yield Work(part, name, content, f'{path}: {name}'), origin


def _check_volumes(
  path: pathlib.Path, found: int, expected: int | None
) -> None:
  """Refuses a wrong number of files.

  Raises:
    UserError: naming what was looked at.
  """
  if not found or expected not in (None, found):
    wanted = 'some' if expected is None else f'{expected:,}'
    raise errors.UserError(
      f'{path} has {found:,} volumes (.h5), expected {wanted}, and the split '
      'into validation and test would move: download or unpack it again'
    )


def _prepare(
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  journal: journal_lib.Journal,
  report: dataset_lib.Report,
) -> None:
  """Makes the two files of a volume; see `Dataset.prepare`."""
  work: Work = unit.work
  (folder / work.part).mkdir(exist_ok=True)
  done = {file.name for file in journal.files}
  names = slices.file_names(work.part, work.name)
  with volumes.opened(work.source, work.where) as volume:
    for name, write in zip(names, (_write_hybrid, _write_target)):
      if name not in done:
        with prepared.writing(folder / name) as file:
          counts = write(file, volume)
        journal.add(prepared.describe(folder, name, **counts))
    journal.finish(slices=volume.slices)
  report(1)


def _write_hybrid(file: IO[bytes], volume: volumes.Volume) -> dict:
  """Writes half-transformed k-space; returns what the file holds."""
  _write_header(file, np.complex64, (volume.slices, slices.SIZE, volume.width))
  mask = sampling.column_mask(volume.width, sampling.EVALUATION_SEED)
  mask = np.fft.ifftshift(mask)
  image = np.empty((slices.SIZE, slices.SIZE), np.float32)
  difference = 0.0
  for index in range(volume.slices):
    hybrid = sampling.hybrid(volume.kspace(index), slices.SIZE)
    file.write(np.ascontiguousarray(hybrid, '<c8').data)
    if not sampling.magnitude(hybrid * mask, image).std() > 0:
      volume.refuse_slice(index, 'is constant')
    if index == volume.slices // 2:
      target = volume.target(index)
      image = sampling.magnitude(hybrid, image)
      largest = max(float(np.abs(target).max()), np.finfo(np.float32).tiny)
      difference = float(np.abs(image - target).max()) / largest
  return {
    'slices': volume.slices,
    'width': volume.width,
    'difference': difference,
  }


def _write_target(file: IO[bytes], volume: volumes.Volume) -> dict:
  """Writes targets; returns what the file holds."""
  _write_header(file, np.float32, (volume.slices, slices.SIZE, slices.SIZE))
  for index in range(volume.slices):
    file.write(np.ascontiguousarray(volume.target(index), '<f4').data)
  return {
    'slices': volume.slices,
    'volume_max': volume.volume_max,
    'has_max': int(volume.has_max),
  }


def _write_header(file: IO[bytes], kind, shape: tuple[int, ...]) -> None:
  """Writes what a `.npy` file begins with."""
  descr = np.dtype(kind).newbyteorder('<').str
  header = {'descr': descr, 'fortran_order': False, 'shape': shape}
  np.lib.format.write_array_header_1_0(file, header)


def _finish(
  published: check.Published,
  plan: dataset_lib.Plan,
  results: Sequence[dataset_lib.Result],
) -> dict[str, int]:
  """Slices of each split, and volumes without a largest value.

  Raises:
    UserError: if a split has not as many slices as it should.
  """
  files = [file for result in results for file in result.files]
  first = plan.parameters['validation_volumes']
  counts = check.counts(slices.splits(pathlib.Path(), files, first))
  original = plan.parameters['counts'] == 'published'
  for split, count in counts.items():
    wanted = published.slices[split] if original else count
    if count != wanted or not count:
      raise errors.UserError(
        f'the {split} split has {count:,} slices, expected '
        f'{wanted or "some"}: download the single-coil knee archives again'
      )
  sentence = check.unlike(files, published.tolerance) if original else ''
  if sentence:
    print(f'warning: {sentence}', file=sys.stderr)
  return counts | {'volumes without max': check.without_max(files)}


_FACTS = dataset_lib.Dataset(
  name=slices.NAME,
  version=slices.VERSION,
  title='fastMRI knee, single coil',
  provider='NYU Langone Health, fastmri.med.nyu.edu',
  sign_up='a form; links come by mail and expire after 90 days',
  licence='NYU data sharing agreement: research, no redistribution',
  raw_bytes=87_600 * 10**6,
  prepared_bytes=_SLICE_BYTES * sum(check.PUBLISHED.slices.values()),
  plan=functools.partial(_plan, check.PUBLISHED),
  prepare=_prepare,
  finish=functools.partial(_finish, check.PUBLISHED),
  check=functools.partial(check.findings, check.PUBLISHED),
  pictures=pictures.strips,
  options={
    'counts': '`any` for miniature data: numbers of volumes and slices, and '
    'targets, are compared with nothing [published]',
  },
)
DATASET = dataset()
