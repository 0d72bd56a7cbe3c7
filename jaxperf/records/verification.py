# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What `jaxperf verify` found out about a trial, and whether it still holds.

`verification.json` in a trial's folder names the digest of the records that
were looked at, so that it says nothing of records that changed since.
"""

from __future__ import annotations

import datetime
import hashlib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from jaxperf.records import files, layout

FILE = 'verification.json'
_RECORDS = (layout.EVALUATIONS, 'result.json')


class Found(NamedTuple):
  """What was found.

  Attributes:
    problems: what does not hold, a sentence each; none if it passed.
    checked: what was looked at, a few words each.
    current: whether the records are those that were looked at.
  """

  problems: Sequence[str]
  checked: Sequence[str]
  current: bool = True

  @property
  def passed(self) -> bool:
    """Whether nothing was found to be wrong."""
    return not self.problems


def read(folder: pathlib.Path) -> Found | None:
  """What was found about the trial in a folder; None if nothing is recorded."""
  try:
    content = files.read_json(folder / FILE)
    if content is None:
      return None
    current = content['digest'] == digest(folder)
    return Found(content['problems'], content['checked'], current)
  except (OSError, ValueError, KeyError, TypeError):
    return Found(['the file is damaged'], [], current=False)


def write(folder: pathlib.Path, found: Found) -> None:
  """Records what was found."""
  now = datetime.datetime.now(datetime.UTC).isoformat(' ', 'seconds')
  content = {
    'problems': list(found.problems),
    'checked': list(found.checked),
    'digest': digest(folder),
    'time': now,
  }
  files.write_json(folder / FILE, content)


def digest(folder: pathlib.Path) -> str:
  """SHA-256 of the records that a score is made of."""
  sha256 = hashlib.sha256()
  for name in _RECORDS:
    path = folder / name
    content = path.read_bytes() if path.is_file() else b''
    sha256.update(f'{name} {len(content)}\n'.encode())
    sha256.update(content)
  return sha256.hexdigest()
