# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""`jaxperf verify` passes what was measured, and nothing else."""

import csv
import json
import os
import pathlib
import shutil

import pytest

from jaxperf import errors
from jaxperf.records import read, verification
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import isolated, verify, worker
from jaxperf.running import jobs as jobs_lib
from jaxperf.scoring import selection
from jaxperf.scoring import verdict as verdict_lib
from jaxperf.trial import evaluation, stopwatch
from jaxperf.trial import run as run_lib
from tests import command

# The target is met at step 4 or 8; the second needs a longer run.
RULES = """
title = "a few steps"
unit = "{unit}"
studies = 1
external_trials = 1
self_tuning_budget = 1.0
counts_compilation = false
hardware = "any"
precision = "float32"
tau_max = 4.0
fixed_batch_size = true

[workloads.mini_clicks]
metric = "loss"
direction = "minimize"
validation_target = {target}
test_target = -1.0
budget = {budget}
eval_period = {period}
step_hint = 12
"""
SUBMISSION = """
import jaxperf, optax
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.adam(hps.learning_rate),
  tuning=jaxperf.SelfTuning(learning_rate={rate}),
)
"""
WORKLOAD = 'mini_clicks'


def trial_of(name):
  return f'{name}/study_0/{WORKLOAD}_jax/trial_1'


def run(place, target=0.578, unit='steps', budget=12, period=4, **submissions):
  """Runs submissions in this process; returns the results folder."""
  rules = RULES.format(unit=unit, target=target, budget=budget, period=period)
  (place / 'rules.toml').write_text(rules)
  for name, rate in submissions.items():
    (place / f'{name}.py').write_text(SUBMISSION.format(rate=rate))
  config = config_lib.make_config(
    {
      'rules': str(place / 'rules.toml'),
      'submissions': [str(place / f'{name}.py') for name in submissions],
      'keep_state': True,
    }
  )
  folder = place / 'results'
  plan = jobs_lib.plan(config)
  folder_lib.write(folder, config, plan)
  for job in plan.jobs:
    run_lib.run(worker.make_trial(config, job), folder / job.folder)
  return folder


@pytest.fixture
def same_process(monkeypatch):
  """Judges in this process, with what JSON makes of the answer."""

  def call(function, arguments, variables=None):
    del variables
    return json.loads(json.dumps(function(**arguments))), None

  monkeypatch.setattr(isolated, 'call', call)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
  """Results of a fast submission that meets the target and of a slow one."""
  return run(tmp_path_factory.mktemp('made'), fast=3e-3, slow=1e-9)


@pytest.fixture
def folder(made, tmp_path):
  """A copy that may be changed."""
  return pathlib.Path(shutil.copytree(made, tmp_path / 'results'))


def checked(folder, **options):
  """Exit code and the lines that are said."""
  lines = []
  return verify.verify(folder, say=lines.append, **options), lines


def test_honest_trials_pass_in_processes_of_their_own(folder):
  done = command.jaxperf('verify', folder, '--replay', devices=8)
  assert done.returncode == 0, done.stdout + done.stderr
  assert done.stdout.splitlines() == [
    f'{trial_of("fast")}: passed (records, weights of step 4, 12, replay, bit '
    'for bit)',
    f'{trial_of("slow")}: passed (records, weights of step 12, replay, bit for '
    'bit)',
    '2 trials: 2 passed',
  ]


def edit(path, change):
  """Changes the evaluations of a trial: a function of the list of rows."""
  with (path / 'eval_measurements.csv').open(newline='') as file:
    rows = list(csv.DictReader(file))
  rows = change(rows) or rows
  with (path / 'eval_measurements.csv').open('w', newline='') as file:
    writer = csv.DictWriter(file, rows[0], lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)


def edit_result(path, **values):
  content = json.loads((path / 'result.json').read_text()) | values
  (path / 'result.json').write_text(json.dumps(content))


def better_metric(path):
  """The slow one meets the target, says the log and the result."""

  def change(rows):
    rows[-1]['validation/loss'] = '0.5'

  edit(path('slow'), change)
  edit_result(path('slow'), outcome='reached', validation_reached=True)


