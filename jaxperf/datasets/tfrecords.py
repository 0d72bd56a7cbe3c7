# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reading TFRecord files without TensorFlow.

A record is its length (8 bytes, little endian), a checksum of that, its
content, and a checksum of that. A checksum is CRC-32C c, masked:
((c >> 15 | c << 17) + 0xa282ead8) mod 2^32.
"""

import importlib
import itertools
import os
import pathlib
import struct
from collections.abc import Callable, Iterator

from jaxperf import errors

_MASK, _WORD = 0xA282EAD8, 2**32 - 1
_LENGTH = struct.Struct('<QI')  # And its checksum.


def read(
  path: pathlib.Path, first: int = 0, last: int | None = None
) -> Iterator[bytes]:
  """The records of a file, in order, their checksums compared.

  Args:
    path: of the file.
    first: number of the first record; those before it are passed over.
    last: number of the record after the last one; None for all.

  Raises:
    UserError: if the file is cut off or damaged, or the package that computes
      checksums is missing.
  """
  checksum = _library().value
  framed = _framed(path, first, checksum)
  framed = itertools.islice(framed, last and last - first)
  for count, (record, expected) in enumerate(framed, start=first):
    if masked(checksum(record)) != expected:
      raise errors.UserError(
        f'{path} is damaged in record {count:,}, whose checksum is another '
        'one: copy or download it again'
      )
    yield record


def masked(checksum: int) -> int:
  """A CRC-32C as it is stored.

  >>> hex(masked(0x8a9136aa))  # Of 32 zero bytes: RFC 3720, B.4.
  '0xfd7fffa'
  """
  return ((checksum >> 15 | checksum << 17) + _MASK) & _WORD


def _library():
  """The package google_crc32c."""
  try:
    return importlib.import_module('google_crc32c')
  except ImportError as error:
    raise errors.UserError(
      'checksums of TFRecord files need the package google-crc32c '
      f"({errors.first_line(error)}): pip install 'jaxperf[data]'"
    ) from None


def _framed(
  path: pathlib.Path, first: int, checksum: Callable[[bytes], int]
) -> Iterator[tuple[bytes, int]]:
  """Content and its checksum of each record from the first one on."""
  size = path.stat().st_size
  with path.open('rb') as file:
    for count in itertools.count():
      header = file.read(12)
      if not header:
        return
      length, expected = _LENGTH.unpack(header.ljust(_LENGTH.size, b'\0'))
      right = masked(checksum(header[:8])) == expected
      if not right or file.tell() + length + 4 > size:
        raise errors.UserError(
          f'{path}, {size:,} bytes, is cut off or damaged in record {count:,}: '
          'copy or download it again'
        )
      if count < first:
        file.seek(length + 4, os.SEEK_CUR)
        continue
      content = file.read(length)
      yield content, struct.unpack('<I', file.read(4))[0]
