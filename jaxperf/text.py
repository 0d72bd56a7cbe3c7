# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Plain text: aligned tables, lines that fit, how numbers look in them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Sequence

WIDTH = 100
GIB = 2**30  # Bytes.
_LEAST = 12  # Columns of prose are at least so wide.
DISCLAIMER = (
  'Unofficial: computed by jaxperf, not reviewed by MLCommons. '
  'AlgoPerf is a trademark of MLCommons.'
)


def layout(
  header: Sequence[str],
  rows: Sequence[Sequence[str]],
  prose: Collection[str] = (),
) -> str:
  """A table of text: first column to the left, the others to the right.

  A header is broken at `_` and spaces where that keeps its column narrow. A
  table that is still wider than 100 columns goes on below itself.

  Args:
    header: one name a column.
    rows: cells as text.
    prose: names of columns of words: to the left, and broken where the table
      would be too wide.

  >>> print(layout(['name', 'steps'], [['lion', '1,000'], ['nadamw', '900']]))
  name    steps
  ------  -----
  lion    1,000
  nadamw    900
  """
  if prose:
    rows = _broken_cells(header, rows, prose)
  cells = [_width([row[i] for row in rows]) for i in range(len(header))]
  widths, titles = [], []
  for index, name in enumerate(header):
    titles.append(_broken(name, max(cells[index], 9)))
    widths.append(max(cells[index], *map(len, titles[-1])))
  lefts = {0} | {i for i, name in enumerate(header) if name in prose}
  blocks, start = [], 1
  while start < len(header) or not blocks:
    stop = start + 1
    while stop < len(header) and (
      sum(widths[start : stop + 1]) + 2 * (stop + 1 - start) + widths[0]
      <= WIDTH
    ):
      stop += 1
    columns = [0, *range(start, min(stop, len(header)))]
    head = ['\n'.join(_bottom(titles, columns, i)) for i in columns]
    rule = ['-' * widths[i] for i in columns]
    body = [[row[i] for i in columns] for row in rows]
    right = {k for k, i in enumerate(columns) if i not in lefts}
    blocks.append('\n'.join(aligned([head, rule, *body], right)))
    start = stop
  return '\n\n'.join(blocks)


def aligned(
  rows: Sequence[Sequence[str]], right: Collection[int] = ()
) -> list[str]:
  """Rows as lines, two blanks between the columns.

  Args:
    rows: cells, of one or more lines of text.
    right: columns to align to the right.

  >>> aligned([['a', '1'], ['bcd', '20']], right={1})
  ['a     1', 'bcd  20']
  """
  widths = [_width(column) for column in zip(*rows)]
  lines = []
  for row in rows:
    cells = [cell.split('\n') for cell in row]
    for number in range(max(map(len, cells))):
      parts = []
      for i, cell in enumerate(cells):
        part = cell[number] if number < len(cell) else ''
        parts.append(
          part.rjust(widths[i]) if i in right else part.ljust(widths[i])
        )
      lines.append('  '.join(parts).rstrip())
  return lines


def amount(value: float, unit: str) -> str:
  """A time for people; `-` if not run, `inf` if the target was not reached.

  >>> amount(1234.5, 'seconds'), amount(12.34, 'seconds'), amount(7, 'steps')
  ('1,234', '12.3', '7')
  """
  if math.isnan(value):
    return '-'
  if math.isinf(value):
    return 'inf'
  if unit == 'steps' or value >= 100:
    return f'{value:,.0f}'
  return f'{value:.1f}'


def few(names: Sequence[str]) -> str:
  """The first three names, and how many more there are.

  >>> few(['a', 'b', 'c', 'd'])
  'a, b, c and 1 more'
  """
  more = f' and {len(names) - 3} more' if len(names) > 3 else ''
  return ', '.join(names[:3]) + more


def plural(count: int, thing: str) -> str:
  """A count and its noun.

  >>> plural(1, 'trial'), plural(3, 'study')
  ('1 trial', '3 studies')
  """
  things = {'study': 'studies'}.get(thing, f'{thing}s')
  return f'{count} {thing if count == 1 else things}'


def metric(value: float) -> str:
  """A metric with four significant digits; `-` if there is none.

  >>> metric(0.0858841), metric(float('nan'))
  ('0.08588', '-')
  """
  return '-' if math.isnan(value) else f'{value:.4g}'


def wrapped(line: str) -> str:
  """A line of text broken at 100 columns."""
  return textwrap.fill(
    line, WIDTH, subsequent_indent='  ', break_on_hyphens=False
  )


def _width(column: Sequence[str]) -> int:
  """The longest line in a column."""
  lines = [line for cell in column for line in cell.split('\n')]
  return max(map(len, lines), default=0)


def _bottom(
  titles: Sequence[Sequence[str]], columns: Sequence[int], index: int
) -> list[str]:
  """A column's title, with as many lines as the highest one has."""
  height = max(len(titles[i]) for i in columns)
  return [''] * (height - len(titles[index])) + list(titles[index])


def _broken_cells(
  header: Sequence[str],
  rows: Sequence[Sequence[str]],
  prose: Collection[str],
) -> list[list[str]]:
  """The rows, cells of prose broken to the width that the others leave."""
  widths = []
  for name, cells in zip(header, zip(*rows)):
    width = _width(cells)
    widths.append(max(width, *map(len, _broken(name, max(width, 9)))))
  wide = [i for i, name in enumerate(header) if name in prose]
  room = WIDTH - 2 * (len(header) - 1)
  room -= sum(width for i, width in enumerate(widths) if i not in wide)
  for left, i in zip(
    range(len(wide), 0, -1), sorted(wide, key=lambda i: widths[i])
  ):
    widths[i] = min(widths[i], max(room // left, _LEAST))
    room -= widths[i]
  return [
    [
      textwrap.fill(cell, widths[i], break_on_hyphens=False)
      if i in wide
      else cell
      for i, cell in enumerate(row)
    ]
    for row in rows
  ]


def _broken(name: str, width: int) -> list[str]:
  """A name on as many lines as it takes to stay within a width, if it can."""
  lines = ['']
  for part in name.replace('_', '_\0').replace(' ', ' \0').split('\0'):
    if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
      lines.append('')
    lines[-1] += part
  return [line.rstrip() for line in lines]
