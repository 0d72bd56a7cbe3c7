# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares the Criteo 1TB click logs: text is parsed once, days at a time."""

import dataclasses
import functools
import io
import pathlib
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

import numpy as np

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads.criteo1tb import check, features, lines, shards

_BLOCK = 8192  # Lines that are parsed at once.
_ROW_BYTES = 4 * features.NUM_FIELDS
_TEXT_BYTES, _GZIP_BYTES = 252, 78  # Of a line, about.


class Day(NamedTuple):
  """The work of one unit.

  Attributes:
    day: its number.
    paths: its raw files.
    lines_per_file: rows of a shard, but the last.
    rows: that it should have; None if unknown.
  """

  day: int
  paths: Sequence[pathlib.Path]
  lines_per_file: int
  rows: int | None


def dataset(
  published: check.Published = check.PUBLISHED,
) -> dataset_lib.Dataset:
  """The data set, with the counts that it should have."""
  return dataclasses.replace(
    _FACTS,
    plan=functools.partial(_plan, published),
    check=functools.partial(check.findings, published),
  )


def _plan(
  published: check.Published, raw: pathlib.Path, options: Mapping[str, str]
) -> dataset_lib.Plan:
  """A unit a day; see `Dataset.plan`."""
  days = _days(options.get('days', ''))
  size = _number(options.get('lines-per-file', published.lines_per_file))
  known = size == published.lines_per_file
  units, total, volume = [], 0, 0
  for day, paths in lines.find(raw, days).items():
    rows = published.rows_per_day[day] if known else None
    sizes = {path.name: path.stat().st_size for path in paths}
    units.append(
      dataset_lib.Unit(
        name=f'day_{day}',
        origin={'files': sizes, 'lines_per_file': size},
        records=rows or 0,
        work=Day(day, paths, size, rows),
      )
    )
    total += rows or 0
    volume += _ROW_BYTES * (rows or _about(sizes))
  return dataset_lib.Plan(
    stages=[lambda _: units],
    parameters={
      'lines_per_file': size,
      'hash': features.HASH,
      'vocab_sizes': list(features.VOCAB_SIZES),
    },
    total=total,
    records='lines',
    bytes=volume,
    partial=len(days) < shards.NUM_DAYS,
  )


def _days(text: str) -> list[int]:
  """Numbers of days, e.g. from '0,23'; all if empty."""
  if not text:
    return list(range(shards.NUM_DAYS))
  days = [_number(part, shards.NUM_DAYS - 1) for part in text.split(',')]
  return sorted(set(days))


def _number(text: str | int, most: int = 10**9) -> int:
  if not str(text).isdecimal() or int(text) > most:
    raise errors.UserError(
      f'{text!r} is not a whole number up to {most}: say e.g. --days=0,23'
    )
  return int(text)


def _about(sizes: Mapping[str, int]) -> int:
  """Lines in files of these sizes, about."""
  return sum(
    size // (_GZIP_BYTES if name.endswith('.gz') else _TEXT_BYTES)
    for name, size in sizes.items()
  )


def _prepare(
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  journal: journal_lib.Journal,
  report: dataset_lib.Report,
) -> None:
  """Makes the shards of a day; see `Dataset.prepare`."""
  day: Day = unit.work
  kept = sum(file.counts['rows'] for file in journal.files)
  with lines.Lines(day.paths, day.lines_per_file) as source:
    source.skip(kept)
    report(kept, True)
    while block := source.take(min(_BLOCK, day.lines_per_file)):
      name = shards.shard_name(day.day, len(journal.files))
      with prepared.writing(folder / name) as file:
        rows = _write(file, source, block, day.lines_per_file, report)
      journal.add(prepared.describe(folder, name, rows=rows))
  found = sum(file.counts['rows'] for file in journal.files)
  if day.rows not in (None, found):
    raise errors.UserError(
      f'{unit.name} has {found:,} lines, expected {day.rows:,}: download it '
      'again'
    )
  journal.finish(rows=found)


def _write(
  file: IO[bytes],
  source: lines.Lines,
  block: bytes,
  limit: int,
  report: dataset_lib.Report,
) -> int:
  """Writes a shard of lines, of which the first are taken; returns its rows."""
  file.write(_header(limit))
  rows = 0
  while block:
    parsed = _parsed(block, source)
    file.write(parsed.data)
    rows += len(parsed)
    report(len(parsed))
    room = min(_BLOCK, limit - rows)
    block = source.take(room) if room else b''
  file.seek(0)
  file.write(_header(rows))
  return rows


def _parsed(block: bytes, source: lines.Lines) -> np.ndarray:
  """Rows of the lines that were taken last.

  Raises:
    UserError: naming file and line of the first that is malformed.
  """
  try:
    return features.parse(block)
  except features.BadLine as bad:
    line = source.taken - block.count(b'\n') + bad.line + 1
    raise errors.UserError(
      f'{source.path} line {line:,} {bad.reason}; download the file again'
    ) from None


def _header(rows: int) -> bytes:
  """What a `.npy` file of rows begins with; 128 bytes for any number."""
  file = io.BytesIO()
  np.lib.format.write_array_header_1_0(
    file,
    {
      'descr': '<f4',
      'fortran_order': False,
      'shape': (rows, features.NUM_FIELDS),
    },
  )
  return file.getvalue()


def _finish(
  plan: dataset_lib.Plan, results: Sequence[dataset_lib.Result]
) -> dict[str, int]:
  """Rows of each split."""
  files = [file for result in results for file in result.files]
  return check.counts(shards.splits(pathlib.Path(), files))


_FACTS = dataset_lib.Dataset(
  name=shards.NAME,
  version=shards.VERSION,
  title='Criteo 1TB click logs',
  provider='Criteo AI Lab',
  sign_up='none',
  licence='CC BY-NC-SA 4.0',
  raw_bytes=342 * 10**9,
  prepared_bytes=_ROW_BYTES * sum(check.PUBLISHED.rows_per_day),
  plan=functools.partial(_plan, check.PUBLISHED),
  prepare=_prepare,
  finish=_finish,
  check=functools.partial(check.findings, check.PUBLISHED),
  options={
    'days': 'numbers of days, to try things out: training refuses a part',
    'lines-per-file': 'of text files and shards; not 5,000,000 for miniature '
    'data, whose counts are compared with nothing',
  },
)
DATASET = dataset()
