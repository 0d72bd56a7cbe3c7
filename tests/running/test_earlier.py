# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A results folder that an earlier version wrote: it scores, goes on, reports.

`tests/data/earlier` holds two equal submissions on a task of eight steps: one
trial that ended, one that was stopped at step 5, and what was printed then.
"""

import csv
import pathlib
import shutil

import pytest

from tests import command

EARLIER = pathlib.Path(__file__).parents[1] / 'data' / 'earlier'


@pytest.fixture
def folder(tmp_path):
  """A copy that may be changed."""
  return pathlib.Path(shutil.copytree(EARLIER, tmp_path / 'earlier'))


def _printed(folder, *arguments):
  done = command.jaxperf(*arguments, cwd=folder)
  assert done.returncode == 0, done.stderr
  return done.stdout


def _metrics(folder, name):
  path = folder / 'run' / name / 'study_0/mini_molecules_jax/trial_1'
  with (path / 'eval_measurements.csv').open() as file:
    return [
      (int(row['global_step']), float(row['validation/loss']))
      for row in csv.DictReader(file)
    ]


def test_score_and_status_print_the_same(folder):
  score = (folder / 'score.txt').read_text()
  assert _printed(folder, 'score', 'run') == score
  assert (
    _printed(folder, 'status', 'run') == (folder / 'status.txt').read_text()
  )


def test_what_was_stopped_goes_on_to_the_same_numbers(folder):
  printed = _printed(folder, 'run', '--config=config.py', '--workdir=run')
  assert '2 trials, 1 done already' in printed
  log = folder / 'run/half/study_0/mini_molecules_jax/trial_1/trial.log'
  assert 'resumed at step 5' in log.read_text()
  whole, half = _metrics(folder, 'whole'), _metrics(folder, 'half')
  assert [step for step, _ in half] == [step for step, _ in whole] == [1, 4, 8]
  for (_, one), (_, other) in zip(whole, half):
    assert other == pytest.approx(one, rel=1e-4)


def test_it_can_be_reported(folder):
  _printed(folder, 'report', 'run')
  text = (folder / 'run.html').read_text()
  assert 'half and whole share the first place' in text