def earlier(path):
  """Half of the time of a trial never was."""

  def change(rows):
    for row in rows:
      half = float(row['score']) / 2
      row['score'] = row['accumulated_submission_time'] = repr(half)

  edit(path('fast'), change)


def row_lost(path):
  """The evaluation that met the target first is gone."""
  edit(path('fast'), lambda rows: [r for r in rows if r['global_step'] != '4'])


def other_weights(path):
  """The weights are those of another trial."""
  shutil.rmtree(path('slow') / 'judged')
  shutil.copytree(path('fast') / 'judged', path('slow') / 'judged')
  shutil.rmtree(path('slow') / 'judged' / '4')


def other_outcome(path):
  edit_result(path('slow'), outcome='reached', validation_reached=True)


def weights_lost(path):
  shutil.rmtree(path('fast') / 'judged')


def damaged_weights(path):
  for file in (path('fast') / 'judged').rglob('*'):
    if file.is_file() and file.stat().st_size > 5000:
      file.write_bytes(file.read_bytes()[:-4000] + bytes(4000))


def other_seed(path):
  edit_result(path('fast'), seed=1)


def more_steps(path):
  edit(path('slow'), lambda rows: [*rows, rows[-1] | {'global_step': '100'}])


@pytest.mark.parametrize(
  ('tamper', 'name', 'said'),
  [
    (better_metric, 'slow', 'the log says validation/loss 0.5'),
    (earlier, 'fast', 'times of the evaluations do not add up'),
    (row_lost, 'fast', 'weights were kept of step 4, which is not in the log'),
    (other_weights, 'slow', 'the weights give'),
    (other_outcome, 'slow', 'the evaluations do not meet it'),
    (weights_lost, 'fast', 'no weights were kept of step 4'),
    (damaged_weights, 'fast', 'the weights cannot be judged again'),
    (other_seed, 'fast', 'result.json says seed 1'),
    (more_steps, 'slow', 'the trial ended at step 12'),
  ],
)
def test_a_tampered_tree_is_found(folder, same_process, tamper, name, said):
  tamper(lambda name: folder / trial_of(name))
  code, lines = checked(folder)
  assert code == 1
  by_trial = dict(line.split(': ', 1) for line in lines)
  assert by_trial[trial_of(name)].startswith('FAILED: ')
  assert said in by_trial[trial_of(name)]
  other = 'slow' if name == 'fast' else 'fast'
  assert by_trial[trial_of(other)].startswith('passed')
  assert by_trial['2 trials'] == '1 passed, 1 failed'


def test_a_forged_log_with_forged_weights_is_found_by_a_replay(
  folder, same_process, tmp_path
):
  # A longer run's weights with a log that fits them, under another seed's job.
  other = tmp_path / 'other'
  other.mkdir()
  forged = run(other, fast=1e-2) / trial_of('fast')
  for name in ('judged', 'eval_measurements.csv', 'result.json'):
    path = folder / trial_of('fast') / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    copy = shutil.copytree if (forged / name).is_dir() else shutil.copy
    copy(forged / name, path)
  assert checked(folder)[0] == 0
  code, lines = checked(folder, patterns=['fast/*'], replay=True)
  assert code == 1
  assert 'run again, it is' in lines[0]


def test_an_evaluator_that_lies_is_found(tmp_path, same_process, monkeypatch):
  honest = evaluation.Evaluator.__call__

  def lie(self, *arguments):
    return honest(self, *arguments) | {'validation/loss': 0.1}

  with monkeypatch.context() as patch:
    patch.setattr(evaluation.Evaluator, '__call__', lie)
    folder = run(tmp_path, fast=3e-3)
  code, lines = checked(folder)
  assert code == 1
  assert 'the log says validation/loss 0.1, the weights give' in lines[0]


def test_a_stopwatch_that_lies_is_found(tmp_path, same_process, monkeypatch):
  with monkeypatch.context() as patch:
    patch.setattr(stopwatch.Stopwatch, 'submission_time', lambda self: 0.01)
    folder = run(tmp_path, fast=3e-3)
  code, lines = checked(folder)
  assert code == 1
  assert 'the times of the evaluations do not add up' in lines[0]


