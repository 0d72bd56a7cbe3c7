# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Published results that ship with jaxperf as data.

The measurements are MLCommons' (see `SOURCE` and the file `NOTICE` beside this
one). AlgoPerf is a trademark of MLCommons; what jaxperf makes of these numbers
is unofficial.
"""

from __future__ import annotations

import pathlib

import pandas as pd

from jaxperf import errors

SOURCE = (
  'AlgoPerf: Training Algorithms competition 2024, results published by '
  'MLCommons under the Apache License 2.0'
)
_FOLDER = pathlib.Path(__file__).parent


def names() -> list[str]:
  """Versions of the benchmark whose results ship."""
  return sorted(p.stem.split('_', 1)[1] for p in _FOLDER.glob('times_*.csv'))


def times(version: str, ruleset: str) -> pd.DataFrame:
  """Median seconds to the target: one row a submission, one column a workload.

  Infinite: not reached; NaN: not run. The trial of a study is the one that the
  published code chooses.

  Args:
    version: of the rules, such as `v0.5`.
    ruleset: `'external'` or `'self'`.

  Raises:
    UserError: if no results of that version ship.

  >>> times('v0.5', 'self').loc['schedule_free_adamw', 'wmt'].round()
  np.float64(45376.0)
  """
  table = _read('times', version)
  return table[table['ruleset'] == ruleset].pivot(
    index='submission', columns='workload', values='seconds'
  )


def published_scores(version: str, ruleset: str) -> pd.Series:
  """The benchmark scores that were published; four decimals, best first.

  Raises:
    UserError: as in `times`.

  >>> published_scores('v0.5', 'self').head(2).to_dict()
  {'schedule_free_adamw': 0.8542, 'baseline': 0.8194}
  """
  table = _read('scores', version)
  table = table[table['ruleset'] == ruleset]
  return table.set_index('submission')['score']


def _read(kind: str, version: str) -> pd.DataFrame:
  if version not in names():
    raise errors.UserError(
      f'no published results of {version!r}{errors.nearest(version, names())} '
      f'Those that ship: {", ".join(names())}.'
    )
  return pd.read_csv(_FOLDER / f'{kind}_{version}.csv')
