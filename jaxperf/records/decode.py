# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a file to text: gzip and UTF-16 undone, the rest named."""

from __future__ import annotations

import codecs
import zlib
from typing import NamedTuple

_GZIP = b'\x1f\x8b'
_BOMS = {  # The mark of UTF-32 begins with that of UTF-16.
  codecs.BOM_UTF32_LE: 'utf-32',
  codecs.BOM_UTF32_BE: 'utf-32',
  codecs.BOM_UTF16_LE: 'utf-16',
  codecs.BOM_UTF16_BE: 'utf-16',
}
_KINDS = {
  b'PK\x03\x04': 'a zip archive or a spreadsheet',
  b'\xd0\xcf\x11\xe0': 'an Excel file',
  b'BZh': 'compressed by bzip2',
  b'\xfd7zXZ': 'compressed by xz',
  b'\x28\xb5\x2f\xfd': 'compressed by zstd',
  b'PAR1': 'a Parquet file',
  b'\x89HDF': 'an HDF5 file',
  b'\x93NUMPY': 'a NumPy array',
  b'SQLite': 'an SQLite database',
  b'%PDF': 'a PDF file',
  b'version https://git-lfs': 'a Git LFS pointer: try `git lfs pull`',
  b'{': 'JSON',
  b'[': 'JSON',
  b'<': 'HTML or XML',
}


class Decoded(NamedTuple):
  """What a file says.

  Attributes:
    content: as UTF-8, without a byte-order mark.
    cut: whether the end is missing: a gzip stream that breaks off.
    shifted: whether bytes are missing or too many in UTF-16 or UTF-32, so that
      lines behind that place cannot be told from each other.
  """

  content: bytes
  cut: bool = False
  shifted: bool = False


def decoded(content: bytes) -> Decoded:
  """The content of a file, whether or not it is gzip, UTF-8, UTF-16, UTF-32.

  Raises:
    ValueError: if it is gzip that is damaged: a checksum or a code is wrong.

  >>> decoded('step'.encode('utf-16')).content
  b'step'
  """
  cut = False
  if content.startswith(_GZIP):
    content, cut = _gunzip(content)
  encoding = _encoding(content)
  shifted = False
  if encoding:
    content = content.decode(encoding, errors='replace').encode()
    # A table is ASCII; what has lost its place is not.
    shifted = b'\0' in content or not content.isascii()
  return Decoded(content.removeprefix(codecs.BOM_UTF8), cut, shifted)


def kind(content: bytes) -> str | None:
  """What a file is that is no CSV, by its first bytes; None if unknown.

  >>> kind(b'{"step": 1}')
  'JSON'
  """
  start = content[:64].lstrip()
  return next(
    (k for magic, k in _KINDS.items() if start.startswith(magic)), None
  )


def _gunzip(content: bytes) -> tuple[bytes, bool]:
  """What gzip holds, and whether its end is missing."""
  parts = []
  while content.startswith(_GZIP):
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16)  # With a header.
    try:
      parts.append(stream.decompress(content))
    except zlib.error as error:
      raise ValueError(f'damaged gzip ({error})') from None
    if not stream.eof:
      return b''.join(parts), True
    content = stream.unused_data.lstrip(b'\0')  # As padding of a tape.
  return b''.join(parts), bool(content)


def _encoding(content: bytes) -> str | None:
  """UTF-16 or UTF-32, if the first bytes say so."""
  for mark, encoding in _BOMS.items():
    if content.startswith(mark):
      return encoding
  # Without a mark: a header is ASCII, so that every second byte is zero.
  start = content[:32]
  if len(start) >= 8 and any(start):
    if not any(start[1::2]) and all(start[::2]):
      return 'utf-16-le'
    if not any(start[::2]) and all(start[1::2]):
      return 'utf-16-be'
  return None
