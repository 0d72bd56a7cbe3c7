# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Exports a tree of results, ours or AlgoPerf's, as TensorBoard runs."""

from __future__ import annotations

import os
import pathlib
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from jaxperf import errors
from jaxperf.records import layout, parse, read


def export(root: str | os.PathLike, logdir: str | os.PathLike) -> int:
  """Writes one TensorBoard run a trial, replacing those of an earlier export.

  Args:
    root: folder of results; trials may still be running.
    logdir: gets the folders `SUBMISSION/study_K/WORKLOAD_FRAMEWORK/trial_J`.

  Returns:
    The number of trials.

  Raises:
    UserError: if TensorFlow or TensorBoard is not installed, or if `root`
      holds no results.
  """
  metric_writers = writers()
  results = read.results(root)
  points = read.hyperparameters(root, results.trials)
  evaluations = dict(list(results.evaluations.groupby('run')))
  for run, trial in results.trials['folder'].items():
    folder = pathlib.Path(logdir, trial)
    old = list(folder.glob('events.out.tfevents.*'))
    writer = metric_writers.SummaryWriter(str(folder))
    write_trial(
      writer,
      evaluations.get(run, results.evaluations.head(0)),
      parse.training_scalars(pathlib.Path(root, trial, layout.MEASUREMENTS)),
      points.loc[run].dropna().to_dict(),
    )
    writer.close()
    for file in old:
      file.unlink()
  return len(results.trials)


def check() -> None:
  """Makes sure that TensorFlow and TensorBoard are there.

  Raises:
    UserError: if not.
  """
  writers()


def writers() -> types.ModuleType:
  """The module `clu.metric_writers`.

  Raises:
    UserError: if TensorFlow or TensorBoard is not installed.
  """
  try:
    from clu import metric_writers
  except ModuleNotFoundError as error:
    raise errors.UserError(
      f'writing for TensorBoard needs {error.name}, which is not installed: '
      "pip install 'jaxperf[tensorboard]'"
    ) from None
  return metric_writers


def write_trial(
  writer,
  evaluations: pd.DataFrame,
  scalars: Iterable[parse.Scalars],
  point: Mapping[str, Any],
) -> None:
  """Writes what one trial recorded.

  Tags are `SPLIT/METRIC` and `time/NAME` at each evaluation, and
  `training/NAME` for the scalars of training steps. A metric that the trial
  never recorded has no tag; NaN among other values is written.

  Args:
    writer: a `clu.metric_writers.MetricWriter`.
    evaluations: rows of `read.Results.evaluations`.
    scalars: from `parse.training_scalars`.
    point: hyperparameters.
  """
  if point:
    writer.write_hparams({k: _plain(value) for k, value in point.items()})
  for step, values in _evaluations(evaluations):
    writer.write_scalars(int(step), values)
  for step, values in scalars:
    named = {f'training/{name}': value for name, value in values.items()}
    writer.write_scalars(step, named)


def _evaluations(rows: pd.DataFrame) -> Iterator[parse.Scalars]:
  """Metrics and times; columns that this trial never recorded are left out."""
  tags = {
    name: name if '/' in name else f'time/{name}'
    for name in rows.dropna(axis=1, how='all')
    if ('/' in name and not name.endswith('/num_examples'))
    or name.endswith('_s')
  }
  values = rows[list(tags)].rename(columns=tags).to_dict('records')
  return zip(rows['step'], values)


def _plain(value: Any) -> bool | int | float | str:
  """A hyperparameter as a type that TensorBoard can show."""
  return value if isinstance(value, (bool, int, float, str)) else str(value)
