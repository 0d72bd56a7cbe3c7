# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How far an experiment is, from its folder alone; no JAX here."""

from __future__ import annotations

import collections
import pathlib
import time
from typing import NamedTuple

from jaxperf import text as text_lib
from jaxperf.records import experiment, files

_STALE_S = 300.0


class TrialStatus(NamedTuple):
  """One trial as its folder shows it.

  Attributes:
    folder: below the results folder.
    result: content of `result.json`, None if the trial has not ended.
    progress: content of `progress.json`, None if it has not started.
    silent_s: seconds since its last sign of life, None without one.
    running: whether a process holds its lock.
  """

  folder: pathlib.PurePath
  result: dict | None
  progress: dict | None
  silent_s: float | None
  running: bool


def read_trial(folder: pathlib.Path, trial: pathlib.PurePath) -> TrialStatus:
  """The state of one trial."""
  path = folder / trial
  progress_file = path / 'progress.json'
  progress = files.read_json(progress_file)
  silent_s = None
  if progress is not None:
    silent_s = time.time() - progress_file.stat().st_mtime
  return TrialStatus(
    folder=trial,
    result=files.read_json(path / 'result.json'),
    progress=progress,
    silent_s=silent_s,
    running=files.owner(path) is not None,
  )


def read_experiment(folder: pathlib.Path) -> list[TrialStatus]:
  """The state of all trials.

  Raises:
    UserError: if the folder was not made by `jaxperf run`.
  """
  return [
    read_trial(folder, pathlib.PurePath(row['folder']))
    for row in experiment.load(folder).jobs
  ]


def describe(trial: TrialStatus) -> str:
  """Step, metric and time left of a trial, in a few words."""
  progress = trial.progress
  if progress is None:
    return 'starting' if trial.running else 'waiting'
  unit = ' s' if progress['unit'] == 'seconds' else ''
  text = (
    f'step {progress["step"]}, {progress["used"]:.0f} of '
    f'{progress["budget"]:.0f}{unit or " steps"}'
  )
  if progress['value'] is not None:
    text += (
      f', {progress["metric"]} {progress["value"]:.4g} '
      f'(target {progress["target"]:.4g})'
    )
  if (step := progress.get('nonfinite_step')) is not None:
    text += f', loss not finite from step {step}'
  if trial.result is not None:
    seconds = trial.result['submission_time']
    return text if seconds is None else f'{text}, {seconds:.1f} s'
  if progress['step'] > 1:  # The first one says little.
    left = progress['running_s'] * (progress['budget'] / progress['used'] - 1)
    text += f', at most {_duration(left)} left'
  return f'{progress["stage"]}: {text}'


def table(trials: list[TrialStatus]) -> str:
  """One line a trial and one of totals."""
  rows, counts = [], collections.Counter()
  for trial in trials:
    state = _state(trial)
    counts[state] += 1
    said = describe(trial)
    if trial.running and (trial.silent_s or 0) > _STALE_S:
      said += f' (no progress for {_duration(trial.silent_s)})'
    rows.append([str(trial.folder), f'{state:<13}', said])
  totals = ', '.join(f'{n} {state}' for state, n in counts.most_common())
  lines = text_lib.aligned(rows)
  return '\n'.join([*lines, f'{len(trials)} trials: {totals}'])


def _state(trial: TrialStatus) -> str:
  """The outcome, or `running`, `stopped`, `waiting`."""
  if trial.result is not None:
    return trial.result['outcome']
  if trial.running:
    return 'running'
  return 'waiting' if trial.progress is None else 'stopped'


def _duration(seconds: float) -> str:
  """Seconds as people say them."""
  if seconds < 90:
    return f'{seconds:.0f} s'
  if seconds < 5400:
    return f'{seconds / 60:.0f} min'
  return f'{seconds / 3600:.1f} h'
