# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report's section on what training steps recorded."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

import pandas as pd

from jaxperf.records import layout, parse
from jaxperf.report import curves, html
from jaxperf.scoring import verdict as verdict_lib

_MOST_FIGURES = 60
_FIRST = ('loss', 'grad_norm')


def read(root: str | os.PathLike, verdict: verdict_lib.Verdict) -> pd.DataFrame:
  """The training scalars of the trials that count.

  Returns:
    One row a value: `run` (row of the trials), `submission`, `workload`,
    `step`, `name`, `value`.
  """
  keys = ['submission', 'workload', 'study', 'trial']
  counting = pd.MultiIndex.from_frame(verdict.studies[keys].astype(object))
  index = pd.MultiIndex.from_frame(verdict.trials[keys].astype(object))
  rows = []
  for run, trial in verdict.trials[index.isin(counting)].iterrows():
    path = pathlib.Path(root, trial['folder'], layout.MEASUREMENTS)
    for step, values in parse.training_scalars(path):
      for name, value in values.items():
        rows.append(
          (run, trial['submission'], trial['workload'], step, name, value)
        )
  columns = ['run', 'submission', 'workload', 'step', 'name', 'value']
  return pd.DataFrame(rows, columns=columns)


def section(verdict: verdict_lib.Verdict, values: pd.DataFrame) -> str:
  """A figure for each scalar on each workload.

  Args:
    verdict: of the results.
    values: from `read`.
  """
  if values.empty:
    return ''
  names = list(verdict.scores.index)
  recorded = _in_order(values['name'].unique())
  body = (
    '<p>Of the trials that count: the first hundred steps, then each '
    'hundredth.</p>'
  )
  figures = []
  for workload in verdict.scoring.columns:
    for name in recorded:
      own = values[(values['workload'] == workload) & (values['name'] == name)]
      if len(own):
        figures.append((workload, name, own))
  for workload, name, own in figures[:_MOST_FIGURES]:
    body += html.figure(
      curves.scalar(own, name, workload, names),
      f'{name} over steps on {workload}, by submission.',
    )
  if len(figures) > _MOST_FIGURES:
    left = len(figures) - _MOST_FIGURES
    body += f'<p>{left} more figures are left out: see measurements.csv.</p>'
  return body


def _in_order(names: Sequence[str]) -> list[str]:
  """Loss and gradient norm, then what submissions recorded."""
  others = sorted(set(names).difference(_FIRST))
  return [name for name in _FIRST if name in names] + others
