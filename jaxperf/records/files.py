# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are written at once or not at all, and locks."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
from typing import Any

from jaxperf import errors


def write_json(path: pathlib.Path, content: Any) -> None:
  """Writes a JSON file at once or not at all."""
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + '\n')
  temporary.replace(path)


def read_json(path: pathlib.Path) -> Any | None:
  """The content of a JSON file; None if there is no such file."""
  try:
    return json.loads(path.read_text())
  except FileNotFoundError:
    return None


class Lock:
  """Keeps two processes off one trial; the system frees it with its owner."""

  def __init__(self, folder: pathlib.Path):
    """Takes the lock.

    Raises:
      UserError: if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    self._file = (folder / 'lock').open('a+')
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      self._file.seek(0)
      raise errors.UserError(
        f'{folder} is being run by process {self._file.read().strip()}: wait '
        'for it or stop it'
      ) from None
    self._file.truncate(0)
    self._file.write(f'{os.getpid()}\n')
    self._file.flush()

  def release(self) -> None:
    """Frees the lock."""
    self._file.close()


def locked(folder: pathlib.Path) -> bool:
  """Whether a process runs the trial of this folder."""
  try:
    file = (folder / 'lock').open()
  except FileNotFoundError:
    return False
  with file:
    try:
      fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
      return True
  return False
