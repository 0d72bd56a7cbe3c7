# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The order of a run's evaluations: interruptions, and rows out of order.

A run goes on from its checkpoint after an interruption: steps and time go back
together, and work that is done again replaces what was lost. A file that was
written newest first, or shuffled, goes back too, but can be sorted without a
contradiction; after an interruption, `preemption_count` rises, or steps come
twice, or another clock goes back.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

_CLOCK = ['step', 'submission_s']


class Order(NamedTuple):
  """The rows of one run in the order in which they happened.

  Attributes:
    rows: their labels, without those that cannot be true.
    bad: label of each other row -> what is wrong with it.
    changed: whether the rows stood in another order.
  """

  rows: list[int]
  bad: dict[int, str]
  changed: bool


def goes_back(rows: pd.DataFrame) -> pd.Series:
  """Which rows have less time or fewer steps than the row above, of their run.

  Args:
    rows: `run`, `step`, `submission_s`; the rows of a run together.
  """
  back = (rows[_CLOCK].diff() < 0).any(axis=1)
  return back & (rows['run'].diff() == 0)


def settled(rows: pd.DataFrame) -> Order:
  """The order of one run's rows that contradicts the fewest of them.

  Args:
    rows: with `step`, `submission_s`, further times in seconds if there are
      any, and possibly `preemption_count`; labels are unique.
  """
  bad = _contradictions(rows)
  ordered = rows.sort_values(_keys(rows), kind='stable')
  sorted_bad = _contradictions(ordered)
  doubts = _doubts(ordered.drop(index=list(sorted_bad)))
  changed = len(sorted_bad) + doubts < len(bad)
  if changed:
    rows, bad = ordered, sorted_bad
  kept = [label for label in rows.index if label not in bad]
  return Order(kept, bad, changed)


def _keys(rows: pd.DataFrame) -> list[str]:
  """What rows can be sorted by; where it is known, by interruptions first."""
  counts = 'preemption_count'
  if counts in rows and rows[counts].notna().all():
    return [counts, *_CLOCK]
  return _CLOCK


def _contradictions(rows: pd.DataFrame) -> dict[int, str]:
  """Rows that were done again, or that go back for no reason."""
  bad, kept = {}, []
  for row in rows[_CLOCK].itertuples():
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


def _doubts(ordered: pd.DataFrame) -> float:
  """How many rows say that the rows above them were not just out of order.

  A step that was made twice says that it was done again.
  """
  keys, change = _keys(ordered), ordered.filter(regex='^step$|_s$').diff()
  again = (change['step'] == 0) & (change['submission_s'] != 0)
  if keys != _CLOCK:
    again &= ordered[keys[0]].diff() == 0
  if again.any():
    return math.inf
  return int(((change < 0).any(axis=1) | (change['submission_s'] == 0)).sum())
