# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the records of a trial of ours agree with each other.

Reads files alone. What a trial measured is in `eval_measurements.csv`, how it
ended in `result.json`, and the clock's buckets in both: whoever changes one of
them by hand, or a part of the clock, leaves a contradiction.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from jaxperf import rules as rules_lib
from jaxperf.records import files, layout, parse

_ROUNDING_S = 1e-3
# A clock may lose this much to what comes before its first and after its last
# reading, and to file systems whose times are coarse.
_LOST_S, _LOST_SHARE = 5.0, 0.05


def rows(folder: pathlib.Path) -> tuple[pd.DataFrame, list[layout.Note]]:
  """The evaluations of one trial, and what was wrong with their file."""
  path = folder / layout.EVALUATIONS
  content = path.read_bytes() if path.is_file() else b''
  return parse.evaluations({0: (path.name, content)})


def problems(
  folder: pathlib.Path,
  job: Mapping[str, Any],
  rules: rules_lib.Rules,
) -> list[str]:
  """What does not hold of a trial that has ended, a sentence each.

  Args:
    folder: of the trial.
    job: its line of the plan.
    rules: that it was run under.
  """
  result = files.read_json(folder / 'result.json')
  table, notes = rows(folder)
  found = [str(note) for note in notes]
  if layout.Outcome(result['outcome']).failed and table.empty:
    return []  # It claims nothing.
  if table.empty:
    return [*found, 'there is no evaluation']
  goal = rules.for_workload(job['workload'])
  found += _settings(folder, job, result)
  found += _ends(table, result, goal)
  found += _clock(table, result, rules.counts_compilation)
  if rules.unit == 'seconds':
    found += _wall(folder, result)
  return found


def met(table: pd.DataFrame, goal: rules_lib.WorkloadRules) -> pd.Series:
  """Which evaluations met the validation target."""
  column = f'validation/{goal.metric}'
  if column not in table:
    return pd.Series(False, index=table.index)
  return goal.reached(table[column], goal.validation_target)


def _settings(folder, job, result) -> Iterator[str]:
  """Tuning point and seed are those of the plan."""
  point = files.read_json(folder / 'hparams.json')
  if point != dict(job['point']):
    yield f'hparams.json says {point}, the plan {dict(job["point"])}'
  if result['seed'] != job['seed']:
    yield f'result.json says seed {result["seed"]}, the plan {job["seed"]}'


def _ends(
  table: pd.DataFrame, result: Mapping, goal: rules_lib.WorkloadRules
) -> Iterator[str]:
  """The end is that of the evaluations."""
  last = table.iloc[-1]
  reached = bool(met(table, goal).any())
  if reached != bool(result['validation_reached']):
    said, other = ('not', 'do') if reached else ('', 'do not')
    yield (
      f'result.json says that the validation target was {said} met'.replace(
        '  ', ' '
      )
      + f', the evaluations {other} meet it'
    )
  if result['outcome'] == 'reached' and not result['validation_reached']:
    yield 'result.json says "reached", and that no target was met'
  if result['step'] < last['step']:
    yield (
      f'the last evaluation is of step {last["step"]:.0f}, and the trial ended '
      f'at step {result["step"]}'
    )
  if result['submission_time'] + _ROUNDING_S < last['submission_s']:
    yield (
      f'the last evaluation is at {last["submission_s"]:.3f} s, and the trial '
      f'ended at {result["submission_time"]:.3f} s'
    )


def _clock(
  table: pd.DataFrame, result: Mapping, counts_compilation: bool
) -> Iterator[str]:
  """The times of each evaluation add up, and so do those of the result."""
  buckets = result['buckets']
  counted = ['train', 'prepare_eval', 'data_wait']
  counted += ['compile'] if counts_compilation else []
  sum_s = sum(buckets[name] for name in counted)
  if abs(sum_s - result['submission_time']) > _ROUNDING_S:
    yield (
      f'the buckets of the clock add up to {sum_s:.3f} s of submission time, '
      f'result.json says {result["submission_time"]:.3f} s'
    )
  for name in ('submission_s', 'eval_s', 'logging_s', 'total_s', 'step'):
    if (np.diff(table[name]) < -_ROUNDING_S).any():
      yield f'{name} goes back between two evaluations'
  if (abs(table['score'] - table['submission_s']) > _ROUNDING_S).any():
    yield 'score and accumulated_submission_time differ'
  # What is left is set-up, which takes time at each start and at no other.
  named = ['submission_s', 'eval_s', 'logging_s']
  named += [] if counts_compilation else ['compile_s']
  rest = table['total_s'] - table[named].sum(axis=1)
  spread = rest.groupby(table['preemption_count']).agg(np.ptp).max()
  last = rest.iloc[-1]
  whole = table['preemption_count'].iloc[-1] == result['preemption_count']
  if spread > _ROUNDING_S or (
    whole and abs(last - buckets['setup']) > _ROUNDING_S
  ):
    yield (
      'the times of the evaluations do not add up: total_duration leaves '
      f'{last:.3f} s beside those that are named, set-up took '
      f'{buckets["setup"]:.3f} s'
    )


def _wall(folder: pathlib.Path, result: Mapping) -> Iterator[str]:
  """The clock has not lost time, by the times of files.

  Those of an uninterrupted trial only; of a copied tree they say nothing, and
  raise no doubt.
  """
  if result['preemption_count']:
    return
  began = (folder / 'flags_0.json').stat().st_mtime
  lasted = (folder / 'result.json').stat().st_mtime - began
  said = sum(result['buckets'].values())
  if lasted > said * (1 + _LOST_SHARE) + _LOST_S:
    yield (
      f'the clock says {said:.1f} s, its files were written over {lasted:.1f} '
      's: it was tampered with, or the machine slept'
    )
