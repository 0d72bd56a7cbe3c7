# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How far a long piece of work is: a line on stderr now and then."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO


class Progress:
  """Counts records and says how fast they go and what time is left."""

  def __init__(self, total: int, records: str, stream: TextIO | None = None):
    """Starts the clock.

    Args:
      total: records in all; 0 if unknown.
      records: what is counted.
      stream: stderr if None. On a terminal one line is kept current, a line
        every half minute is written elsewhere.
    """
    self._total, self._records = total, records
    self._stream = stream or sys.stderr
    self._live = self._stream.isatty()
    self._period_s = 0.5 if self._live else 30.0
    self._began = self._shown = time.monotonic()
    self._done, self._kept = 0, 0
    self._units: list[str] = []

  def start(self, unit: str) -> None:
    """Takes in that a unit is worked on."""
    self._units.append(unit)

  def end(self, unit: str) -> None:
    """Takes in that a unit is done."""
    self._units.remove(unit)

  def add(self, count: int, kept: bool = False) -> None:
    """Takes in that records are done; `kept`: by an earlier start."""
    if kept:
      self._kept += count
    else:
      self._done += count
    now = time.monotonic()
    if now - self._shown >= self._period_s:
      self._shown = now
      self._show(self.text(now - self._began))

  def close(self) -> None:
    """Ends the line."""
    if self._live:
      self._show('')

  def text(self, seconds: float) -> str:
    """The line after so many seconds.

    >>> progress = Progress(4_000, 'lines')
    >>> progress.start('day_3')
    >>> progress.add(1_000)
    >>> progress.text(10.0)
    '1,000 of 4,000 lines (25.0 %), 100 lines/s, 30 s left; at day_3'
    """
    done, rate = self._done + self._kept, self._done / max(seconds, 1e-9)
    line = f'{done:,} {self._records}'
    if self._total:
      share = 100 * done / self._total
      line = f'{done:,} of {self._total:,} {self._records} ({share:.1f} %)'
    line += f', {rate:,.0f} {self._records}/s'
    if self._total and rate:
      left = duration(max(self._total - done, 0) / rate)
      line += f', {left} left'
    return line + f'; at {", ".join(self._units)}' * bool(self._units)

  def _show(self, line: str) -> None:
    if self._live:
      width = shutil.get_terminal_size().columns - 1
      line = f'\r{line[:width]:<{width}}' + '\r' * (not line)
    else:
      line += '\n'
    self._stream.write(line)
    self._stream.flush()


def duration(seconds: float) -> str:
  """A time for people.

  >>> duration(42), duration(600), duration(9000)
  ('42 s', '10 min', '2 h 30 min')
  """
  if seconds < 120:
    return f'{seconds:.0f} s'
  minutes = round(seconds / 60)
  if minutes < 120:
    return f'{minutes} min'
  return f'{minutes // 60} h {minutes % 60} min'
