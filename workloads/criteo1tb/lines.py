# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The raw click logs: which files make a day, and reading their lines."""

import gzip
import pathlib
import re
import zlib
from collections.abc import Iterable, Sequence
from typing import IO

import numpy as np

from jaxperf import errors

_NAME = re.compile(r'day_(\d+)(_\d\d|\.gz|\.csv|\.tsv)?')
_CHUNK = 2**22  # Bytes of text.
_LONGEST = 2**16  # Bytes of a line; real ones have some 250.


def find(
  raw: pathlib.Path, days: Iterable[int]
) -> dict[int, list[pathlib.Path]]:
  """The files of each day, one or its parts in order.

  Args:
    raw: folder with `day_N.gz`, or `day_N`, `.csv` or `.tsv`, or the parts
      `day_N_00`, `day_N_01`, ... of each day.
    days: wanted.

  Raises:
    UserError: if a day or a part is missing, or a day is there in two forms.
  """
  forms: dict[int, dict[str, list[pathlib.Path]]] = {day: {} for day in days}
  for path in sorted(raw.iterdir()):
    match = _NAME.fullmatch(path.name)
    if match and int(match[1]) in forms:
      kind = match[2] or ''
      kind = '_NN' if kind.startswith('_') else kind
      forms[int(match[1])].setdefault(kind, []).append(path)
  missing = [f'day_{day}' for day, found in forms.items() if not found]
  if missing:
    raise errors.UserError(
      f'{raw} lacks {", ".join(missing)} (as day_N.gz, day_N, day_N.csv, '
      'day_N.tsv or parts day_N_00, ...), and training would silently have '
      'fewer rows: download what is missing'
    )
  return {day: _only(day, found) for day, found in forms.items()}


def _only(day: int, forms) -> list[pathlib.Path]:
  """The files of the one form in which a day is there."""
  if len(forms) > 1:
    names = ' and '.join(paths[0].name for paths in forms.values())
    raise errors.UserError(
      f'day {day} is there in two forms, {names}: keep one of them'
    )
  ((kind, paths),) = forms.items()
  if kind == '_NN':
    numbers = {int(path.name[-2:]) for path in paths}
    gaps = sorted(set(range(max(numbers))) - numbers)
    if gaps:
      raise errors.UserError(
        f'{", ".join(f"day_{day}_{n:02d}" for n in gaps)} of day {day} is '
        f'missing in {paths[0].parent}, and training would silently have '
        'fewer rows: split this day again'
      )
  return paths


class Lines:
  """Whole lines of some files, one after the other.

  Attributes:
    path: the file of the lines taken last.
    taken: lines taken of it.
  """

  def __init__(self, paths: Sequence[pathlib.Path], lines_per_file: int):
    """Opens the first file.

    Args:
      paths: of text, compressed if the name ends in `.gz`.
      lines_per_file: in each file but the last.
    """
    self._paths, self._lines_per_file = list(paths), lines_per_file
    self._file: IO[bytes] | None = None
    self._open()

  def __enter__(self) -> 'Lines':
    return self

  def __exit__(self, *_) -> None:
    self._file.close()

  def take(self, limit: int) -> bytes:
    """Up to so many lines of one file; none at the end of the last.

    Raises:
      UserError: for a file that is cut off, damaged or of another length.
    """
    while self._next == len(self._ends):
      if not self._fill():
        if not self._paths:
          return b''
        self._open()
    begin = self._ends[self._next - 1] if self._next else 0
    count = min(limit, len(self._ends) - self._next)
    self._next += count
    self.taken += count
    return self._text[begin : self._ends[self._next - 1]]

  def skip(self, count: int) -> None:
    """Passes over so many lines."""
    while count and (block := self.take(count)):
      count -= block.count(b'\n')

  def _open(self) -> None:
    """Goes to the next file."""
    if self._file is not None:
      self._file.close()
    self.path, self.taken = self._paths.pop(0), 0
    is_compressed = self.path.suffix == '.gz'
    self._file = (gzip.open if is_compressed else open)(self.path, 'rb')
    self._text, self._ends, self._next = b'', np.empty(0, np.int64), 0

  def _fill(self) -> bool:
    """Reads on; False at the end of the file."""
    rest = self._text[self._ends[-1] :] if len(self._ends) else self._text
    chunk = self._read()
    self._text, self._next = rest + chunk, 0
    codes = np.frombuffer(self._text, np.uint8)
    self._ends = np.flatnonzero(codes == ord('\n')) + 1
    if chunk and (len(self._ends) or len(self._text) < _LONGEST):
      return True
    if self._text:
      self._refuse_end()
    if self._paths and self.taken != self._lines_per_file:
      raise errors.UserError(
        f'{self.path} has {self.taken:,} lines, expected '
        f'{self._lines_per_file:,}: the split of the last day into test and '
        'validation would move, so split the days again'
      )
    return False

  def _read(self) -> bytes:
    try:
      return self._file.read(_CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
      raise errors.UserError(
        f'{self.path}, {self.path.stat().st_size:,} bytes, is cut off or '
        f'damaged after {self.taken:,} good lines '
        f'({errors.first_line(error)}): download it again'
      ) from None

  def _refuse_end(self) -> None:
    """Refuses text that does not end with its line."""
    fields = self._text.count(b'\t') + 1
    raise errors.UserError(
      f'{self.path} line {self.taken + 1:,} has {fields} fields and no end, '
      'so the file is cut off: make it again'
    )
