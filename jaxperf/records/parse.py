# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the CSV files that trials leave, quickly and sceptically.

Many `eval_measurements.csv` are read at once. Those with the same header are
parsed together, which is some ten times faster than one by one. A file with
anything odd about it is read line by line instead (`dialect`): every good line
counts, every other line is named.

Of `measurements.csv`, one trial at a time, only the training scalars are read;
the evaluations in it are in the other file, too.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from jaxperf.records import decode, dialect, layout, order

Scalars = tuple[int, dict[str, float]]  # Step, name -> value.

_MISSING = ('', 'nan', 'NaN')
# A header of anything else gets a closer look.
_IN_NAMES = b'abcdefghijklmnopqrstuvwxyz0123456789_/.-,'


def evaluations(
  files: Mapping[int, tuple[str, bytes]], growing: Collection[int] = ()
) -> tuple[pd.DataFrame, list[layout.Note]]:
  """All evaluations in the given files.

  Args:
    files: run number -> (path to name in notes, content of the file).
    growing: runs that are still being written, so that a last line without an
      end may be half of one.

  Returns:
    A table with one row a good line, ordered by `run`, then as they happened:
    `run`, `line` (in the file), `step`, `submission_s`, other times in seconds,
    and the remaining columns of the files; and the notes.

  >>> header = b'global_step,accumulated_submission_time,validation/loss'
  >>> rows, notes = evaluations({0: ('a', header + b'\\n1,5,0.9\\n10,')})
  >>> rows[['run', 'step', 'submission_s', 'validation/loss']].values.tolist()
  [[0.0, 1.0, 5.0, 0.9]]
  >>> print(*notes)
  a:3: line without an end: half-written, skipped
  """
  notes: list[layout.Note] = []
  tables = [table for table in _parse(files, growing, notes) if len(table)]
  if not tables:
    names = ['run', 'line', 'step', 'submission_s']
    return pd.DataFrame(columns=names), notes
  rows = pd.concat(tables, ignore_index=True).rename(columns=layout.NAMES)
  rows = rows.sort_values(['run', 'line'], kind='stable', ignore_index=True)
  kept, bad, reordered = _true_rows(rows)
  for row, what in sorted(bad.items()):
    run, line = rows.loc[row, ['run', 'line']].astype(int)
    notes.append(
      layout.Note(f'{files[run][0]}:{line}', f'{what}: line skipped')
    )
  notes += [
    layout.Note(files[run][0], 'not in the order of steps: sorted')
    for run in reordered
  ]
  return rows.loc[kept].reset_index(drop=True), notes


def training_scalars(path: pathlib.Path) -> Iterator[Scalars]:
  """The training steps in a trial's `measurements.csv`, if there is one.

  Lines that are not numbers or of another length than the header are left out,
  as is a last line that is still being written.
  """
  if not path.is_file():
    return
  sheet = dialect.split(path.read_bytes())
  lines = sheet.lines if sheet.ended else sheet.lines[:-1]
  for _, cells in lines:
    row = dict(zip(sheet.names, cells or ()))
    if len(cells or ()) != len(sheet.names):
      continue
    if not row.get('global_step', '').isdecimal():
      continue
    recorded = [name for name, cell in row.items() if cell and _is_scalar(name)]
    if row.get('score') and not recorded:  # An evaluation.
      continue
    with contextlib.suppress(ValueError):
      yield (
        int(row['global_step']),
        {name: float(row[name]) for name in recorded},
      )


def _is_scalar(column: str) -> bool:
  """Whether a column holds what training steps record."""
  return column in layout.SCALARS or not layout.is_known(column)


def _parse(
  files: Mapping[int, tuple[str, bytes]],
  growing: Collection[int],
  notes: list[layout.Note],
) -> Iterator[pd.DataFrame]:
  """Tables of the lines that are rows of numbers, with `run` and `line`."""
  groups: dict[str, list[tuple[int, bytes, int]]] = collections.defaultdict(
    list
  )
  odd = []
  for run, (path, content) in files.items():
    header, _, body = content.partition(b'\n')
    count = _plain_lines(header, body)
    if count is None:
      odd.append(run)
    elif count:
      groups[header.decode()].append((run, body, count))
    else:
      notes.append(layout.Note(path, 'a header and no evaluation'))
  for header, members in groups.items():
    table = _read_together(header, members)
    if table is None:
      odd += [run for run, _, _ in members]
    else:
      yield table
  for run in sorted(odd):
    path, content = files[run]
    yield _read_sceptically(run, path, content, run in growing, notes)


def _plain_lines(header: bytes, body: bytes) -> int | None:
  """The number of lines of an ordinary file; None if it needs a closer look."""
  columns = header.split(b',')
  ordinary = (
    all(name.encode() in columns for name in layout.REQUIRED)
    and header.isascii()
    and header == header.lower()
    and not header.translate(None, delete=_IN_NAMES)
    and len(set(columns)) == len(columns)
    and not _moved(header.decode('latin-1').split(','))
    and not dialect.missing_name(header.decode('latin-1').split(','))
    and not body.translate(None, b'0123456789+-.,enaifNEI\n')
    and (not body or body.endswith(b'\n'))
  )
  count = body.count(b'\n')
  if ordinary and body.count(b',') == (len(columns) - 1) * count:
    return count
  return None


