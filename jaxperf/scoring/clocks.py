# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the ranking would be by other clocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from jaxperf.records import read
from jaxperf.scoring import score, selection, times


class Clock(NamedTuple):
  """Another way to time the same runs.

  Attributes:
    name: for people.
    unit: `'seconds'` or `'steps'`.
    results: with the times that this clock shows.
  """

  name: str
  unit: str
  results: read.Results


def other_clocks(
  results: read.Results, timing: selection.Timing
) -> Iterator[Clock]:
  """The clocks beside that of the verdict, in the order to show them.

  Steps if the verdict counts seconds and the reverse; then, where compile times
  are recorded, seconds without compilation if the rules count it, seconds with
  compilation otherwise.
  """
  unit = times.other_unit(timing.unit)
  yield Clock(unit, unit, results)
  rows = results.evaluations
  if 'compile_s' in rows and rows['compile_s'].any():
    word, sign = (
      ('without', -1) if timing.rules.counts_compilation else ('with', 1)
    )
    seconds = rows['submission_s'] + sign * rows['compile_s'].fillna(0)
    changed = results._replace(evaluations=rows.assign(submission_s=seconds))
    yield Clock(f'seconds {word} compilation', 'seconds', changed)


def other_scores(
  results: read.Results, timing: selection.Timing, scoring: score.Scoring
) -> pd.DataFrame:
  """Scores by other clocks than that of the verdict, one column a clock."""
  columns = {}
  for clock in other_clocks(results, timing):
    timed = timing._replace(unit=clock.unit)
    studies = timed.studies(timed.trials(clock.results))
    columns[clock.name] = scoring(times.median_times(studies))
  return pd.DataFrame(columns)
