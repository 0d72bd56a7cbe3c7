# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are written at once or not at all, and locks."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import socket
from typing import Any

from jaxperf import errors


def write_json(path: pathlib.Path, content: Any) -> None:
  """Writes a JSON file at once or not at all.

  Raises:
    OSError: with the name of the file, also where the disk is full.
  """
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  text = json.dumps(content, indent=2, sort_keys=True) + '\n'
  try:
    temporary.write_text(text)
    temporary.replace(path)
  except OSError as error:
    with contextlib.suppress(OSError):
      temporary.unlink(missing_ok=True)
    raise OSError(error.errno, error.strerror, str(path)) from error


def read_json(path: pathlib.Path) -> Any | None:
  """The content of a JSON file; None if there is no such file."""
  try:
    return json.loads(path.read_bytes())
  except FileNotFoundError:
    return None


class TakenError(errors.UserError):
  """Another process has what this one wants."""


class Lock:
  """Keeps two processes off one trial; the system frees it with its owner."""

  def __init__(self, folder: pathlib.Path):
    """Takes the lock.

    Raises:
      TakenError: if another process holds it; says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    self._file = (folder / 'lock').open('a+', encoding='utf-8')
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      self._file.seek(0)
      raise TakenError(
        f'{folder} is being run by {_owner(self._file.read())}: wait for it or '
        'stop it'
      ) from None
    self._file.truncate(0)
    now = datetime.datetime.now().astimezone().isoformat(' ', 'seconds')
    self._file.write(
      f'process {os.getpid()} on {socket.gethostname()} since {now}\n'
    )
    self._file.flush()

  def release(self) -> None:
    """Frees the lock."""
    self._file.close()


def owner(folder: pathlib.Path) -> str | None:
  """Which process runs the trial of this folder, for people; None if none."""
  try:
    file = (folder / 'lock').open(encoding='utf-8')
  except FileNotFoundError:
    return None
  with file:
    try:
      fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
      return _owner(file.read())
  return None


def _owner(text: str) -> str:
  """What a lock says of its owner; earlier versions wrote a number alone."""
  words = text.strip()
  if not words:
    return 'a process that starts just now'
  return f'process {words}' if words.isdecimal() else words
