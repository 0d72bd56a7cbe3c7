# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the CSV files that trials leave, quickly and sceptically.

Many `eval_measurements.csv` are read at once. Those with the same header are
parsed together, which is some ten times faster than one by one. A file with
anything odd about it is read line by line instead: every good line counts,
every other line is named.

Of `measurements.csv`, one trial at a time, only the training scalars are read;
the evaluations in it are in the other file, too.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import math
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from jaxperf.records import layout

Scalars = tuple[int, dict[str, float]]  # Step, name -> value.

_MISSING = ('', 'nan', 'NaN')


def evaluations(
  files: Mapping[int, tuple[str, bytes]],
) -> tuple[pd.DataFrame, list[layout.Note]]:
  """All evaluations in the given files.

  Args:
    files: run number -> (path to name in notes, content of the file).

  Returns:
    A table with one row a good line, ordered by `run`, then as in the file:
    `run`, `step`, `submission_s`, other times in seconds, and the remaining
    columns of the files; and the notes.

  >>> header = b'global_step,accumulated_submission_time,validation/loss'
  >>> rows, notes = evaluations({0: ('a', header + b'\\n1,5,0.9\\n10,')})
  >>> rows[['run', 'step', 'submission_s', 'validation/loss']].values.tolist()
  [[0.0, 1.0, 5.0, 0.9]]
  >>> print(*notes)
  a:3: line without an end: half-written, skipped
  """
  notes: list[layout.Note] = []
  tables = [table for table in _parse(files, notes) if len(table)]
  if not tables:
    return pd.DataFrame(columns=['run', 'step', 'submission_s']), notes
  rows = pd.concat(tables, ignore_index=True).rename(columns=layout.NAMES)
  rows = rows.sort_values(['run', 'line'], kind='stable', ignore_index=True)
  bad = _untrue(rows)
  for row, what in sorted(bad.items()):
    run, line = rows.loc[row, ['run', 'line']].astype(int)
    notes.append(
      layout.Note(f'{files[run][0]}:{line}', f'{what}: line skipped')
    )
  rows = rows.drop(index=list(bad), columns='line').reset_index(drop=True)
  return rows, notes


def training_scalars(path: pathlib.Path) -> Iterator[Scalars]:
  """The training steps in a trial's `measurements.csv`, if there is one.

  Lines that are not numbers or of another length than the header are left out,
  as is a last line that is still being written.
  """
  if not path.is_file():
    return
  names, lines, _ = _lines(path.read_bytes())
  for line in lines:
    cells = line.split(',')
    row = dict(zip(names, cells))
    if len(cells) != len(names) or not row.get('global_step', '').isdecimal():
      continue
    recorded = [name for name in layout.SCALARS if row.get(name)]
    if row.get('score') and not recorded:  # An evaluation.
      continue
    with contextlib.suppress(ValueError):
      yield (
        int(row['global_step']),
        {name: float(row[name]) for name in recorded},
      )


def _lines(content: bytes) -> tuple[list[str], list[str], str]:
  """Names in the header, the whole lines below, and what has no end yet."""
  text = content.decode('utf-8-sig', errors='replace')
  header, *lines = text.replace('\r\n', '\n').split('\n')
  *whole, rest = lines or ['']
  return [name.strip() for name in header.split(',')], whole, rest


def _parse(
  files: Mapping[int, tuple[str, bytes]], notes: list[layout.Note]
) -> Iterator[pd.DataFrame]:
  """Tables of the lines that are rows of numbers, with `run` and `line`."""
  groups: dict[str, list[tuple[int, bytes, int]]] = collections.defaultdict(
    list
  )
  for run, (path, content) in files.items():
    header, _, body = content.partition(b'\n')
    count = _plain_lines(header, body)
    if count is None:
      yield _read_sceptically(run, path, content, notes)
    elif count:
      groups[header.decode()].append((run, body, count))
    else:
      notes.append(layout.Note(path, 'a header and no evaluation'))
  for header, members in groups.items():
    table = _read_together(header, members)
    if table is not None:
      yield table
      continue
    for run, _, _ in members:
      yield _read_sceptically(run, *files[run], notes)


