# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps what a trial prints from filling the disk."""

from __future__ import annotations

import os
import stat
import threading
import time

_MOST_BYTES = 64 * 2**20
_PERIOD_S = 1.0
_KEPT_BYTES = 2**20  # Of the beginning, and of the end.


def watch(descriptor: int) -> None:
  """Trims a file every second, from a thread that ends with the process."""

  def work():
    while True:
      trim(descriptor)
      time.sleep(_PERIOD_S)

  threading.Thread(target=work, daemon=True).start()


def trim(descriptor: int, most_bytes: int = _MOST_BYTES) -> None:
  """Cuts the middle out of a file that has grown too long.

  Args:
    descriptor: of an open file; anything else stays as it is.
    most_bytes: that it may have.
  """
  status = os.fstat(descriptor)
  if not stat.S_ISREG(status.st_mode) or status.st_size <= most_bytes:
    return
  kept = min(_KEPT_BYTES, most_bytes // 2)
  with open(f'/dev/fd/{descriptor}', 'rb') as file:
    file.seek(-kept, os.SEEK_END)
    end = file.read()
  os.ftruncate(descriptor, kept)
  cut = status.st_size - 2 * kept
  os.write(descriptor, f'\n... {cut} bytes left out ...\n'.encode() + end)
