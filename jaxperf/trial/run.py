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

from jaxperf import errors, mesh
from jaxperf.records import claims, files, identity, layout, starts
from jaxperf.trial import loop, memory, watchdog
from jaxperf.trial import trial as trial_lib

_NO_SPACE = os.strerror(errno.ENOSPC)
_TOGETHER_S = 15.0  # Between processes that fail for the same reason.
_LOST = 75  # Exit status of a process that can be started again.


class PeersLostError(Exception):
  """Another process of the trial is gone, or cannot be reached."""


def run(
  trial: trial_lib.Trial,
  folder: pathlib.Path,
  should_stop: Callable[[], bool] = lambda: False,
  claim: claims.Claim | None = None,
  say: Callable[[str], None] = lambda stage: None,
) -> layout.Outcome:
  """Trains until the trial ends; goes on from its last checkpoint if any.

  Args:
    trial: what to run.
    folder: where its records and checkpoints are.
    should_stop: asked between steps; True saves and ends with `stopped`.
    claim: on the folder, where it was taken already.
    say: is told what the process does while it starts.

  Returns:
    The outcome. If it is `STOPPED` no result is written: the trial can be
    continued.

  Raises:
    UserError: if the trial cannot start because of a mistake in its setting.
    PeersLostError: if another process that runs it too is gone; nothing is
      written then, and the trial can be continued.
  """
  primary = jax.process_index() == 0
  with contextlib.ExitStack() as stack:
    if primary:
      if claim is None:
        claim = claims.Claim(folder)
        stack.callback(claim.release)
      if (result := files.read_json(folder / 'result.json')) is not None:
        return layout.Outcome(result['outcome'])
      if (message := _given_up(trial, folder)) is not None:
        return _gave_up(folder, trial, message)
      if trial.identity:
        identity.note(folder, trial.identity)
      own_folder = folder
    else:  # One process writes the records; the others' are thrown away.
      own_folder = pathlib.Path(
        stack.enter_context(tempfile.TemporaryDirectory())
      )
    check = claim.check if claim is not None else lambda: None
    session = loop.Session(trial, folder, own_folder, check, say)
    stack.callback(session.close)
    if trial.hang_s and jax.process_count() > 1:
      dog = watchdog.Watchdog(session.signs, trial.hang_s, _LOST)
      stack.callback(dog.close)
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
      _raise_if_it_can_go_on(error, folder)
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


def _raise_if_it_can_go_on(error: BaseException, folder: pathlib.Path) -> None:
  """Raises for what is no fault of the submission.

  What a submission does wrong it does in all processes alike.

  Raises:
    PeersLostError: if not all processes come here.
    UserError: if the folder is gone.
  """
  try:
    mesh.wait_for_processes('failed', _TOGETHER_S)
  except RuntimeError:
    raise PeersLostError(
      f'a process that runs {folder} too is gone, or failed alone ('
      f'{errors.first_line(error)}): the trial goes on from its last '
      'checkpoint when all are started again'
    ) from error
  if jax.process_index() == 0 and not (folder / 'lock').exists():
    raise errors.UserError(
      f'{folder} is gone: it was moved or removed while its trial ran'
    ) from error


def _given_up(trial: trial_lib.Trial, folder: pathlib.Path) -> str | None:
  """Why a trial is not tried again, if it was often enough."""
  if trial.retries is None:
    return None
  before = starts.note(folder)
  if before.fruitless <= trial.retries:
    return None
  times = before.fruitless
  return (
    f'it was lost {times} times in a row without getting beyond step '
    f'{before.step}'
  )


def _gave_up(
  folder: pathlib.Path, trial: trial_lib.Trial, message: str
) -> layout.Outcome:
  """Writes that a trial is not tried again."""
  print(message, flush=True)
  result = {
    'outcome': layout.Outcome.ERROR,
    'message': message,
    'step': starts.step(folder),
    'submission_time': None,
    'seed': trial.training.seed,
  }
  files.write_json(folder / 'result.json', result)
  return layout.Outcome.ERROR


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
