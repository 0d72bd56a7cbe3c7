# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Killed at any instant and started again, a trial ends with the same numbers.

Run as a script this file trains: `python test_resume.py FOLDER`.
"""

import csv
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jaxperf.trial import checkpoint, compiled, run, trial
from tests import tiny

STEPS = 400


def _slow_stream(seed, batch_size, cursor=None):
  """The tiny training data at 200 batches a second, so that kills hit."""
  for item in tiny.WORKLOAD.data.train(seed, batch_size, cursor):
    time.sleep(0.005)
    yield item


WORKLOAD = tiny.WORKLOAD._replace(
  data=tiny.WORKLOAD.data._replace(train=_slow_stream)
)
LIMITS = {'budget': STEPS, 'eval_period': 50}
OFTEN = {'checkpoint_every_s': 0.05, 'keep_state': True}


def _trial() -> trial.Trial:
  training = tiny.make_training(workload=WORKLOAD, **LIMITS)
  return tiny.make_trial(training, tiny.UNREACHABLE, **OFTEN)


def _start(script: list[str], folder: pathlib.Path) -> subprocess.Popen:
  root = pathlib.Path(__file__).parents[2]
  return subprocess.Popen(
    [sys.executable, *script, str(folder)],
    env=os.environ | {'PYTHONPATH': str(root), 'XLA_FLAGS': ''},
    stdout=subprocess.DEVNULL,
  )


def _step(folder: pathlib.Path) -> int:
  """How far the trial was when its checkpoints were last complete."""
  steps = [p.name for p in (folder / 'checkpoints').glob('*')]
  return max((int(s) for s in steps if s.isdigit()), default=0)


def _kill_somewhere(
  script: list[str], folder: pathlib.Path, rng: random.Random
) -> None:
  """Starts the trial, lets it save at least once more, kills it."""
  process = _start(script, folder)
  begin = _step(folder)
  while _step(folder) <= begin and process.poll() is None:
    time.sleep(0.01)
  time.sleep(rng.random() * 0.15)  # During a step, a save, an evaluation.
  process.send_signal(signal.SIGKILL)
  process.wait()


def _final(folder: pathlib.Path, made: trial.Trial):
  checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
  state, progress = checkpointer.restore(compiled.abstract_state(made.training))
  checkpointer.close()
  return jax.tree.map(np.asarray, state), progress


def _evaluations(folder: pathlib.Path):
  with (folder / 'eval_measurements.csv').open() as file:
    return list(csv.DictReader(file))


def _compare(folder: pathlib.Path, whole: pathlib.Path) -> None:
  rows, expected = _evaluations(folder), _evaluations(whole)
  metrics = [name for name in rows[0] if '/' in name] + ['global_step']
  assert [[r[m] for m in metrics] for r in rows] == [
    [r[m] for m in metrics] for r in expected
  ]
  losses = [
    [line for line in csv.DictReader(file.open()) if line['loss']]
    for file in (folder / 'measurements.csv', whole / 'measurements.csv')
  ]
  assert losses[0] == losses[1]


def _submission_time(folder: pathlib.Path) -> float:
  result = json.loads((folder / 'result.json').read_text())
  return result['submission_time']


def _check_clock(folder: pathlib.Path, whole: pathlib.Path) -> None:
  rows = _evaluations(folder)
  times = [float(r['accumulated_submission_time']) for r in rows]
  assert np.all(np.diff(times) > 0)
  # Each batch takes 5 ms: a loss of counted work would show, and so would
  # start-up or compilation (a second or more each time) on the counted clock.
  assert _submission_time(folder) > 0.9 * STEPS * 0.005
  assert _submission_time(folder) < 1.5 * _submission_time(whole)


def check_kills(
  script: list[str], made: trial.Trial, folder: pathlib.Path, kills: int
) -> None:
  """Runs a trial whole, and killed at random instants; compares all numbers.

  Args:
    script: a Python file and its arguments; it runs the trial in the folder
      that is its last argument.
    made: that trial, with the data of `WORKLOAD`, `LIMITS` and `OFTEN`.
    folder: where to run it.
    kills: how often.
  """
  rng = random.Random(kills)
  whole, killed = folder / 'whole', folder / 'killed'
  assert _start(script, whole).wait() == 0
  for _ in range(kills):
    _kill_somewhere(script, killed, rng)
  assert _start(script, killed).wait() == 0
  state, progress = _final(killed, made)
  reference, _ = _final(whole, made)
  jax.tree.map(np.testing.assert_array_equal, state, reference)
  assert 0 < progress['preemption_count'] <= kills
  _compare(killed, whole)
  _check_clock(killed, whole)


@pytest.mark.parametrize('kills', [3, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_at_random_instants_it_ends_with_the_same_numbers(
  tmp_path, kills
):
  check_kills([__file__], _trial(), tmp_path, kills)


if __name__ == '__main__':
  run.run(_trial(), pathlib.Path(sys.argv[1]))


def test_a_trial_that_lost_its_result_alone_ends_where_it_ended(tmp_path):
  """As when it is killed between its last checkpoint and its result."""
  made = tiny.make_trial(tiny.make_training(budget=20, eval_period=5))
  before = run.run(made, tmp_path)
  rows = (tmp_path / 'eval_measurements.csv').read_text()
  result = json.loads((tmp_path / 'result.json').read_text())
  (tmp_path / 'result.json').unlink()
  assert run.run(made, tmp_path) == before
  assert (tmp_path / 'eval_measurements.csv').read_text() == rows
  again = json.loads((tmp_path / 'result.json').read_text())
  assert (again['step'], again['outcome']) == (result['step'], before)
