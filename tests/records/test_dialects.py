# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluations in every form of CSV, whole and damaged."""

import csv
import gzip
import re

import hypothesis
import pytest
from hypothesis import strategies as st

from jaxperf.records import parse
from tests.records import csv_forms

HEADER = 'global_step,accumulated_submission_time,validation/loss'
LINES = [HEADER, '1,0.5,0.69', '50,5.25,0.57', '150,15.5,0.5129']
VALUES = [[1, 0.5, 0.69], [50, 5.25, 0.57], [150, 15.5, 0.5129]]
COLUMNS = ['step', 'submission_s', 'validation/loss']


def read(content, **options):
  rows, notes = parse.evaluations({0: ('a', content)}, **options)
  values = rows[COLUMNS].values.tolist() if len(rows) else []
  return values, [str(note) for note in notes]


def text(lines=LINES, end='\n'):
  return ''.join(line + end for line in lines)


def semicolons(line):
  return line.replace(',', ';').replace('.', ',')


def quoted(line):
  return ','.join(f'"{cell}"' for cell in line.split(','))


@pytest.mark.parametrize(
  'content',
  [
    text([quoted(HEADER), *LINES[1:]]).encode(),
    text(map(quoted, LINES)).encode(),
    text([line.replace(',', ', ') for line in LINES]).encode(),
    text([quoted(line).replace(',', ', ') for line in LINES]).encode(),
    text(end='\r').encode(),
    text(end='\r\n').encode(),
    text(end='\r\r\n').encode(),
    (HEADER + '\n' + text(LINES[1:], '\r')).encode(),
    text().encode('utf-8-sig'),
    text().encode('utf-16'),
    text().encode('utf-16-le'),
    text().encode('utf-16-be'),
    text(end='\r\n').encode('utf-32'),
    gzip.compress(text().encode(), mtime=0),
    gzip.compress(text().encode('utf-16'), mtime=0),
    gzip.compress(text(LINES[:2]).encode(), mtime=0)
    + gzip.compress(text(LINES[2:]).encode(), mtime=0),
    text([HEADER.upper(), *LINES[1:]]).encode(),
    text([HEADER.title(), *LINES[1:]]).encode(),
    text([line.replace(',', ';') for line in LINES]).encode(),
    text([line.replace(',', '\t') for line in LINES]).encode(),
    text(['sep=;', *(line.replace(',', ';') for line in LINES)]).encode(),
    text(['', *LINES, '', '']).encode(),
    (text() + '  ').encode(),
    text([line + ',,' for line in LINES]).encode(),
    # As R does: names of rows, and NA.
    text(
      ['"",' + quoted(HEADER + ',x')]
      + [f'"{i}",{line},NA' for i, line in enumerate(LINES[1:])]
    ).encode(),
  ],
)
def test_what_is_unambiguous_is_read_without_a_note(content):
  assert read(content) == (VALUES, [])


@pytest.mark.parametrize('quote', ['', '"'])
def test_decimal_commas_are_read_and_said(quote):
  lines = [f'{quote}{semicolons(line)}{quote}' for line in LINES]
  lines = [line.replace(';', f'{quote};{quote}') for line in lines]
  assert read(text(lines).encode()) == (
    VALUES,
    ['a: decimal commas: read as points'],
  )


def test_decimal_commas_within_quotes_need_no_semicolons():
  lines = [HEADER] + [
    ','.join(f'"{cell.replace(".", ",")}"' for cell in line.split(','))
    for line in LINES[1:]
  ]
  assert read(text(lines).encode())[0] == VALUES


@pytest.mark.parametrize(
  ('line', 'kept'),
  [
    ('1,000;20,5;0,5', 3),  # 1 or 1000?
    ('200;1.020,5;0,5', 3),
    ('200;20.5;0.5', 3),
    ('200;20,5;0,5', 4),
  ],
)
def test_commas_that_may_mean_something_else_are_not_read(line, kept):
  values, notes = read(text([*map(semicolons, LINES), line]).encode())
  assert len(values) == kept
  assert ('a:5: not 3 numbers: line skipped' in notes) == (kept == 3)


