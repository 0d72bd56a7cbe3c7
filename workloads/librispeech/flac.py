# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Flac files of speech: what their header promises, and their samples.

Reference: RFC 9639, section 8.2 (STREAMINFO).
"""

import hashlib
import io
from typing import NamedTuple

import numpy as np

from jaxperf import errors

HEADER_BYTES = 42
_RATE, _CHANNELS, _BITS = 16_000, 1, 16
_NO_MD5 = bytes(16).hex()


class Header(NamedTuple):
  """What the first bytes of a file say.

  Attributes:
    samples: in it.
    md5: of the samples as little-endian integers, hexadecimal; empty if the
      file does not say.
  """

  samples: int
  md5: str


def header(content: bytes, where: str) -> Header:
  """The header of a file.

  Args:
    content: of the file, or its first `HEADER_BYTES`.
    where: names it in messages.

  Raises:
    UserError: if it is no flac file of 16 kHz, one channel and 16 bits.
  """
  if len(content) < HEADER_BYTES or content[:4] != b'fLaC' or content[4] & 127:
    raise errors.UserError(
      f'{where} is not a flac file, or is cut off: unpack or download it again'
    )
  packed = int.from_bytes(content[18:26], 'big')
  found = (packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1)
  if found != (_RATE, _CHANNELS, _BITS):
    rate, channels, bits = found
    raise errors.UserError(
      f'{where} has {rate} Hz, {channels} channels and {bits} bits, expected '
      f'{_RATE} Hz, {_CHANNELS} channel and {_BITS} bits: it is not the '
      'original file, so unpack or download it again'
    )
  md5 = content[26:HEADER_BYTES].hex()
  return Header(packed & 2**36 - 1, '' if md5 == _NO_MD5 else md5)


def decode(
  content: bytes, expected: Header, where: str, remedy: str
) -> np.ndarray:
  """The samples of a file, (samples,) int16 little-endian.

  Args:
    content: of the file.
    expected: its header.
    where: names it in messages.
    remedy: what to do if it is bad.

  Raises:
    UserError: if it cannot be decoded, or to something else than its header
      says.
  """
  package = library()
  try:
    samples, _ = package.read(io.BytesIO(content), dtype='int16')
  except (RuntimeError, ValueError) as error:
    raise errors.UserError(
      f'{where} is damaged ({errors.first_line(error)}): {remedy}'
    ) from None
  samples = np.ascontiguousarray(samples, '<i2')
  if samples.shape != (expected.samples,):
    raise errors.UserError(
      f'{where} is cut off: it has {samples.size:,} samples, its header says '
      f'{expected.samples:,}: {remedy}'
    )
  if expected.md5 and md5(samples) != expected.md5:
    raise errors.UserError(
      f'{where} is damaged: the MD5 of its samples is {md5(samples)}, its '
      f'header says {expected.md5}: {remedy}'
    )
  return samples


def md5(samples: np.ndarray) -> str:
  """Hash of int16 little-endian samples as flac files hold it."""
  return hashlib.md5(samples.data, usedforsecurity=False).hexdigest()


def library():
  """The package soundfile, which nothing else needs.

  Raises:
    UserError: if it is not installed, or lacks its own library.
  """
  try:
    import soundfile
  except (ImportError, OSError):
    raise errors.UserError(
      'the package soundfile is missing, and flac files are read with it: '
      "run pip install 'jaxperf[data]'"
    ) from None
  return soundfile
