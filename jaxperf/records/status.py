# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How far an experiment is, from its folder alone; no JAX here."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from jaxperf import text as text_lib
from jaxperf.records import claims, experiment, files

_STALE_S = 300.0


class TrialStatus(NamedTuple):
  """One trial as its folder shows it.

  Attributes:
    folder: below the results folder.
    result: content of `result.json`, None if the trial has not ended.
    progress: content of `progress.json`, None if it has not started.
    silent_s: seconds since its last sign of life, by the clock of its disk;
      None without one, or where that was not asked for.
    holder: who claims it, None if nobody.
    lost: whether who claims it is gone.
    queued: what a scheduler says of it, if it has it.
  """

  folder: pathlib.PurePath
  result: dict | None
  progress: dict | None
  silent_s: float | None
  holder: claims.Holder | None = None
  lost: bool = False
  queued: str = ''

  @property
  def running(self) -> bool:
    """Whether a process runs it."""
    return self.holder is not None and not self.lost


def read_trial(
  folder: pathlib.Path,
  trial: pathlib.PurePath,
  now: float | None = None,
  queued: str = '',
) -> TrialStatus:
  """The state of one trial; locks nothing.

  Args:
    folder: results folder.
    trial: folder below it.
    now: time by the clock of the disk, see `files.now`.
    queued: what a scheduler says of it.
  """
  path = folder / trial
  progress_file = path / 'progress.json'
  progress = files.read_json(progress_file)
  silent_s = None
  if progress is not None and now is not None:
    silent_s = max(now - progress_file.stat().st_mtime, 0.0)
  holder = claims.read(path)
  return TrialStatus(
    folder=trial,
    result=files.read_json(path / 'result.json'),
    progress=progress,
    silent_s=silent_s,
    holder=holder,
    lost=holder is not None and claims.void(path, holder),
    queued=queued,
  )


def read_experiment(
  folder: pathlib.Path, queued: Mapping[str, str] | None = None
) -> list[TrialStatus]:
  """The state of all trials.

  Args:
    folder: results folder.
    queued: folder of a trial below it -> what a scheduler says of it.

  Raises:
    UserError: if the folder was not made by `jaxperf run`.
  """
  known = queued or {}
  rows, now = experiment.load(folder).jobs, files.now(folder)
  return [
    read_trial(
      folder, pathlib.PurePath(row['folder']), now, known.get(row['folder'], '')
    )
    for row in rows
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
    rows.append([str(trial.folder), f'{state:<13}', _said(trial, state)])
  totals = ', '.join(f'{n} {state}' for state, n in counts.most_common())
  lines = text_lib.aligned(rows)
  return '\n'.join([*lines, f'{len(trials)} trials: {totals}'])


def _said(trial: TrialStatus, state: str) -> str:
  """How far a trial is, and where."""
  said = describe(trial)
  if state == 'running':
    job = f', job {trial.holder.job}' if trial.holder.job else ''
    return f'{said} ({trial.holder.host}{job})'
  if state == 'silent':
    return f'{said} (silent {_duration(trial.silent_s)}, {trial.holder.host})'
  if state == 'lost':
    return f'{said} (its process on {trial.holder.host} is gone)'
  return f'{said} ({trial.queued})' if state == 'queued' else said


def _state(trial: TrialStatus) -> str:
  """The outcome, or what a trial without one does."""
  if trial.result is not None:
    return trial.result['outcome']
  if trial.running:
    return 'silent' if (trial.silent_s or 0) > _STALE_S else 'running'
  if trial.queued:
    return 'queued'
  if trial.lost:
    return 'lost'
  return 'waiting' if trial.progress is None else 'stopped'


def _duration(seconds: float) -> str:
  """Seconds as people say them."""
  if seconds < 90:
    return f'{seconds:.0f} s'
  if seconds < 5400:
    return f'{seconds / 60:.0f} min'
  return f'{seconds / 3600:.1f} h'
