# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a tree of results, ours or AlgoPerf's, into tidy tables.

A tree is `ROOT/SUBMISSION/study_K/WORKLOAD_FRAMEWORK/trial_J/` with
`eval_measurements.csv` (or `.csv.gz`) and, optionally, `hparams.json`,
`meta_data_0.json` and `result.json` in the trial's folder. Whatever is skipped
or repaired leaves one note; nothing is dropped silently, and nothing but a
wrong ROOT is fatal.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from jaxperf import errors
from jaxperf.records import (
  claims,
  experiment,
  find,
  identity,
  layout,
  parse,
  verification,
)

_RECORDED = (
  'outcome',
  'message',
  'nonfinite_step',
  'last_step',
  'preemptions',
  'buckets',
  'hardware',
  'software',
  'identity',
  'verified',
)


class Results(NamedTuple):
  """What a tree of results holds.

  Attributes:
    evaluations: one row an evaluation: `run` (row of `trials`), `submission`,
      `study`, `workload`, `framework`, `trial`, `line` (in its file), `step`,
      `submission_s` and other times in seconds, and the metrics as
      `SPLIT/METRIC`.
    trials: one row a trial folder, also one without any evaluation:
      `submission`, `study`, `workload`, `framework`, `trial`, `path` (as
      text), `folder` (to open files with), `evaluations` (their number), and
      where they are recorded `outcome`, `message`, `nonfinite_step` (the first
      whose loss was not finite), `last_step`, `preemptions`, `buckets`
      (what the clock counted: name -> seconds), `hardware`, `software`; None
      otherwise.
      `identity` is a list of what made it, see `records.identity`; `verified`
      whether `jaxperf verify` passed it, None if it was not asked.
    notes: what was skipped or repaired.
    config: of the experiment; empty if there is none.
  """

  evaluations: pd.DataFrame
  trials: pd.DataFrame
  notes: list[layout.Note]
  config: Mapping


def results(root: str | os.PathLike) -> Results:
  """The results in a folder.

  Raises:
    UserError: if ROOT is no folder that holds submissions (the message says
      which level it seems to be), or holds a dress rehearsal.
  """
  root = pathlib.Path(root)
  notes: list[layout.Note] = []
  find.check_level(root)
  trials = list(find.walk(root, notes))
  config = _config(root, trials, notes)
  if config.get('rehearsal'):
    raise errors.UserError(
      f'{root} holds a dress rehearsal, whose evaluations cover a part of each '
      'split: there is nothing to score in it; the same `jaxperf run` tells '
      'again what it measured'
    )
  if not trials and config:
    raise errors.UserError(
      f'{root}: no trial in it has begun, so that there is nothing to score'
    )
  contents = {
    run: content
    for run, trial in enumerate(trials)
    if (content := _content(root, trial, notes)) is not None
  }
  growing = [run for run in contents if _growing(root, trials[run])]
  rows, row_notes = parse.evaluations(contents, growing)
  notes += row_notes
  table = pd.DataFrame(trials, columns=find.Trial._fields).drop(columns='files')
  table['evaluations'] = np.bincount(
    rows['run'].astype(int), minlength=len(table)
  )
  records = [_record(root, trial, notes) for trial in trials]
  table = table.join(pd.DataFrame(records, columns=_RECORDED, dtype=object))
  return Results(_labelled(rows, table), table, notes, config)


def hyperparameters(
  root: str | os.PathLike, trials: pd.DataFrame
) -> pd.DataFrame:
  """The hyperparameters of each trial: one row a trial, one column a name.

  Args:
    root: the folder that was read.
    trials: as in `Results`; decides the order of the rows.
  """
  points = []
  for folder in trials['folder']:
    file = pathlib.Path(root, folder, 'hparams.json')
    point = _json(file) if file.is_file() else None
    points.append(point or {})
  return pd.DataFrame(points, index=trials.index)


def _content(
  root: pathlib.Path, trial: find.Trial, notes: list[layout.Note]
) -> tuple[str, bytes] | None:
  """Path and bytes of a trial's evaluations; None, with a note, if unreadable.

  The file may be compressed, with the name that gzip gives it.
  """
  names = [layout.EVALUATIONS, f'{layout.EVALUATIONS}.gz']
  there = [name for name in names if name in trial.files]
  if not there:
    what = f'no {layout.EVALUATIONS}: an infinite trial'
    notes.append(layout.Note(trial.path, what))
    return None
  path = f'{trial.path}/{there[0]}'
  for other in there[1:]:
    notes.append(
      layout.Note(f'{trial.path}/{other}', f'beside {there[0]}: ignored')
    )
  try:
    return path, (root / trial.folder / there[0]).read_bytes()
  except OSError as error:
    notes.append(layout.Note(path, f'unreadable: {error.strerror}'))
    return None


