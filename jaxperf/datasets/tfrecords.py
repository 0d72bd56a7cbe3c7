# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reading TFRecord files without TensorFlow.

A record is its length (8 bytes, little endian), a checksum of that, its
content, and a checksum of that. A checksum is CRC-32C c, masked:
((c >> 15 | c << 17) + 0xa282ead8) mod 2^32.
"""

import itertools
import os
import pathlib
import struct
from collections.abc import Iterator, Sequence

import numpy as np

from jaxperf import errors

_AT_ONCE = 1024  # Records whose checksums are computed together.
_POLYNOMIAL = 0x82F63B78  # Of CRC-32C, bits reversed.


def read(
  path: pathlib.Path, first: int = 0, last: int | None = None
) -> Iterator[bytes]:
  """The records of a file, in order, their checksums compared.

  Args:
    path: of the file.
    first: number of the first record; those before it are passed over.
    last: number of the record after the last one; None for all.

  Raises:
    UserError: if the file is cut off or damaged.
  """
  framed = itertools.islice(_framed(path, first), last and last - first)
  done = first
  while batch := list(itertools.islice(framed, _AT_ONCE)):
    records = [record for record, _ in batch]
    expected = np.array([checksum for _, checksum in batch], np.uint32)
    wrong = np.flatnonzero(masked_checksums(records) != expected)
    if wrong.size:
      raise errors.UserError(
        f'{path} is damaged in record {done + wrong[0]:,}, whose checksum is '
        'another one: copy or download it again'
      )
    yield from records
    done += len(batch)


def masked_checksums(records: Sequence[bytes]) -> np.ndarray:
  """Masked CRC-32C of each record, (records,) uint32.

  >>> hex(masked_checksums([bytes(32)])[0])  # CRC-32C 8a9136aa: RFC 3720, B.4.
  '0xfd7fffa'
  """
  lengths = np.array([len(record) for record in records])
  # A row a byte, the longest record first: all are a byte further at once.
  order = np.argsort(-lengths, kind='stable')
  bytes_ = np.zeros((lengths.max(), len(records)), np.uint8)
  for column, index in enumerate(order):
    content = np.frombuffer(records[index], np.uint8)
    bytes_[: len(content), column] = content
  left = np.searchsorted(
    -lengths[order], -np.arange(len(bytes_)), side='left'
  ).tolist()
  crc = np.full(len(records), 0xFFFFFFFF, np.uint32)
  for row, count in zip(bytes_, left):
    part = crc[:count]
    crc[:count] = _TABLE[(part ^ row[:count]) & 0xFF] ^ (part >> 8)
  crc = ~crc
  masked = np.empty_like(crc)
  masked[order] = (crc >> 15 | crc << 17) + np.uint32(0xA282EAD8)
  return masked


def _framed(path: pathlib.Path, first: int) -> Iterator[tuple[bytes, int]]:
  """Content and checksum of each record from the first one on."""
  size = path.stat().st_size
  with path.open('rb') as file:
    for count in itertools.count():
      header = file.read(12)
      if not header:
        return
      # A wrong length shows in what is taken for content and checksum.
      length = struct.unpack('<Q', header[:8])[0] if header[11:] else size
      if file.tell() + length + 4 > size:
        raise errors.UserError(
          f'{path}, {size:,} bytes, is cut off or damaged in record {count:,}: '
          'copy or download it again'
        )
      if count < first:
        file.seek(length + 4, os.SEEK_CUR)
        continue
      content = file.read(length)
      yield content, struct.unpack('<I', file.read(4))[0]


def _table() -> np.ndarray:
  """CRC-32C of each byte, (256,)."""
  table = np.arange(256, dtype=np.uint32)
  for _ in range(8):
    table = np.where(table & 1, table >> 1 ^ np.uint32(_POLYNOMIAL), table >> 1)
  return table


_TABLE = _table()