def test_a_slow_clock_is_found_by_the_times_of_files(tmp_path, same_process):
  folder = run(tmp_path, unit='seconds', budget=0.4, period=0.1, fast=3e-3)
  assert checked(folder)[0] == 0
  path = folder / trial_of('fast') / 'flags_0.json'
  began = path.stat().st_mtime - 100
  os.utime(path, (began, began))
  code, lines = checked(folder)
  assert code == 1
  assert 'the clock says' in lines[0]


def test_a_replay_evaluates_after_the_same_steps_whatever_the_clock(
  tmp_path, same_process
):
  folder = run(tmp_path, unit='seconds', budget=0.4, period=0.1, fast=3e-3)
  code, lines = checked(folder, replay=True)
  assert code == 0, lines
  assert 'replay, bit for bit' in lines[0]


def test_what_changed_since_is_not_replayed(folder, same_process, monkeypatch):
  source = pathlib.Path(folder_lib.read_jobs(folder)[0].spec)
  before = source.read_text()

  def call(function, arguments, variables=None):
    del variables
    try:
      return json.loads(json.dumps(function(**arguments))), None
    except errors.UserError as error:
      return None, str(error)

  monkeypatch.setattr(isolated, 'call', call)
  try:
    source.write_text(before + '# Later.\n')
    code, lines = checked(folder, patterns=['fast/*'], replay=True)
  finally:
    source.write_text(before)
  assert code == 1
  assert 'fast.py changed' in lines[0]


def scored(folder, **options):
  """Times that count, and what is warned of."""
  verdict = verdict_lib.judge(
    read.results(folder), selection.Options(unit='steps', **options)
  )
  return verdict.times[WORKLOAD].to_dict(), verdict


def test_only_verified_trials_count_if_asked(folder, same_process):
  steps, _ = scored(folder)
  assert steps == {'fast': 4, 'slow': float('inf')}
  steps, verdict = scored(folder, verified=True)
  assert steps == {'fast': float('inf'), 'slow': float('inf')}
  assert any('2 of 2 trials did not pass' in w for w in verdict.warnings)
  assert sum('not verified' in note.what for note in verdict.notes) == 2
  assert checked(folder)[0] == 0
  steps, verdict = scored(folder, verified=True)
  assert steps == {'fast': 4, 'slow': float('inf')}
  assert verdict.trials['verified'].tolist() == [True, True]
  # What was verified is these records and no others.
  earlier(lambda name: folder / trial_of(name))
  steps, verdict = scored(folder, verified=True)
  assert steps['fast'] == float('inf')
  assert any('changed since it was verified' in n.what for n in verdict.notes)
  assert checked(folder)[0] == 1
  assert scored(folder, verified=True)[1].trials['verified'].tolist() == [
    False,
    True,
  ]


@pytest.mark.parametrize('content', ['', '[]', '{"problems": []}'])
def test_a_damaged_verification_counts_as_none(folder, content):
  (folder / trial_of('fast') / verification.FILE).write_text(content)
  results = read.results(folder)
  assert results.trials['verified'].tolist() == [None, None]
  assert 'changed since it was verified' in results.notes[0].what


def test_a_trial_that_has_not_ended_is_counted(folder, same_process):
  (folder / trial_of('slow') / 'result.json').unlink()
  code, lines = checked(folder)
  assert code == 0
  assert lines[-1] == '2 trials: 1 passed, 1 not ended'


def test_a_wrong_pattern_is_named(folder):
  with pytest.raises(errors.UserError, match="no trial 'fist/'"):
    verify.verify(folder, ['fist/*'.replace('*', '')])


@pytest.mark.slow
def test_all_small_tasks_pass(tmp_path):
  # A few steps each; averaged weights and a state with keys among them.
  done = command.jaxperf(
    *('run', '--config=mini_self_tuning', f'--workdir={tmp_path / "out"}'),
    '--config.submissions=baselines.adamw,baselines.schedule_free_adamw,'
    'baselines.muon',
    *('--config.studies=1', '--config.max_steps=3'),
    cwd=tmp_path,
  )
  assert done.returncode == 0, done.stdout + done.stderr
  done = command.jaxperf('verify', tmp_path / 'out')
  assert done.returncode == 0, done.stdout
  assert done.stdout.count(': passed (records, weights of step 3)') >= 24