def test_commas_that_may_all_group_thousands_are_not_read():
  lines = [HEADER.replace(',', ';'), '1;1,000;2,000', '2;3,000;4,000']
  values, notes = read(text(lines).encode())
  assert values == []
  assert notes[-1] == 'a: no readable evaluation'


@pytest.mark.parametrize(
  'order', [(3, 2, 1), (2, 3, 1), (3, 1, 2), (2, 1, 3), (1, 3, 2)]
)
@pytest.mark.parametrize('ended', [True, False])
def test_rows_out_of_order_are_sorted_and_said(order, ended):
  content = text([HEADER, *(LINES[i] for i in order)])
  values, notes = read((content if ended else content[:-1]).encode())
  assert values == VALUES
  assert 'a: not in the order of steps: sorted' in notes


def test_rows_out_of_order_with_a_wrong_one_lose_only_that():
  wrong = '100,0.25,0.5'  # Less time than the first step took.
  lines = [HEADER, *LINES[:0:-1], wrong]
  values, notes = read(text(lines).encode())
  assert values == VALUES
  assert notes == [
    'a:5: submission time decreases: line skipped',
    'a: not in the order of steps: sorted',
  ]


def test_an_interruption_is_known_by_its_count():
  lines = [
    HEADER + ',preemption_count',
    '1,10,0.9,0',
    '105,60,0.8,0',
    '210,110,0.5,0',
    '100,57,0.8,1',
    '205,108,0.6,1',
    '310,160,0.5,1',
  ]
  happened = [1, 100, 205, 310]
  values, notes = read(text(lines).encode())
  assert [step for step, *_ in values] == happened
  assert 'a:4: done again further down: line skipped' in notes
  newest_first = [lines[0], *lines[:0:-1]]
  values, notes = read(text(newest_first).encode())
  assert [step for step, *_ in values] == happened
  assert 'a: not in the order of steps: sorted' in notes


@pytest.mark.parametrize(
  ('content', 'note'),
  [
    (b'{"global_step": 1}', 'a:1: no column global_step in the header (it '
     'looks like JSON): file skipped'),
    (b'PK\x03\x04' + bytes(40), 'looks like a zip archive or a spreadsheet'),
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'git lfs'),
    (b'<!DOCTYPE html>', 'looks like HTML or XML'),
    (gzip.compress(b'', mtime=0), 'a: empty file'),
    (text([LINES[0] + ',' + HEADER, *LINES[1:]]).encode(), 'occurs twice'),
    (text(LINES[1:]).encode(), 'no column global_step'),
    (text([HEADER + ',', *(line + ',3' for line in LINES[1:])]).encode(),
     'a:1: a column without a name in the header: file skipped'),
    (text(['"global_step,x', *LINES[1:]]).encode(), 'no column global_step'),
  ],
)  # fmt: skip
def test_what_is_no_table_is_named_for_what_it_is(content, note):
  values, notes = read(content)
  assert values == []
  assert len(notes) == 1
  assert note in notes[0]


def test_gzip_is_read_as_far_as_it_can_be_trusted():
  whole = gzip.compress(text().encode(), compresslevel=0)
  end = whole.index(b'150,')
  values, notes = read(whole[: end + 9])
  assert values == VALUES[:2]
  assert (
    notes[0] == 'a: gzip without its end and checksum: read as far as it goes'
  )
  damaged = whole.replace(b'150,', b'151,')
  values, notes = read(damaged)
  assert values == []
  assert 'damaged gzip' in notes[0]


def test_a_step_that_is_no_whole_number_cannot_be():
  values, notes = read(text([*LINES, '150.5,16,0.5']).encode())
  assert values == VALUES
  assert notes == ['a:5: impossible step or time: line skipped']


def test_a_stray_cr_does_not_end_a_line():
  # Or 0.5129 would become 0.5.
  lines = [*LINES[:3], '150,15.5,0.5\r129']
  values, notes = read(text(lines).encode())
  assert values == VALUES[:2]
  assert notes == ['a:4: not 3 numbers: line skipped']


