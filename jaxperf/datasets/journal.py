# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What is done of a preparation, kept on disk so that it can go on."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from jaxperf import prepared


class Journal:
  """What is done of one unit of the preparation, kept on disk for good.

  A line a finished file, and one for the whole; a half-written last line is
  dropped, and so is all from a file on that is missing now. While it is open,
  other processes wait for it.

  Attributes:
    files: the finished ones whose sizes are right.
    counts: of the whole unit; None until it is done.
  """

  def __init__(self, place: pathlib.Path, unit: str, origin: Mapping[str, Any]):
    """Opens a unit's journal.

    Args:
      place: the data set's folder.
      unit: name of the unit.
      origin: what the unit is made of (names and sizes of raw files,
        parameters): plain values. A journal of another origin is void.
    """
    self._place, self._origin = place, json.loads(json.dumps(origin))
    self.files: list[prepared.File] = []
    self.counts: dict[str, int] | None = None
    (place / prepared.JOURNALS).mkdir(parents=True, exist_ok=True)
    self._file = (place / prepared.JOURNALS / f'{unit}.jsonl').open('a+b')
    fcntl.flock(self._file, fcntl.LOCK_EX)
    self._recover()

  def __enter__(self) -> Journal:
    return self

  def __exit__(self, *_) -> None:
    self._file.close()

  def add(self, file: prepared.File) -> None:
    """Notes a file that is complete."""
    self.files.append(file)
    self._append({'file': file._asdict()})

  def finish(self, **counts: int) -> None:
    """Notes that the unit is done."""
    self.counts = counts
    self._append({'done': counts})

  def discard(self) -> None:
    """Removes what the unit has made, e.g. since its raw data is bad."""
    for file in self.files:
      (self._place / file.name).unlink(missing_ok=True)
    self._restart()

  def _append(self, row: Mapping[str, Any]) -> None:
    self._file.write(json.dumps(row).encode() + b'\n')
    self._file.flush()
    os.fsync(self._file.fileno())

  def _restart(self) -> None:
    self.files, self.counts = [], None
    self._file.truncate(0)
    self._append({'origin': self._origin})

  def _recover(self) -> None:
    """Reads what is there, up to the first line or file that is not whole."""
    self._file.seek(0)
    whole = list(itertools.takewhile(_is_json, self._file))
    rows = [json.loads(line) for line in whole]
    if not rows or rows[0] != {'origin': self._origin}:
      self._restart()
      return
    length = len(whole[0])
    for row, line in zip(rows[1:], whole[1:]):
      if 'file' in row:
        file = prepared.File(**row['file'])
        path = self._place / file.name
        if not path.is_file() or path.stat().st_size != file.bytes:
          break
        self.files.append(file)
      else:
        self.counts = row['done']
      length += len(line)
    self._file.truncate(length)


def _is_json(line: bytes) -> bool:
  """Whether a line is whole, as it is not after a power cut."""
  try:
    json.loads(line)
  except ValueError:
    return False
  return line.endswith(b'\n')
