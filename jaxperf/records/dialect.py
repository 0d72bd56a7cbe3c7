# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The dialects of CSV: line ends, quotes, separators, decimal commas.

Everything here goes line by line, so that damage costs the damaged line only.
"""

from __future__ import annotations

import collections
import csv
import math
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from jaxperf.records import layout

_SEPARATORS = ',;\t|'
_MISSING = frozenset(['', 'nan', 'na', 'n/a', 'null', 'none'])
_THOUSANDS = re.compile(r'[1-9]\d{0,2}(,\d{3})+')  # 1,000: or a decimal comma?


class Sheet(NamedTuple):
  """A CSV file, cut into cells.

  Attributes:
    header: number of the line that names the columns; from 1.
    names: of the columns; those that are known in lower case, unless two would
      become one.
    lines: (number, cells) of each line below that is not blank; None for
      cells whose quotes do not match.
    ended: whether the last line has an end.
  """

  header: int
  names: list[str]
  lines: list[tuple[int, list[str] | None]]
  ended: bool


def split(content: bytes) -> Sheet:
  """Cuts a file into cells; its first line that says anything is the header.

  Args:
    content: UTF-8; what is none becomes a cell that is no number.

  >>> split(b'"step","loss"\\r1,"0,5"').lines
  [(2, ['1', '0,5'])]
  """
  text = content.decode(errors='replace').replace('\r\n', '\n')
  lines = [
    (number, line.rstrip('\r'))
    for number, line in _numbered_lines(text)
    if line.strip() and not (number == 1 and line.lower().startswith('sep='))
  ]
  (number, header), *below = lines or [(1, '')]
  separator = _separator(header)
  return Sheet(
    header=number,
    names=_names(header, separator),
    lines=[(number, _cells(line, separator)) for number, line in below],
    ended=text.rstrip(' \t').endswith(('\n', '\r')),
  )


def rows(sheet: Sheet) -> tuple[list[tuple[int, list[float] | None]], bool]:
  """The numbers in each line: (line number, numbers); NaN where nothing stands.

  Returns:
    Lines with None where there are not exactly as many numbers as names, and
    whether commas were read as decimal signs.
  """
  count = len(sheet.names)
  full = [cells for _, cells in sheet.lines if cells and len(cells) == count]
  commas = _has_decimal_commas(full)
  step = sheet.names.index('global_step') if commas else 0
  found = []
  for number, cells in sheet.lines:
    values = None
    if cells is not None and len(cells) == count:
      if not commas:
        values = _numbers(cells)
      elif not _THOUSANDS.fullmatch(cells[step].strip()):
        values = _numbers([_with_point(cell) for cell in cells])
    found.append((number, values))
  return found, commas


def cut_name(names: Collection[str]) -> str | None:
  """A name that is a piece of the name of a known column, if there is one.

  Names beside it may stand above the values of their neighbours.

  >>> cut_name(['global_step', 'p', 'reemption_count'])
  "'reemption_count', a piece of preemption_count"
  """
  for name in sorted(set(names).difference(layout.NAMES, ['']), key=len)[::-1]:
    for known in layout.NAMES:
      if name in known:
        return f'{name!r}, a piece of {known}'
  return None


def missing_name(names: Collection[str]) -> str | None:
  """A column that is missing where most of those that come with it are there.

  >>> missing_name(['total_duration', 'accumulated_eval_time', 'score'])
  'accumulated_logging_time'
  """
  gone = [name for name in layout.USUAL if name not in names]
  return min(gone) if gone and len(gone) < len(layout.USUAL) / 2 else None


def is_value(cell: str) -> bool:
  """Whether a cell can be a value, and so no name."""
  return _numbers([cell]) is not None


def _numbered_lines(text: str) -> list[tuple[int, str]]:
  """The lines of a text.

  Lines end in LF. Where CR is more frequent, as on old Macs, it ends lines too;
  otherwise a CR is damage within its line.
  """
  if text.count('\r') <= text.count('\n'):
    return list(enumerate(text.split('\n'), 1))
  counted = '\n' if '\n' in text.strip() else '\r\n'
  number, lines = 1, []
  for line, end in re.findall(r'([^\r\n]*)([\r\n]|$)', text):
    lines.append((number, line))
    number += bool(end) and end in counted
  return lines


def _separator(header: str) -> str:
  """What separates the cells: that which makes the required names appear."""
  for separator in _SEPARATORS:
    names = _names(header, separator)
    if all(name in names for name in layout.REQUIRED):
      return separator
  return ','


def _names(header: str, separator: str) -> list[str]:
  """The names in a header."""
  names = [name.strip() for name in _cells(header, separator) or [header]]
  lower = [name.lower() if layout.is_known(name) else name for name in names]
  return names if len(set(lower)) < len(set(names)) else lower


def _cells(line: str, separator: str) -> list[str] | None:
  """The cells of a line; None if its quotes do not match."""
  if '"' not in line:
    return line.split(separator)
  try:
    (cells,) = csv.reader(
      [line], delimiter=separator, strict=True, skipinitialspace=True
    )
  except (csv.Error, ValueError):  # Or a line end within quotes.
    return None
  return cells


def _has_decimal_commas(lines: Sequence[Sequence[str]]) -> bool:
  """Whether commas within the cells are decimal signs.

  They are if they are more frequent than points, and not all of them could
  group thousands.
  """
  counts: collections.Counter[str] = collections.Counter()
  for cells in lines:
    for cell in cells:
      counts['.'] += '.' in cell
      if ',' in cell:
        counts[','] += 1
        counts['sure'] += not _THOUSANDS.fullmatch(cell.strip())
  return counts[','] > counts['.'] and counts['sure'] > 0


def _with_point(cell: str) -> str:
  """A cell with a decimal comma as one with a point; a point is no number."""
  return '?' if '.' in cell else cell.replace(',', '.')


def _numbers(cells: Sequence[str]) -> list[float] | None:
  """The numbers in cells; None unless all are numbers or missing."""
  if any('_' in c or '\r' in c or not c.isascii() for c in cells):
    return None
  try:
    return [
      math.nan if cell.strip().lower() in _MISSING else float(cell)
      for cell in cells
    ]
  except ValueError:
    return None
