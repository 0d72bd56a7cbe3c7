# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Remembers what a command printed, as long as nothing that it read changed.

The key holds name, size, inode and times of every file and folder that the
reader could look at, and of jaxperf's own files. The time of a change of status
cannot be set by a user, so an edit that keeps size and date is noticed too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import time
from collections.abc import Callable, Iterator

from jaxperf import cache
from jaxperf.records import files

_DEPTH = 4  # Of a trial's folder below the root; what is deeper is not read.
_KEPT_BYTES = 2**20
_PACKAGE = pathlib.Path(__file__).parents[1]


def remembered(
  folder: str | os.PathLike,
  arguments: object,
  compute: Callable[[], str],
  *,
  settle_s: float = 2.0,
) -> str:
  """The text that `compute` returns, or returned for the same folder.

  Args:
    folder: everything that `compute` reads, apart from jaxperf itself.
    arguments: everything else that the text depends on; by its `repr`.
    compute: makes the text. What it raises is not remembered.
    settle_s: a folder that changed so recently may change again within one
      tick of the file system's clock, so its text is not kept.
  """
  entries = [*_entries(pathlib.Path(folder), _DEPTH), *_entries(_PACKAGE, 2)]
  key = hashlib.sha256(repr((arguments, entries)).encode()).hexdigest()
  path = cache.folder('score') / key
  with contextlib.suppress(OSError):
    return path.read_text('utf-8', 'surrogatepass')
  text = compute()
  newest = max((change for *_, change in entries), default=0)
  if time.time() - newest / 1e9 > settle_s:
    with contextlib.suppress(OSError):  # A read-only home is no error.
      _keep(path, text)
  return text


def _entries(folder: pathlib.Path, depth: int) -> Iterator[tuple]:
  """What identifies each file and folder; the time of its change comes last."""
  with contextlib.suppress(OSError), os.scandir(folder) as found:
    for entry in sorted(found, key=lambda entry: entry.name):
      if entry.name == '__pycache__':
        continue
      try:
        status = entry.stat()
      except OSError:  # A link to nothing.
        yield entry.path, 0
        continue
      yield (
        entry.path,
        status.st_size,
        status.st_ino,
        status.st_mtime_ns,
        status.st_ctime_ns,
      )
      if depth and entry.is_dir():
        yield from _entries(entry.path, depth - 1)


def _keep(path: pathlib.Path, text: str) -> None:
  """Writes an entry at once or not at all; drops the oldest ones."""
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = files.temporary(path)
  temporary.write_text(text, 'utf-8', 'surrogatepass')
  temporary.replace(path)
  cache.trim(path.parent, _KEPT_BYTES)
