# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How often a trial was started without getting any further."""

from __future__ import annotations

import pathlib
from typing import NamedTuple

from jaxperf.records import files

FILE = 'starts.json'


class Starts(NamedTuple):
  """What was seen when the last one began.

  Attributes:
    step: the furthest that the trial had come.
    fruitless: starts before this one, in a row, that came no further.
  """

  step: int = -1
  fruitless: int = 0

  def next(self, step: int) -> Starts:
    """With one more start.

    >>> Starts(100, 2).next(100), Starts(100, 2).next(140)
    (Starts(step=100, fruitless=3), Starts(step=140, fruitless=0))

    Args:
      step: the furthest that the trial has come now.
    """
    if step > self.step:
      return Starts(step, 0)
    return Starts(self.step, self.fruitless + 1)


def step(trial: pathlib.Path) -> int:
  """How far a trial has come, by its own account; 0 if it never began."""
  try:
    progress = files.read_json(trial / 'progress.json') or {}
  except ValueError:
    return 0
  return progress.get('step', 0)


def note(trial: pathlib.Path) -> Starts:
  """Notes that a trial is started; returns what there was before it."""
  path = trial / FILE
  try:
    before = Starts(**(files.read_json(path) or {}))
  except (ValueError, TypeError):  # Damaged: counted from here.
    before = Starts()
  now = before.next(step(trial))
  files.write_json(path, now._asdict())
  return now


def forget(trial: pathlib.Path) -> None:
  """Counts from here, as when somebody starts it who may have mended it."""
  (trial / FILE).unlink(missing_ok=True)
