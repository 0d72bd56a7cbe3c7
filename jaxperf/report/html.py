# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Tables, figures and sections as HTML text."""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes

from jaxperf import text as text_lib
from jaxperf.report import style

_COLOURS = {colour: f'var(--s{i})' for i, colour in enumerate(style.COLOURS)}
_COLOURS |= {
  style.INK: 'currentColor',
  style.GRID: 'var(--grid)',
  style.VOID: 'var(--void)',
}


def escape(text: object) -> str:
  """Text that is safe inside HTML.

  >>> escape('a<b')
  'a&lt;b'
  """
  return html.escape(str(text))


def table(
  header: Sequence[str],
  rows: Sequence[Sequence[str]],
  *,
  text_columns: Sequence[int] = (0,),
) -> str:
  """A table that scrolls sideways on a narrow screen.

  Args:
    header: plain text.
    rows: HTML cells; the first of each row is its heading.
    text_columns: that are aligned to the left.
  """

  def cell(tag: str, index: int, content: str, scope: str = '') -> str:
    kind = ' class="text"' if index in text_columns else ''
    return f'<{tag}{kind}{scope}>{content}</{tag}>'

  head = ''.join(
    cell('th', i, escape(name), ' scope="col"') for i, name in enumerate(header)
  )
  body = ''
  for first, *others in rows:
    body += '<tr>' + cell('th', 0, first, ' scope="row"')
    body += ''.join(cell('td', i, text) for i, text in enumerate(others, 1))
    body += '</tr>\n'
  return (
    '<div class="scroll" tabindex="0"><table>\n<thead><tr>'
    f'{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>'
  )


def time(value: float, unit: str) -> str:
  """A time, or that there is none, in words.

  >>> time(1234.5, 'seconds'), time(float('inf'), 'steps')
  ('1,234', 'not reached')
  """
  return 'not reached' if math.isinf(value) else text_lib.amount(value, unit)


def scores(corner: str, frame: pd.DataFrame) -> str:
  """A table of scores: the index is the first column, three digits each."""
  rows = [
    [escape(name), *(f'{value:.3f}' for value in row)]
    for name, row in frame.iterrows()
  ]
  return table([corner, *frame.columns], rows)


def figure(ax: Axes, description: str, caption: str = '') -> str:
  """A figure as inline SVG that takes its colours from the page.

  Args:
    ax: from a function of `figures` or `curves`.
    description: what a reader who cannot see it should know.
    caption: how to read it; HTML.
  """
  file = io.StringIO()
  with mpl.style.context(style.STYLE), warnings.catch_warnings():
    # Text stays text: the browser has fonts for other scripts.
    warnings.filterwarnings('ignore', 'Glyph .* missing from font')
    ax.figure.savefig(
      file, format='svg', transparent=True, metadata={'Date': None}
    )
  svg = file.getvalue()
  svg = svg[svg.index('<svg') :]
  svg = re.sub(r'<metadata>.*?</metadata>', '', svg, flags=re.DOTALL)
  svg = re.sub(r'<g id="[^"]*"', '<g', svg)  # Ids must be unique on the page.
  svg = re.sub(r'(<svg [^>]*?) height="[^"]*"', r'\1', svg, count=1)
  svg = re.sub(
    r'<svg ([^>]*?)width="([\d.]+)pt"',
    lambda found: (
      f'<svg role="img" aria-label="{escape(description)}" '
      f'style="{_widths(float(found[2]))}" {found[1]}'
    ),
    svg,
    count=1,
  )
  for colour, variable in _COLOURS.items():
    svg = svg.replace(colour, variable)
  legend = f'<figcaption>{caption}</figcaption>' if caption else ''
  return (
    f'<figure><div class="scroll" tabindex="0">{svg}</div>{legend}</figure>'
  )


def _widths(points: float) -> str:
  """A figure never grows, and shrinks only as far as it stays legible."""
  rem = points / 12
  return f'max-width:{rem:.1f}rem;min-width:{0.75 * rem:.1f}rem'


def section(title: str, anchor: str, *parts: str) -> str:
  """A section with a heading that can be linked to."""
  body = '\n'.join(part for part in parts if part)
  return (
    f'<section aria-labelledby="{anchor}">\n'
    f'<h2 id="{anchor}">{escape(title)}</h2>\n{body}\n</section>'
  )


def details(title: str, body: str) -> str:
  """Something to open on demand."""
  return f'<details><summary>{escape(title)}</summary>\n{body}\n</details>'


def items(texts: Sequence[str], kind: str = '') -> str:
  """A list; empty text for an empty list."""
  if not texts:
    return ''
  rows = ''.join(f'<li>{escape(text)}</li>' for text in texts)
  return f'<ul class="{kind}">{rows}</ul>' if kind else f'<ul>{rows}</ul>'
