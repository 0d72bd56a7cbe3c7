# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""One training run: how it starts and ends, and what then is on disk."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import jax

from jaxperf import errors
from jaxperf.records import files, identity, layout
from jaxperf.trial import loop, memory
from jaxperf.trial import trial as trial_lib

_NO_SPACE = os.strerror(errno.ENOSPC)


def run(
  trial: trial_lib.Trial,
  folder: pathlib.Path,
  should_stop: Callable[[], bool] = lambda: False,
) -> layout.Outcome:
  """Trains until the trial ends; goes on from its last checkpoint if any.

  Args:
    trial: what to run.
    folder: where its records and checkpoints are.
    should_stop: asked between steps; True saves and ends with `stopped`.

  Returns:
    The outcome. If it is `STOPPED` no result is written: the trial can be
    continued.

  Raises:
    UserError: if the trial cannot start because of a mistake in its setting.
  """
  primary = jax.process_index() == 0
  with contextlib.ExitStack() as stack:
    if primary:
      stack.callback(files.Lock(folder).release)
      if (result := files.read_json(folder / 'result.json')) is not None:
        return layout.Outcome(result['outcome'])
      if trial.identity:
        identity.note(folder, trial.identity)
      own_folder = folder
    else:  # One process writes the records; the others' are thrown away.
      own_folder = pathlib.Path(
        stack.enter_context(tempfile.TemporaryDirectory())
      )
    session = loop.Session(trial, folder, own_folder)
    stack.callback(session.close)
    message = None
    try:
      outcome = session.train(should_stop)
      session.save_all()
    except errors.UserError:
      raise
    # Whatever a submission raises ends its trial, and says so in the log; so do
    # `sys.exit` and a KeyboardInterrupt of its own (ours only asks for a stop).
    except (Exception, SystemExit, KeyboardInterrupt) as error:
      traceback.print_exc()
      if primary and not (folder / 'lock').exists():
        raise errors.UserError(
          f'{folder} is gone: it was moved or removed while its trial ran'
        ) from error
      message = _message(error, folder)
      outcome = _outcome(error)
    if outcome is layout.Outcome.STOPPED:
      return outcome
    session.record.result(_summary(session, outcome, message))
    if primary and not trial.keep_state:
      shutil.rmtree(folder / 'checkpoints', ignore_errors=True)
    return outcome


def _summary(
  session: loop.Session, outcome: layout.Outcome, message: str | None
) -> dict[str, Any]:
  """The content of `result.json`."""
  progress = session.progress
  return {
    'outcome': outcome,
    'message': message,
    'step': progress.step,
    'submission_time': session.watch.submission_time(),
    'buckets': session.watch.seconds(),
    'seed': session.trial.training.seed,
    'preemption_count': progress.preemption_count,
    'validation_reached': progress.validation_reached,
    'test_reached': progress.test_reached,
    'nonfinite_step': progress.nonfinite_step,
    'eval_batches': session.evaluator.batches,
    'eval_batch_size': session.evaluator.batch_size,
    'peak_memory': memory.peak(),
  }


def _message(error: BaseException, folder: pathlib.Path) -> str:
  """What ended a trial, in a line."""
  if _NO_SPACE in str(error):  # In the text of what libraries raise, too.
    return f'no space is left on the disk: {folder} or a folder of its own'
  return errors.first_line(error)


def _outcome(error: BaseException) -> layout.Outcome:
  """How a trial ended that raised."""
  exhausted = isinstance(error, MemoryError) or (
    isinstance(error, jax.errors.JaxRuntimeError)
    and 'RESOURCE_EXHAUSTED' in str(error)
  )
  return layout.Outcome.OUT_OF_MEMORY if exhausted else layout.Outcome.ERROR
