# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Raw volumes, HDF5 files: read a slice at a time, and refused if bad."""

import contextlib
import io
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from jaxperf import errors
from workloads.fastmri import slices

_ROWS = 640
_AGAIN = 'download it again, or unpack it again'
_SIZES = re.compile(r'eof = (\d+).*stored_eof = (\d+)')


def library():
  """The package h5py, which nothing else needs.

  Raises:
    UserError: if it is not installed.
  """
  try:
    import h5py
  except ImportError:
    raise errors.UserError(
      'the package h5py is missing, and volumes of fastMRI are read with it: '
      "run pip install 'jaxperf[data]'"
    ) from None
  return h5py


@contextlib.contextmanager
def opened(source: pathlib.Path | bytes, where: str) -> Iterator['Volume']:
  """An open volume.

  Args:
    source: its file, or the content of that.
    where: names it in messages.

  Raises:
    UserError: if it is cut off, damaged or not a single-coil volume.
  """
  h5py = library()
  content = io.BytesIO(source) if isinstance(source, bytes) else source
  try:
    file = h5py.File(content, 'r')
  except OSError as error:
    sizes = _SIZES.search(str(error))
    reason = f'is damaged ({errors.first_line(error)})'
    if sizes:
      found, expected = (int(size) for size in sizes.groups())
      reason = f'is cut off: {found:,} bytes, expected {expected:,}'
    raise errors.UserError(f'{where} {reason}: {_AGAIN}') from None
  with file:
    yield Volume(file, where)


class Volume:
  """An open volume.

  Attributes:
    slices: how many.
    width: columns of k-space.
    has_max: whether it says its largest value.
    volume_max: the largest value of its targets, as float32; 0 if it is not
      said.
  """

  def __init__(self, file, where: str):
    """Looks at names and shapes.

    Args:
      file: an open `h5py.File`.
      where: names it in messages.

    Raises:
      UserError: if it is not a single-coil volume with targets.
    """
    self._file, self._where = file, where
    self._check_names()
    self._check_shapes()
    self.slices, _, self.width = file['kspace'].shape
    self.has_max = 'max' in file.attrs
    self.volume_max = float(np.float32(file.attrs.get('max', 0.0)))
    if not np.isfinite(self.volume_max):
      self._refuse(f'has the attribute max {self.volume_max}', _AGAIN)

  def kspace(self, index: int) -> np.ndarray:
    """K-space of a slice, (640, W) complex64."""
    return self._read('kspace', index)

  def target(self, index: int) -> np.ndarray:
    """Target of a slice, (320, 320) float32."""
    return self._read('reconstruction_esc', index)

  def refuse_slice(self, index: int, reason: str) -> None:
    """Refuses the volume for one of its slices.

    Raises:
      UserError: always.
    """
    self._refuse(f'is bad: slice {index} {reason}', _AGAIN)

  def _read(self, key: str, index: int) -> np.ndarray:
    """A slice, which must be of finite numbers."""
    try:
      array = self._file[key][index]
    except OSError as error:
      self.refuse_slice(index, f'of {key}: {errors.first_line(error)}')
    if not np.isfinite(array).all():
      self.refuse_slice(index, f'of {key} has values that are not finite')
    return array

  def _check_names(self) -> None:
    if 'reconstruction_esc' not in self._file and 'mask' in self._file:
      self._refuse(
        'has a mask and no targets: this is from the test archive',
        'keep only volumes of the train and val archives',
      )
    for key in ('kspace', 'reconstruction_esc'):
      if key not in self._file:
        self._refuse(f'has no {key}', 'the single-coil archives are needed')

  def _check_shapes(self) -> None:
    kspace, target = self._file['kspace'], self._file['reconstruction_esc']
    if len(kspace.shape) == 4:
      self._refuse(
        f'has k-space of shape {kspace.shape}, which is multi-coil data',
        'the single-coil archives are needed',
      )
    size = slices.SIZE
    if (
      len(kspace.shape) != 3
      or kspace.shape[0] < 1
      or kspace.shape[1] != _ROWS
      or kspace.shape[2] < size
      or target.shape != (kspace.shape[0], size, size)
      or (kspace.dtype, target.dtype) != (np.complex64, np.float32)
    ):
      self._refuse(
        f'has k-space of {kspace.dtype} {kspace.shape} and targets of '
        f'{target.dtype} {target.shape}, expected complex64 (slices, {_ROWS}, '
        f'at least {size}) and float32 (slices, {size}, {size})',
        _AGAIN,
      )

  def _refuse(self, reason: str, remedy: str) -> None:
    raise errors.UserError(f'{self._where} {reason}: {remedy}')
