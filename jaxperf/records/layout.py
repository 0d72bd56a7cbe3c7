# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How a tree of results is laid out: folders, columns, outcomes, notes.

Folders and columns are those of AlgoPerf's published logs.
"""

from __future__ import annotations

import enum
import pathlib
import re
from typing import NamedTuple

LAYOUT = 'SUBMISSION/study_K/WORKLOAD_FRAMEWORK/trial_J'
FRAMEWORK = re.compile(r'(.+)_(jax|pytorch)')
# Files of a trial.
EVALUATIONS = 'eval_measurements.csv'
MEASUREMENTS = 'measurements.csv'
JOB = 'job.json'
SEARCH_SPACE = 'tuning_search_space.json'
PLANNED = frozenset({JOB, SEARCH_SPACE})  # What is there before it begins.
REPLACED = 'replaced_'  # And a number: what a trial held before it began anew.
# Column on disk -> column of our tables, in the order on disk; metrics follow.
NAMES = {
  'global_step': 'step',
  'preemption_count': 'preemption_count',
  'score': 'score',
  'accumulated_submission_time': 'submission_s',
  'accumulated_eval_time': 'eval_s',
  'accumulated_logging_time': 'logging_s',
  'accumulated_compile_time': 'compile_s',
  'accumulated_data_wait_time': 'data_wait_s',
  'total_duration': 'total_s',
}
TIME_COLUMNS = tuple(NAMES)
# What every file of evaluations has.
REQUIRED = ('global_step', 'accumulated_submission_time')
# What AlgoPerf writes besides, all of it or, in other people's logs, none.
USUAL = (
  *('preemption_count', 'score', 'accumulated_eval_time'),
  *('accumulated_logging_time', 'total_duration'),
)
# What training steps record; they may record more.
SCALARS = ('grad_norm', 'loss')
SPLITS = ('train', 'validation', 'test')


def is_known(column: str) -> bool:
  """Whether a column, in any case, is one of the clock, a metric or usual.

  >>> is_known('Validation/Loss'), is_known('grad_norm'), is_known('Momentum')
  (True, True, False)
  """
  lower = column.lower()
  return lower in (*NAMES, *SCALARS) or lower.split('/')[0] in SPLITS


def scalar_column(name: str) -> str:
  r"""The column of a training scalar; names that mean something else move.

  >>> scalar_column('trust ratio'), scalar_column('score')
  ('trust ratio', 'scalar/score')
  >>> scalar_column('two\nlines'), scalar_column('Loss')
  ('two\\nlines', 'scalar/Loss')
  """
  if name in SCALARS:
    return name
  name = shown(name).strip()
  taken = not name or is_known(name) or name.startswith('scalar/')
  return f'scalar/{name}' if taken else name


class Outcome(enum.StrEnum):
  """How a trial ended, as `result.json` says it.

  Attributes:
    REACHED: the validation target was met.
    BUDGET: the budget was spent.
    FINISHED: the submission says it is done, or the step limit.
    DIVERGED: not reached, and the last validation metric is not finite.
    OUT_OF_MEMORY: the devices' or the host's memory did not suffice.
    ERROR: the submission raised something else.
    STOPPED: it was asked to stop, and can go on; it has no result yet.
  """

  REACHED = 'reached'
  BUDGET = 'budget'
  FINISHED = 'finished'
  DIVERGED = 'diverged'
  OUT_OF_MEMORY = 'out_of_memory'
  ERROR = 'error'
  STOPPED = 'stopped'

  @property
  def failed(self) -> bool:
    """Whether the trial broke, so that it says nothing about training.

    >>> Outcome('error').failed, Outcome.BUDGET.failed
    (True, False)
    """
    return self in (Outcome.OUT_OF_MEMORY, Outcome.ERROR)


def trial_folder(
  submission: str, study: int, workload: str, trial: int
) -> pathlib.PurePosixPath:
  """A trial's folder below the results folder; trials count from 1.

  >>> str(trial_folder('adam', 0, 'mini_clicks', 1))
  'adam/study_0/mini_clicks_jax/trial_1'
  """
  return pathlib.PurePosixPath(
    submission, f'study_{study}', f'{workload}_jax', f'trial_{trial}'
  )


def shown(name: str) -> str:
  r"""A name of a file or folder as text that can be printed anywhere.

  Bytes that are not UTF-8, and control characters, become escapes. A name that
  is shown as it is, is shown as the same text again.

  >>> shown('caf\udce9')
  'caf\\xe9'
  """
  text = name.encode(errors='surrogateescape').decode(errors='backslashreplace')
  return ''.join(
    c if c.isprintable() else c.encode('unicode_escape').decode() for c in text
  )


class Note(NamedTuple):
  """One thing that was skipped or repaired.

  Attributes:
    where: the file or folder, with the line number if there is one.
    what: what was found there and what was done about it.
  """

  where: str
  what: str

  def __str__(self) -> str:
    return f'{self.where}: {self.what}'