def _growing(root: pathlib.Path, trial: find.Trial) -> bool:
  """Whether a trial of ours has not ended, so that its files may grow."""
  if 'result.json' in trial.files:
    return False
  return (
    'progress.json' in trial.files
    or claims.owner(root / trial.folder) is not None
  )


def _labelled(rows: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
  """Evaluations with the columns that say whose they are."""
  run = rows['run'].to_numpy(int)
  labels = {'run': run}
  for name in ('submission', 'study', 'workload', 'framework', 'trial'):
    column = trials[name]
    if name not in ('study', 'trial'):
      column = column.astype('category')
    labels[name] = column.array.take(run)
  return pd.concat(
    [
      pd.DataFrame(labels, index=rows.index),
      rows.drop(columns='run'),
    ],
    axis=1,
  )


def _record(
  root: pathlib.Path, trial: find.Trial, notes: list[layout.Note]
) -> dict:
  """How a trial ended and on what it ran, as far as that is recorded."""
  result = _optional_json(root, trial, 'result.json', notes)
  environment = _optional_json(root, trial, 'meta_data_0.json', notes)
  return {
    'outcome': _text(result.get('outcome')),
    'message': _text(result.get('message')),
    'nonfinite_step': result.get('nonfinite_step'),
    'last_step': result.get('step'),
    'preemptions': result.get('preemption_count'),
    'buckets': result.get('buckets'),
    'hardware': _hardware(environment),
    'software': _text(environment.get('jax_version')),
    'identity': _identity(root, trial, notes),
    'verified': _verified(root, trial, notes),
  }


def _identity(
  root: pathlib.Path, trial: find.Trial, notes: list[layout.Note]
) -> list[identity.Identity]:
  """What made a trial; nothing if that was not recorded."""
  if identity.FILE not in trial.files:
    return []
  try:
    return identity.read(root / trial.folder)
  except errors.UserError as error:
    notes.append(layout.Note(f'{trial.path}/{identity.FILE}', f'{error}'))
    return []


def _verified(
  root: pathlib.Path, trial: find.Trial, notes: list[layout.Note]
) -> bool | None:
  """What `jaxperf verify` found, if it was about the files as they are."""
  found = verification.read(root / trial.folder)
  if found is None:
    return None
  if not found.current:
    what = (
      'the trial has changed since it was verified: it counts as unverified'
    )
    notes.append(layout.Note(f'{trial.path}/{verification.FILE}', what))
    return None
  return found.passed


def _text(value: object) -> str | None:
  return None if value is None else str(value)


def _hardware(environment: Mapping) -> str | None:
  """One line for the device that a trial ran on."""
  if environment.get('gpu_model_name'):
    count = environment.get('gpu_count', environment.get('gpu.count'))
    return f'{f"{count}x " if count else ""}{environment["gpu_model_name"]}'
  cpu = environment.get('cpu_model_name')
  return f'{cpu}, {environment.get("cpu_count")} cores' if cpu else None


def _optional_json(
  root: pathlib.Path, trial: find.Trial, name: str, notes: list[layout.Note]
) -> dict:
  if name not in trial.files:
    return {}
  content = _json(root / trial.folder / name)
  if content is None:
    notes.append(
      layout.Note(f'{trial.path}/{name}', 'not a JSON object: ignored')
    )
  return content or {}


def _config(
  root: pathlib.Path, trials: list[find.Trial], notes: list[layout.Note]
) -> Mapping:
  """What the experiment's config says; notes on what it does not."""
  try:
    planned = [t.folder for t in trials if layout.JOB in t.files]
    found = experiment.read(root, planned or None)
  except errors.UserError as error:
    notes.append(layout.Note(str(root), f'{error}: the plan is ignored'))
    return {}
  if found is None:
    return {}
  for key, values in found.mixed.items():
    several = ', '.join(map(repr, values))
    notes.append(
      layout.Note(str(root), f'trials of several configs: {key} is {several}')
    )
  return found.config


def _json(path: pathlib.Path) -> dict | None:
  """A JSON object; None if the file holds anything else."""
  try:
    content = json.loads(path.read_bytes())
  except (OSError, ValueError):
    return None
  return content if isinstance(content, dict) else None
