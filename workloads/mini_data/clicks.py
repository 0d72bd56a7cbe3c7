# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Late flights as clicks: 13 numbers and 26 ids a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workloads.mini_data import files

TABLE_ROWS = 2**16
# fmt: off
DENSE = (
  'distance', 'temp', 'dewp', 'humid', 'wind_speed', 'block_minutes', 'precip',
  'pressure', 'visib', 'seats', 'year_built', 'departures_in_hour',
  'leg_of_day',
)
PLAIN = (
  'carrier', 'flight', 'tailnum', 'origin', 'dest', 'month', 'day', 'weekday',
  'hour', 'minute', 'wind_dir', 'model', 'manufacturer', 'type', 'tz',
)
# fmt: on
PAIRS = (
  ('origin', 'dest'),
  ('carrier', 'dest'),
  ('carrier', 'origin'),
  ('carrier', 'hour'),
  ('origin', 'hour'),
  ('dest', 'hour'),
  ('weekday', 'hour'),
  ('month', 'hour'),
  ('carrier', 'month'),
  ('dest', 'month'),
  ('wind_dir', 'origin'),
)
DENSE_SCALE = 24.0  # The packed numbers are int8 in units of 1/24 sigma.
MISSING = -128
_PAIR_BITS = 12


class Clicks(NamedTuple):
  """One split; any prefix of its rows is spread over the whole year.

  Attributes:
    dense: (N, 13) float32, standardised with the training rows; 0 if missing.
    categorical: (N, 26) int32, rows of one table of `TABLE_ROWS` rows: 15
      plain columns, then 11 pairs of them.
    labels: (N,) float32, 1 if the flight arrived more than 15 minutes late.
  """

  dense: np.ndarray
  categorical: np.ndarray
  labels: np.ndarray


def splits() -> dict[str, Clicks]:
  """Flights from New York in 2013: 80,000 / 10,000 / 10,000 rows.

  Split by day of the year, so that no hour's weather is on both sides.
  "Arrived more than 15 minutes late" stands in for "clicked".

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  arrays = files.read('clicks')
  codes, numbers = arrays['categorical'], arrays['dense']
  dense = np.where(numbers == MISSING, 0, numbers / np.float32(DENSE_SCALE))
  dense = np.ascontiguousarray(dense.T, np.float32)
  categorical = table_rows(codes)
  labels = arrays['labels'].astype(np.float32)
  return {
    split: Clicks(dense[rows], categorical[rows], labels[rows])
    for split, rows in files.spread_rows('clicks').items()
  }


def table_rows(codes: np.ndarray) -> np.ndarray:
  """Rows of the shared table for plain columns and hashed pairs.

  Every column has its own range of rows: a plain column as many as it has
  codes, a pair 2**12. With codes a and b of a pair and n_b codes in b's
  column, its row is offset + h, where h is the top 12 bits of
  (a n_b + b) 2654435761 mod 2**32 (Knuth's multiplicative hash).

  Args:
    codes: (15, N) codes of the plain columns, each counted from 0.

  Returns:
    (N, 26) int32, all below `TABLE_ROWS`.
  """
  sizes = codes.max(axis=1).astype(np.int64) + 1
  columns = [column.astype(np.int64) for column in codes]
  for first, second in PAIRS:
    a, b = PLAIN.index(first), PLAIN.index(second)
    pair = columns[a] * sizes[b] + columns[b]
    columns.append((pair * 2654435761 % 2**32) >> (32 - _PAIR_BITS))
  widths = np.concatenate([sizes, np.full(len(PAIRS), 2**_PAIR_BITS)])
  offsets = np.cumsum(widths) - widths
  return (np.stack(columns, axis=1) + offsets).astype(np.int32)