def test_quotes_that_do_not_match_cost_their_line():
  lines = [HEADER, *LINES[1:3], '"100,9.5,0.55', LINES[3]]
  values, notes = read(text(lines).encode())
  assert values == VALUES
  assert notes == ['a:4: not 3 numbers: line skipped']


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(csv_forms.ROWS, csv_forms.FORMS, st.randoms())
def test_every_form_of_a_table_gives_the_same_numbers(rows, form, random):
  written = csv_forms.lines(rows, form, random)
  table, notes = parse.evaluations({0: ('a', csv_forms.encoded(written, form))})
  assert table.iloc[:, :5].values.tolist() == [list(row) for row in rows], notes
  said = '\n'.join(map(str, notes))
  assert ('line without an end' in said) == (not form.last_line_ended)


CUTS = st.lists(
  st.tuples(
    st.floats(0, 1),
    st.integers(0, 40),
    st.one_of(
      st.binary(max_size=9),
      st.sampled_from([b'"', b'""', b'\r', b'\n', b',', b';', b'\0', b'9']),
    ),
  ),
  min_size=1,
  max_size=3,
)


def check_damage(rows, form, random, cuts):
  """No crash, no good row lost, no other row counted, without a note."""
  written = csv_forms.lines(rows, form, random)
  content = csv_forms.encoded(written, form)
  for place, length, insert in cuts:
    start = int(place * len(content))
    content = content[:start] + insert + content[start + length :]
  table, notes = parse.evaluations({0: ('a', content)})
  values = table.drop(columns=['run', 'line']).to_numpy(float)
  found = {shown(row) for row in values.tolist()}
  if form.compressed:
    # With a checksum, what is read is what was written.
    unchecked = any('and checksum' in note.what for note in notes)
    as_written = {shown(map(float, row)) for row in rows}
    assert unchecked or table.empty or found <= as_written
    return
  body = content.decode(form.encoding, errors='replace')
  lines = below_header(body)
  texts = [body]
  if 'utf-16' in form.encoding:  # One byte more or less: the other order.
    texts += [content.decode(f'utf-16-{o}', 'replace') for o in ('le', 'be')]
  there = {numbers(li, form) for text in texts for li in below_header(text)}
  assert table.empty or found <= there
  of_all = ('file skipped', 'no readable evaluation')  # Nothing was read.
  if table.empty and any(note.what.endswith(of_all) for note in notes):
    return
  told = [note for note in notes if re.search(r'a:\d+$', note.where)]
  lost = {line for line in lines if numbers(line, form) not in found}
  if {'\r', '\n'} <= set(body.replace('\r\n', '\n')):
    # Where one of them ends the lines, the other is damage: of how many lines?
    assert told or not lost
  elif not any('lines behind the damage' in note.what for note in notes):
    assert len(lost) <= len(told), (content, notes)
  assert notes or body.endswith(('\n', '\r'))


def below_header(body):
  """Lines that say something, without the first of them."""
  lines = re.split(r'[\r\n]', body)
  return [line for line in lines if line.strip('\0 ')][1:]


def numbers(line, form):
  """The numbers in a line, read by the standard library."""
  try:
    (cells,) = csv.reader([line], delimiter=form.separator)
    points = [cell.replace(form.decimal, '.') for cell in cells]
    return shown(float(cell or 'nan') for cell in points)
  except (ValueError, csv.Error):
    return None


def shown(row):
  """A row as text, since NaN is not NaN; without empty cells at its end."""
  return re.sub('( nan)+$', '', ' '.join(map(str, row)))


DAMAGED = (csv_forms.ROWS, csv_forms.FORMS, st.randoms(), CUTS)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(*DAMAGED)
def test_damage_to_any_form_costs_what_is_damaged(rows, form, random, cuts):
  check_damage(rows, form, random, cuts)


@pytest.mark.slow
@hypothesis.settings(
  max_examples=10_000,
  deadline=None,
  suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(*DAMAGED)
def test_ten_thousand_damaged_files(rows, form, random, cuts):
  check_damage(rows, form, random, cuts)
