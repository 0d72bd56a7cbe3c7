# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared slices on disk: which of them make a split, and reading them.

A volume is two `.npy` files: half-transformed k-space (`sampling.hybrid`) and
targets, a slice along axis 0. A slice is read to where it is worked on, which
costs less than mapping the file, and no file stays open.
"""

import bisect
import dataclasses
import functools
import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import fft

from jaxperf import cores, errors, prepared
from workloads.fastmri import sampling

NAME, VERSION = 'fastmri', 1
SIZE = 320  # Height and width of an image.
PARTS = ('train', 'val')
# Training slices that one evaluation covers.
EVAL_TRAIN = 3_584
_SUFFIXES = ('.hybrid.npy', '.target.npy')
_MOST_THREADS = 4
_NUMBERS = ('mean', 'std', 'volume_max')

Seed = tuple[int, int]


class Volume(NamedTuple):
  """The slices of one scan.

  Attributes:
    name: of its raw file.
    paths: of half-transformed k-space and of targets.
    headers: bytes before the first slice in each.
    slices: how many.
    width: columns of k-space, W.
    volume_max: largest value of the targets, 0 if unknown.
  """

  name: str
  paths: tuple[pathlib.Path, pathlib.Path]
  headers: tuple[int, int]
  slices: int
  width: int
  volume_max: float

  def read(self, index: int, hybrid: np.ndarray, target: np.ndarray) -> None:
    """Reads a slice into (320, W) complex64 and (320, 320) float32.

    Raises:
      UserError: if a file ends before it.
    """
    for path, header, array in zip(self.paths, self.headers, (hybrid, target)):
      with open(path, 'rb', buffering=0) as file:
        file.seek(header + index * array.nbytes)
        if file.readinto(array) != array.nbytes:
          raise errors.UserError(
            f'{path} ends before its slice {index}: run `jaxperf data prepare '
            f'{NAME}` again'
          )


def _bytes(kind, shape: tuple[int, int]) -> int:
  """Bytes of a slice."""
  return np.dtype(kind).itemsize * shape[0] * shape[1]


@dataclasses.dataclass(frozen=True)
class Slices:
  """Slices of volumes, one after the other.

  Attributes:
    volumes: sorted by name.
    ends: slices of the volumes up to and with each.
  """

  volumes: Sequence[Volume]
  ends: Sequence[int]

  @property
  def num_slices(self) -> int:
    """Slices in all."""
    return self.ends[-1] if self.ends else 0

  def place(self, index: int) -> tuple[Volume, int]:
    """Volume and slice in it of a slice of them all."""
    number = bisect.bisect_right(self.ends, index)
    return self.volumes[number], index - (
      self.ends[number - 1] if number else 0
    )


def joined(volumes: Sequence[Volume]) -> Slices:
  """The slices of these volumes."""
  ends = np.cumsum([volume.slices for volume in volumes], dtype=np.int64)
  return Slices(volumes, ends.tolist())


@dataclasses.dataclass(frozen=True)
class Splits:
  """The splits, each in the order of names and slices.

  Attributes:
    train: all of the provider's training volumes.
    validation: the first volumes of its validation part.
    test: the other ones.
  """

  train: Slices
  validation: Slices
  test: Slices


def open_splits(data_dir) -> Splits:
  """The splits of the prepared data.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.

  Raises:
    UserError: if the data is not there, or not whole, or of another version.
  """
  folder = prepared.folder(NAME, data_dir)
  manifest = prepared.load(folder, VERSION)
  return splits(
    folder, manifest.files, manifest.parameters['validation_volumes']
  )


def splits(
  folder: pathlib.Path,
  files: Iterable[prepared.File],
  validation_volumes: int,
) -> Splits:
  """The splits of these files, in any order.

  Args:
    folder: of the data set.
    files: of the manifest.
    validation_volumes: first volumes of the provider's validation part that
      are the validation split.
  """
  by_name = {file.name: file for file in files}
  parts = {
    part: sorted(
      name.removeprefix(f'{part}/').removesuffix(_SUFFIXES[0]) + '.h5'
      for name in by_name
      if name.startswith(f'{part}/') and name.endswith(_SUFFIXES[0])
    )
    for part in PARTS
  }
  train, val = (
    [_volume(folder, by_name, part, name) for name in parts[part]]
    for part in PARTS
  )
  return Splits(
    train=joined(train),
    validation=joined(val[:validation_volumes]),
    test=joined(val[validation_volumes:]),
  )


def file_names(part: str, name: str) -> tuple[str, str]:
  """The two files that are prepared of a raw one.

  >>> file_names('val', 'file1000000.h5')
  ('val/file1000000.hybrid.npy', 'val/file1000000.target.npy')
  """
  stem = name.removesuffix('.h5')
  return tuple(f'{part}/{stem}{suffix}' for suffix in _SUFFIXES)


def _volume(folder, by_name, part: str, name: str) -> Volume:
  """A volume as its two files are described."""
  hybrid, target = (by_name[file] for file in file_names(part, name))
  slices, width = hybrid.counts['slices'], hybrid.counts['width']
  sizes = (
    _bytes(np.complex64, (SIZE, width)),
    _bytes(np.float32, (SIZE, SIZE)),
  )
  return Volume(
    name=name,
    paths=(folder / hybrid.name, folder / target.name),
    headers=tuple(
      file.bytes - slices * size for file, size in zip((hybrid, target), sizes)
    ),
    slices=slices,
    width=width,
    volume_max=target.counts['volume_max'],
  )


def read(
  slices: Slices,
  indices: Sequence[int],
  seeds: Sequence[Seed],
  size: int | None = None,
) -> dict[str, np.ndarray]:
  """Slices as the network sees them, made by a few threads.

  Args:
    slices: to read from.
    indices: of slices.
    seeds: of the mask of each.
    size: slices in the batch, the last ones zero; as many as indices if None.

  Returns:
    `inputs` and `targets` (size, 320, 320); `mean`, `std` and `volume_max`
    (size,); all float32.

  Raises:
    UserError: for a slice that is constant.
  """
  size = len(indices) if size is None else size
  batch = {
    key: np.zeros((size, SIZE, SIZE), np.float32)
    for key in ('inputs', 'targets')
  } | {key: np.zeros(size, np.float32) for key in _NUMBERS}
  pool, threads = cores.input_threads(_MOST_THREADS)
  # Which thread makes a row does not show in it.
  rows = np.array_split(np.arange(len(indices)), threads)
  work = functools.partial(_fill, slices, indices, seeds, batch)
  list(pool.map(work, [part.tolist() for part in rows if part.size]))
  return batch


def _fill(slices, indices, seeds, batch, rows: Sequence[int]) -> None:
  """Makes some rows of a batch, in place."""
  places = [slices.place(int(indices[row])) for row in rows]
  masks = sampling.column_masks(
    [volume.width for volume, _ in places], [seeds[row] for row in rows]
  )
  work = np.empty(0, np.complex64)
  for row, (volume, index), mask in zip(rows, places, masks):
    if work.shape != (SIZE, volume.width):
      work = np.empty((SIZE, volume.width), np.complex64)
    inputs, targets = batch['inputs'][row], batch['targets'][row]
    volume.read(index, work, targets)
    work *= fft.ifftshift(mask)
    sampling.magnitude(work, inputs)
    mean, std = sampling.normalise(inputs, targets)
    if not 0 < std < np.inf:
      raise errors.UserError(
        f'slice {index} of {volume.paths[0]} is constant, with a standard '
        f'deviation of {std}: look for damage with `jaxperf data check {NAME} '
        '--deep` and prepare again'
      )
    batch['mean'][row], batch['std'][row] = mean, std
    batch['volume_max'][row] = volume.volume_max
