# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Trials that are lost are started again, but not for ever."""

import json
import subprocess
import sys

import pytest

from jaxperf.records import files, starts
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import launch
from jaxperf.running import run as run_lib
from jaxperf.trial import run as trial_run
from tests import tiny

RESULT = {'outcome': 'budget', 'message': None, 'submission_time': 1.0}


class Losing:
  """A launcher whose one trial is lost, at steps that a test says."""

  detached = False

  def __init__(self, steps, status=-9):
    self.steps, self.status = list(steps), status
    self.tasks, self.running, self.started = [], [], 0

  @property
  def waiting(self):
    return len(self.tasks)

  def start(self, tasks):
    self.tasks += tasks
    self.started += len(tasks)

  def ended(self):
    (task,), self.tasks = self.tasks, []
    if not self.steps:
      files.write_json(task.folder / 'result.json', RESULT)
      return [launch.Ended(task, 0)]
    files.write_json(
      task.folder / 'progress.json',
      {
        'step': self.steps.pop(0),
        'used': 1,
        'budget': 2,
        'unit': 'steps',
        'value': None,
        'target': 1.0,
        'metric': 'loss',
        'stage': 'train',
        'running_s': 1.0,
      },
    )
    return [launch.Ended(task, self.status)]

  def stop(self):
    pass


@pytest.mark.parametrize(
  ('steps', 'started', 'code'),
  [
    ([7], 2, 0),
    ([7, 7, 7], 4, 0),  # The first and three more.
    ([7, 7, 7, 7], 4, 1),
    ([7, 7, 7, 9, 9, 9, 12], 8, 0),  # It comes further now and then.
  ],
)
def test_a_lost_trial_is_started_again_as_long_as_it_comes_further(
  tmp_path, monkeypatch, steps, started, code
):
  launcher = Losing(steps)
  monkeypatch.setattr(launch, 'make', lambda config: launcher)
  assert run_lib.run(_config(), tmp_path / 'results') == code
  assert launcher.started == started


@pytest.mark.parametrize('status', [0, 1, launch.STOPPED])
def test_what_ended_by_itself_is_not_started_again(
  tmp_path, monkeypatch, status
):
  launcher = Losing([7], status)
  monkeypatch.setattr(launch, 'make', lambda config: launcher)
  assert run_lib.run(_config(), tmp_path / 'results') == 1
  assert launcher.started == 1


def test_how_often_is_the_users_choice(tmp_path, monkeypatch, capsys):
  launcher = Losing([7, 7])
  monkeypatch.setattr(launch, 'make', lambda config: launcher)
  config = _config(retries=1)
  assert run_lib.run(config, tmp_path / 'results') == 1
  assert launcher.started == 2
  printed = capsys.readouterr().out
  assert 'its process was ended by SIGKILL; started again\n' in printed
  assert 'its process was ended by SIGKILL; started again, it goes' in printed


def test_a_trial_itself_gives_up_where_nobody_counts(tmp_path):
  """As on a cluster, whose scripts do not."""
  made = tiny.make_trial(tiny.make_training(), retries=2)
  for step, fruitless in ((5, 0), (5, 1), (5, 2)):
    files.write_json(tmp_path / 'progress.json', {'step': step})
    assert starts.note(tmp_path) == (step, fruitless)
  assert trial_run.run(made, tmp_path) == 'error'
  result = json.loads((tmp_path / 'result.json').read_text())
  assert result['message'] == (
    'it was lost 3 times in a row without getting beyond step 5'
  )
  assert result['step'] == 5


def test_who_starts_an_experiment_begins_the_count_anew(tmp_path, monkeypatch):
  launcher = Losing([])
  monkeypatch.setattr(launch, 'make', lambda config: launcher)
  config, results = _config(), tmp_path / 'results'
  plan = jobs_lib.plan(config)
  folder_lib.write(results, config, plan)
  trial = results / plan.jobs[0].folder
  starts.note(trial)
  assert run_lib.run(config, results) == 0
  assert not (trial / starts.FILE).exists()


def test_a_crash_of_each_start_ends_in_a_result(tmp_path):
  """With real processes, one of which counts what the others leave."""
  (tmp_path / 'mine.py').write_text(
    'import os, jaxperf, optax\n'
    'def select_data(batches, opt_state, params, key):\n'
    '  os._exit(9)\n'
    'submission = jaxperf.Submission(\n'
    '  optimizer=lambda hps, run: optax.sgd(0.1), select_data=select_data,\n'
    '  tuning=jaxperf.SelfTuning())\n'
  )
  config = _config(submissions=(str(tmp_path / 'mine.py'),), retries=0)
  plan, results = jobs_lib.plan(config), tmp_path / 'results'
  folder_lib.write(results, config, plan)
  name = str(plan.jobs[0].folder)
  codes = []
  while len(codes) < 2:
    done = subprocess.run(
      [sys.executable, '-P', '-m', 'jaxperf', 'trial', results, name],
      capture_output=True,
    )
    codes.append(done.returncode)
  assert codes == [9, 1]
  result = json.loads((results / name / 'result.json').read_text())
  assert result['outcome'] == 'error'


def _config(**values):
  return config_lib.make_config(
    {
      'submissions': ('baselines.adamw',),
      'ruleset': 'external',
      'workloads': ('mini_clicks',),
      'studies': 1,
      'trials': 1,
    }
    | values
    | ({'ruleset': 'self'} if 'submissions' in values else {})
  )
