# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are written at once or not at all, also on shared disks."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import secrets
import socket
import time
from typing import Any

_TEMPORARY = '.tmp'
_RETRY_S = 0.02
_LEFT_BEHIND_S = 600.0  # Nobody takes so long to write a small file.


def temporary(path: pathlib.Path) -> pathlib.Path:
  """A name beside a file that no other process has, on this host or another."""
  who = f'{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}'
  return path.with_name(f'.{path.name}.{who}{_TEMPORARY}')


def write_text(path: pathlib.Path, text: str) -> None:
  """Writes a file, in UTF-8, at once or not at all.

  Raises:
    OSError: with the name of the file, also where the disk is full.
  """
  made = temporary(path)
  try:
    made.write_text(text, 'utf-8', newline='')
    made.replace(path)
  except OSError as error:
    with contextlib.suppress(OSError):
      made.unlink(missing_ok=True)
    raise OSError(error.errno, error.strerror, str(path)) from error


def write_json(path: pathlib.Path, content: Any) -> None:
  """Writes a JSON file at once or not at all.

  Raises:
    OSError: with the name of the file, also where the disk is full.
  """
  write_text(path, json.dumps(content, indent=2, sort_keys=True) + '\n')


def read_json(path: pathlib.Path) -> Any | None:
  """The content of a JSON file; None if there is no such file.

  Looked at twice before it is said to be damaged: a file server may show a file
  that was just replaced in pieces.
  """
  try:
    return json.loads(path.read_bytes())
  except FileNotFoundError:
    return None
  except (OSError, ValueError):
    time.sleep(_RETRY_S)
  try:
    return json.loads(path.read_bytes())
  except FileNotFoundError:
    return None


def now(folder: pathlib.Path) -> float:
  """The time by the clock that stamps the files of a folder.

  That of this host where nothing can be written there.
  """
  made = temporary(folder / 'now')
  try:
    made.touch()
    stamp = made.stat().st_mtime
    made.unlink()
    return stamp
  except OSError:
    return time.time()


def tidy(folder: pathlib.Path) -> None:
  """Removes what writers that were killed have left behind in a folder."""
  before = now(folder) - _LEFT_BEHIND_S
  for path in folder.glob(f'.*{_TEMPORARY}'):
    with contextlib.suppress(FileNotFoundError):
      if path.stat().st_mtime < before:
        path.unlink()