def _read_together(
  header: str, members: Sequence[tuple[int, bytes, int]]
) -> pd.DataFrame | None:
  """The table of files that share a header; None if some line is not plain."""
  names = header.split(',')
  try:
    table = pd.read_csv(
      io.BytesIO(b''.join(body for _, body, _ in members)),
      header=None,
      dtype=np.float64,
      skip_blank_lines=False,
      keep_default_na=False,
      na_values=list(_MISSING),
      quoting=csv.QUOTE_NONE,
    )
  except ValueError:  # Not a number, or a line of another length.
    return None
  counts = [count for _, _, count in members]
  if table.shape != (sum(counts), len(names)):
    return None
  table.columns = names
  table['run'] = np.repeat([run for run, _, _ in members], counts)
  table['line'] = np.concatenate([np.arange(2, n + 2) for n in counts])
  return table


def _read_sceptically(
  run: int,
  path: str,
  content: bytes,
  growing: bool,
  notes: list[layout.Note],
) -> pd.DataFrame:
  """The good lines of one odd file; adds a note for each other line."""

  def note(what: str, line: int | None = None) -> None:
    where = path if line is None else f'{path}:{line}'
    notes.append(layout.Note(where, what))

  try:
    content, cut, shifted = decode.decoded(content)
  except ValueError as error:
    note(f'{error}: file skipped')
    return pd.DataFrame()
  if shifted:
    note('damaged UTF-16 or UTF-32: lines behind the damage may be missing')
  if cut:
    note('gzip without its end and checksum: read as far as it goes')
  if not content.strip():
    note('empty file')
    return pd.DataFrame()
  sheet = dialect.split(content)
  if what := _bad_header(sheet, decode.kind(content)):
    note(f'{what}: file skipped', sheet.header)
    return pd.DataFrame()
  if missing := dialect.missing_name(sheet.names):
    note(f'no column {missing}: if its name was lost, others have moved')
  lines, commas = dialect.rows(sheet)
  if commas:
    note('decimal commas: read as points')
  if lines and not sheet.ended:
    number, values = lines[-1]
    if growing or cut or values is None:
      note('line without an end: half-written, skipped', number)
      lines.pop()
    else:
      note('line without an end: complete, so it counts', number)
  for number, values in lines:
    if values is None:
      note(f'not {len(sheet.names)} numbers: line skipped', number)
  rows = [(*values, run, number) for number, values in lines if values]
  if not rows:
    note('no readable evaluation')
  table = pd.DataFrame(rows, columns=[*sheet.names, 'run', 'line'])
  return table.drop(columns='', errors='ignore')


def _bad_header(sheet: dialect.Sheet, kind: str | None) -> str | None:
  """What is wrong with the names of the columns, if anything."""
  names = list(sheet.names)
  missing = [name for name in layout.REQUIRED if name not in names]
  if missing:
    what = f'no column {missing[0]} in the header'
    return f'{what} (it looks like {kind})' if kind else what
  while not names[-1]:  # Spreadsheets add empty columns.
    names.pop()
    if any(cells and any(cells[len(names) :]) for _, cells in sheet.lines):
      return 'a column without a name in the header'
  if len(set(names)) < len(names):
    return 'a column occurs twice in the header'
  return _moved(names)


def _moved(names: Sequence[str]) -> str | None:
  """What tells that columns may stand under their neighbours' names."""
  # A line of values may have run into the header; the first name may be empty,
  # as that of an index.
  values = [name for name in names[1:] if dialect.is_value(name)]
  if values:
    return f'the value {values[0]!r} in the header'
  cut = dialect.cut_name(names)
  return f'{cut}, in the header' if cut else None


def _true_rows(
  rows: pd.DataFrame,
) -> tuple[list[int], dict[int, str], list[int]]:
  """Which rows can be true, in the order in which they happened.

  Returns:
    Their labels; label of each other row -> what is wrong with it; the runs
    whose rows stood in another order.
  """
  clock = rows[['step', 'submission_s']]
  bad = dict.fromkeys(rows.index[clock.isna().any(axis=1)], 'no step or time')
  impossible = ((clock < 0) | np.isinf(clock)).any(axis=1)
  impossible |= clock['step'] % 1 > 0
  bad.update(dict.fromkeys(rows.index[impossible], 'impossible step or time'))
  good = rows.drop(index=list(bad))
  kept, reordered = good.index.to_series(), []
  for run in good['run'][order.goes_back(good)].unique():
    own = good[good['run'] == run]
    settled = order.settled(own)
    bad |= settled.bad
    labels = [*settled.rows, *settled.bad]  # As many as there are places.
    kept[own.index] = labels
    if settled.changed:
      reordered.append(run)
  return [label for label in kept if label not in bad], bad, reordered
