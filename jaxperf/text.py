# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Plain text: aligned tables, lines that fit, how numbers look in them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

WIDTH = 100
GIB = 2**30
DISCLAIMER = (
  'Unofficial: computed by jaxperf, not reviewed by MLCommons. '
  'AlgoPerf is a trademark of MLCommons.'
)


def layout(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  """A table of text: first column to the left, the others to the right.

  A header is broken at `_` and spaces where that keeps its column narrow. A
  table that is still wider than 100 columns goes on below itself.

  Args:
    header: one name a column.
    rows: cells as text.

  >>> print(layout(['name', 'steps'], [['lion', '1,000'], ['nadamw', '900']]))
  name    steps
  ------  -----
  lion    1,000
  nadamw    900
  """
  cells = [
    max((len(row[i]) for row in rows), default=0) for i in range(len(header))
  ]
  widths, titles = [], []
  for index, name in enumerate(header):
    titles.append(_broken(name, max(cells[index], 9)))
    widths.append(max(cells[index], *map(len, titles[-1])))
  blocks, start = [], 1
  while start < len(header) or not blocks:
    stop = start + 1
    while stop < len(header) and (
      sum(widths[start : stop + 1]) + 2 * (stop + 1 - start) + widths[0]
      <= WIDTH
    ):
      stop += 1
    columns = [0, *range(start, min(stop, len(header)))]
    blocks.append(_block(columns, titles, widths, rows))
    start = stop
  return '\n\n'.join(blocks)


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


def _block(
  columns: Sequence[int],
  titles: Sequence[Sequence[str]],
  widths: Sequence[int],
  rows: Sequence[Sequence[str]],
) -> str:
  """Some columns of a table, the header included."""
  height = max(len(titles[i]) for i in columns)
  head = [
    [
      ([''] * (height - len(titles[i])) + list(titles[i]))[line]
      for i in columns
    ]
    for line in range(height)
  ]
  body = [[row[i] for i in columns] for row in rows]
  lines = []
  for cells in [*head, ['-' * widths[i] for i in columns], *body]:
    first, *others = (
      cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i])
      for cell, i in zip(cells, columns)
    )
    lines.append('  '.join([first, *others]).rstrip())
  return '\n'.join(lines)


def _broken(name: str, width: int) -> list[str]:
  """A name on as many lines as it takes to stay within a width, if it can."""
  lines = ['']
  for part in name.replace('_', '_\0').replace(' ', ' \0').split('\0'):
    if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
      lines.append('')
    lines[-1] += part
  return [line.rstrip() for line in lines]
