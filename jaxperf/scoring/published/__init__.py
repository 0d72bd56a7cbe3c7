# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Published results that ship with jaxperf as data.

The measurements are MLCommons' (see `Facts` and the file `NOTICE` beside this
one). AlgoPerf is a trademark of MLCommons; what jaxperf makes of these numbers
is unofficial.
"""

from __future__ import annotations

import pathlib
import tomllib
from typing import NamedTuple

import pandas as pd

from jaxperf import errors, rules

_FOLDER = pathlib.Path(__file__).parent


class Facts(NamedTuple):
  """Where published results come from.

  Attributes:
    source: whose they are, and under what licence.
    date: when they were measured or published.
    hardware: that they were measured on.
    caveats: what to know before comparing with them, a sentence each.
  """

  source: str
  date: str
  hardware: str
  caveats: tuple[str, ...] = ()


def names() -> list[str]:
  """Versions of the benchmark whose results ship, the newest first."""
  return [
    n for n in rules.newest_first() if (_FOLDER / f'times_{n}.csv').exists()
  ]


def facts(version: str) -> Facts:
  """Where the results of a version come from.

  Raises:
    UserError: if no results of that version ship.
  """
  _check(version)
  every = tomllib.loads((_FOLDER / 'facts.toml').read_text('utf-8'))
  found = every[version]
  return Facts(**found | {'caveats': tuple(found.get('caveats', ()))})


def rulesets(version: str) -> list[str]:
  """The tuning rule sets of which a version has results.

  >>> rulesets('v0.5'), rulesets('v1.0')
  (['external', 'self'], ['self'])
  """
  return sorted(_read('times', version)['ruleset'].unique())


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
  if ruleset not in (there := rulesets(version)):
    raise errors.UserError(
      f'no published results of {version} with ruleset {ruleset!r}: there are '
      f'those of {" and ".join(there)}'
    )
  return table[table['ruleset'] == ruleset].pivot(
    index='submission', columns='workload', values='seconds'
  )


def published_scores(version: str, ruleset: str) -> pd.Series:
  """The benchmark scores that were published; four decimals, best first.

  Empty if there are none, as of a single submission.

  Raises:
    UserError: as in `times`.

  >>> published_scores('v0.5', 'self').head(2).to_dict()
  {'schedule_free_adamw': 0.8542, 'baseline': 0.8194}
  """
  table = _read('scores', version)
  table = table[table['ruleset'] == ruleset]
  return table.set_index('submission')['score']


def _read(kind: str, version: str) -> pd.DataFrame:
  _check(version)
  return pd.read_csv(_FOLDER / f'{kind}_{version}.csv')


def _check(version: str) -> None:
  if version not in names():
    raise errors.UserError(
      f'no published results of {version!r}{errors.nearest(version, names())} '
      f'Those that ship: {", ".join(names())}.'
    )