def _plain_lines(header: bytes, body: bytes) -> int | None:
  """The number of lines of an ordinary file; None if it needs a closer look."""
  columns = header.split(b',')
  ordinary = (
    all(name.encode() in columns for name in layout.REQUIRED)
    and header.isascii()
    and b'\r' not in header
    and len(set(columns)) == len(columns)
    and not any(map(_is_value, header.decode('latin-1').split(',')))
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
  run: int, path: str, content: bytes, notes: list[layout.Note]
) -> pd.DataFrame:
  """The good lines of one damaged file; adds a note for each other line."""
  if not content.strip():
    notes.append(layout.Note(path, 'empty file'))
    return pd.DataFrame()
  names, whole, rest = _lines(content)
  if what := _bad_header(names):
    notes.append(
      layout.Note(f'{path}:1', f'{what} in the header: file skipped')
    )
    return pd.DataFrame()
  if rest.strip():
    notes.append(
      layout.Note(
        f'{path}:{len(whole) + 2}',
        'line without an end: half-written, skipped',
      )
    )
  rows = []
  for number, line in enumerate(whole, 2):
    values = _numbers(line, len(names))
    if values is None:
      if line.strip():
        notes.append(
          layout.Note(
            f'{path}:{number}', f'not {len(names)} numbers: line skipped'
          )
        )
    else:
      rows.append((*values, run, number))
  if not rows:
    notes.append(layout.Note(path, 'no readable evaluation'))
  return pd.DataFrame(rows, columns=[*names, 'run', 'line'])


def _bad_header(names: Sequence[str]) -> str | None:
  """What is wrong with the names of the columns, if anything."""
  missing = [name for name in layout.REQUIRED if name not in names]
  if missing:
    return f'no column {missing[0]}'
  if len(set(names)) < len(names):
    return 'a column occurs twice'
  # A line of values that has run into the header: all columns may have moved.
  # The first name may be empty, as that of an index.
  values = [name for name in names[1:] if _is_value(name)]
  return f'the value {values[0]!r}' if values else None


def _is_value(cell: str) -> bool:
  """Whether a cell can be a value, and so no name."""
  with contextlib.suppress(ValueError):
    float(cell or 'nan')
    return True
  return False


def _numbers(line: str, count: int) -> list[float] | None:
  """The numbers in a line; None unless there are exactly `count`."""
  cells = line.split(',')
  if len(cells) != count or '_' in line or not line.isascii():
    return None
  try:
    return [float(cell) if cell.strip() else math.nan for cell in cells]
  except ValueError:
    return None


def _untrue(rows: pd.DataFrame) -> dict[int, str]:
  """Rows that cannot be true: row number -> what is wrong with it."""
  clock = rows[['step', 'submission_s']]
  bad = dict.fromkeys(rows.index[clock.isna().any(axis=1)], 'no step or time')
  impossible = ((clock < 0) | np.isinf(clock)).any(axis=1)
  bad.update(dict.fromkeys(rows.index[impossible], 'impossible step or time'))
  good = rows.drop(index=list(bad))
  back = (good[['step', 'submission_s']].diff() < 0).any(axis=1)
  back &= good['run'].diff() == 0
  for run in good['run'][back].unique():
    bad.update(_going_back(good[good['run'] == run]))
  return bad


def _going_back(rows: pd.DataFrame) -> dict[int, str]:
  """Rows of one run that were done again, or that go back for no reason.

  After an interruption the run goes on from its checkpoint: work that is done
  again replaces what was lost.
  """
  bad, kept = {}, []
  for row in rows[['step', 'submission_s']].itertuples():
    while (
      kept
      and row.submission_s < kept[-1].submission_s
      and row.step <= kept[-1].step
    ):
      bad[kept.pop().Index] = 'done again further down'
    if kept and row.submission_s < kept[-1].submission_s:
      bad[row.Index] = 'submission time decreases'
    elif kept and row.step < kept[-1].step:
      bad[row.Index] = 'step decreases'
    else:
      kept.append(row)
  return bad
