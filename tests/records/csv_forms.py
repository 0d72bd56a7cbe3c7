# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Writes one table in any of the forms that other programs write."""

import gzip
from typing import NamedTuple

from hypothesis import strategies as st

NAMES = (
  'global_step',
  'accumulated_submission_time',
  'accumulated_eval_time',
  'validation/loss',
  'test/loss',
)


class Form(NamedTuple):
  """How a table is written; as it stands, the way trials write it."""

  separator: str = ','
  decimal: str = '.'
  quoted: str = 'nothing'  # Or the `header`, or `everything`.
  line_end: str = '\n'
  order: str = 'steps'  # Or `newest first`, or `shuffled`.
  upper: bool = False
  encoding: str = 'utf-8'
  compressed: bool = False
  last_line_ended: bool = True


FORMS = st.builds(
  Form,
  separator=st.sampled_from(',;\t|'),
  decimal=st.sampled_from('.,'),
  quoted=st.sampled_from(['nothing', 'header', 'everything']),
  line_end=st.sampled_from(['\n', '\r\n', '\r']),
  order=st.sampled_from(['steps', 'newest first', 'shuffled']),
  upper=st.booleans(),
  encoding=st.sampled_from(
    ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be', 'utf-32']
  ),
  compressed=st.booleans(),
  last_line_ended=st.booleans(),
).filter(
  # Nobody could tell a decimal comma from one that separates.
  lambda f: f.separator != ',' or f.decimal == '.' or f.quoted == 'everything'
)
# Steps and times grow; the first step is evaluated, too.
ROWS = st.lists(
  st.tuples(
    st.integers(1, 500),
    st.floats(0.5, 99, allow_subnormal=False),
    st.floats(0, 9),
    st.floats(1e-9, 99),
  ),
  min_size=2,
  max_size=8,
).map(
  lambda deltas: [
    (
      sum(d[0] for d in deltas[: i + 1]),
      sum(d[1] for d in deltas[: i + 1]),
      sum(d[2] for d in deltas[: i + 1]),
      loss,
      loss / 2,
    )
    for i, (*_, loss) in enumerate(deltas)
  ]
)


def lines(rows, form, random):
  """The header and the rows as text, without line ends."""
  quotes = {'nothing': (), 'header': ('header',), 'everything': ('header', '')}

  def line(cells, kind):
    mark = '"' if kind in quotes[form.quoted] else ''
    return form.separator.join(f'{mark}{cell}{mark}' for cell in cells)

  names = [name.upper() if form.upper else name for name in NAMES]
  body = [
    line([repr(value).replace('.', form.decimal) for value in row], '')
    for row in rows
  ]
  if form.order == 'newest first':
    body.reverse()
  elif form.order == 'shuffled':
    random.shuffle(body)
  return [line(names, 'header'), *body]


def encoded(written, form):
  """The bytes of lines."""
  text = form.line_end.join(written)
  text += form.line_end if form.last_line_ended else ''
  return packed(text.encode(form.encoding), form)


def packed(content, form):
  """The bytes, compressed if the form says so."""
  return gzip.compress(content, mtime=0) if form.compressed else content
