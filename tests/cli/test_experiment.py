# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The commands as a user starts them: in processes of their own."""

import csv
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from tests import command

RULES = """
title = "a few steps"
unit = "steps"
studies = 1
external_trials = 2
self_tuning_budget = 1.0
counts_compilation = false
hardware = "any"
precision = "float32"
tau_max = 4.0
fixed_batch_size = true

[workloads.mini_clicks]
metric = "loss"
direction = "minimize"
validation_target = -1.0
test_target = -1.0
budget = {steps}
eval_period = {steps}
step_hint = {steps}

[workloads.mini_molecules]
metric = "mean_average_precision"
direction = "maximize"
validation_target = 2.0
test_target = 2.0
budget = {steps}
eval_period = {steps}
step_hint = {steps}
"""
SUBMISSION = """
import jaxperf, optax
submission = jaxperf.Submission(
    optimizer=lambda hps, run: optax.adam(hps.learning_rate),
    tuning=jaxperf.SelfTuning(learning_rate=1e-3, dropout_rate=0.0),
)
"""
CONFIG = """
import ml_collections
def get_config():
  config = ml_collections.ConfigDict()
  config.rules = {rules!r}
  config.submissions = {submissions!r}
  config.workloads = ('mini_clicks',)
  return config
"""


class Folder:
  """A config, its rules, and submission files."""

  def __init__(self, path: pathlib.Path, steps=6, **submissions):
    self.path = path
    self.results = path / 'results'
    submissions = submissions or {'mine': SUBMISSION}
    files = []
    for name, text in submissions.items():
      files.append(str(path / f'{name}.py'))
      pathlib.Path(files[-1]).write_text(textwrap.dedent(text))
    rules = path / 'rules.toml'
    rules.write_text(RULES.format(steps=steps))
    config = CONFIG.format(rules=str(rules), submissions=tuple(files))
    (path / 'config.py').write_text(config)

  def arguments(self, *more):
    config = self.path / 'config.py'
    return 'run', f'--config={config}', f'--workdir={self.results}', *more

  def run(self, *more, **options):
    return command.jaxperf(*self.arguments(*more), **options)

  def trial(self, name='mine', workload='mini_clicks'):
    return self.results / name / 'study_0' / f'{workload}_jax' / 'trial_1'

  def outcome(self, name='mine'):
    return json.loads((self.trial(name) / 'result.json').read_text())['outcome']

  def losses(self, **names):
    with (self.trial(**names) / 'measurements.csv').open() as file:
      return [float(r['loss']) for r in csv.DictReader(file) if r['loss']]


@pytest.mark.parametrize(
  ('code', 'forbidden'),
  [
    ('import jaxperf', ('tensorflow', 'jax', 'pandas')),
    ('import jaxperf; jaxperf.Submission', ('tensorflow',)),
    (
      'import jaxperf.cli.main, jaxperf.scoring.verdict, '
      'jaxperf.records.read, jaxperf.report.page',
      ('jax', 'flax', 'optax', 'tensorflow'),
    ),
    ('import jaxperf.cli.main', ('jax', 'numpy', 'pandas', 'rich')),
  ],
)
def test_imports_stay_light(code, forbidden):
  script = f'{code}\nimport sys\nprint(sorted(sys.modules))'
  done = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  loaded = done.stdout
  assert not [name for name in forbidden if f"'{name}'" in loaded]


def test_an_experiment_runs_scores_reports_and_repeats_nothing(tmp_path):
  folder = Folder(tmp_path)
  done = folder.run()
  assert done.returncode == 0, done.stdout + done.stderr
  assert '1 trials: 1 budget' in done.stdout
  assert folder.outcome() == 'budget'
  settings = json.loads((folder.trial() / 'flags_0.json').read_text())
  assert settings['rng_seed'] > 0
  assert len(settings['submission_sha256']) == 64
  point = json.loads((folder.trial() / 'hparams.json').read_text())
  assert point == {'learning_rate': 1e-3, 'dropout_rate': 0.0}
  environment = json.loads((folder.trial() / 'meta_data_0.json').read_text())
  assert environment['jax_version']
  assert environment['device_platform'] == 'cpu'

  before = (folder.trial() / 'result.json').stat().st_mtime_ns
  assert '1 done already' in folder.run().stdout
  assert (folder.trial() / 'result.json').stat().st_mtime_ns == before

  status = command.jaxperf('status', folder.results)
  assert '1 trials: 1 budget' in status.stdout
  score = command.jaxperf('score', folder.results)
  assert score.returncode == 0, score.stderr
  assert 'mini_clicks' in score.stdout
  assert 'mine' in score.stdout
  report = command.jaxperf('report', folder.results)
  assert report.returncode == 0, report.stderr
  html = folder.results.with_name('results.html').read_text()
  assert '<svg' in html
  assert 'mini_clicks' in html


def test_external_tuning_runs_the_points_and_leaves_the_space(tmp_path):
  points = [{'learning_rate': 1e-3}, {'learning_rate': 1e-2}]
  folder = Folder(
    tmp_path,
    mine=SUBMISSION.replace(
      'jaxperf.SelfTuning(learning_rate=1e-3, dropout_rate=0.0)',
      f'jaxperf.Points({points})',
    ),
  )
  assert folder.run('--config.ruleset=external').returncode == 0
  written = folder.trial() / 'tuning_search_space.json'
  assert json.loads(written.read_text()) == points
  tried = [
    json.loads((folder.trial().parent / f'trial_{i}/hparams.json').read_text())
    for i in (1, 2)
  ]
  assert tried == points
  assert command.jaxperf('score', folder.results).returncode == 0


RAISING = """
import jaxperf, optax
def on_eval(history, run):
  raise RuntimeError('this one is broken')
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.sgd(0.1), on_eval=on_eval
)
"""


def test_a_raising_submission_does_not_stop_the_others(tmp_path):
  folder = Folder(tmp_path, broken=RAISING, mine=SUBMISSION)
  done = folder.run()
  assert done.returncode == 1
  assert 'RuntimeError: this one is broken' in done.stdout
  assert folder.outcome('broken') == 'error'
  assert folder.outcome('mine') == 'budget'
  assert 'Traceback' in (folder.trial('broken') / 'trial.log').read_text()
  # Mended, and run again on request alone.
  (tmp_path / 'broken.py').write_text(textwrap.dedent(SUBMISSION))
  done = folder.run()
  assert done.returncode == 2
  assert 'broken.py changed' in done.stderr
  done = folder.run('--retry')
  assert done.returncode == 0
  assert folder.outcome('broken') == 'budget'


BROKEN = """
import jaxperf, optax
def optimizer(hps, run):
  def update(updates, state, params=None):
    raise RuntimeError('this one is broken')
  return optax.GradientTransformation(lambda params: (), update)
submission = jaxperf.Submission(optimizer=optimizer)
"""

CHANGING = """
import jax, jaxperf, optax
def optimizer(hps, run):
  return optax.stateless(
      lambda updates, params: jax.tree.map(lambda u: u[:1], updates))
submission = jaxperf.Submission(optimizer=optimizer)
"""


@pytest.mark.parametrize(
  ('arguments', 'submission', 'message'),
  [
    (['--config.sed=1'], SUBMISSION, "did you mean 'seed'?"),
    (['--config.workloads=mini_click'], SUBMISSION, "mean 'mini_clicks'?"),
    (['--config.submissions=baselines.nadam'], SUBMISSION, 'baselines.nadamw'),
    ([], 'x = 1', "has no submission named 'submission'"),
    ([], CHANGING, 'must keep shapes and dtypes'),
    ([], BROKEN, 'mine.py, line 5: RuntimeError: this one is broken'),
    (['--config.microbatches=3'], SUBMISSION, '3 microbatches'),
  ],
)
def test_misuse_is_one_sentence_and_exit_code_two(
  tmp_path, arguments, submission, message
):
  folder = Folder(tmp_path, mine=submission)
  done = folder.run(*arguments)
  assert done.returncode == 2
  assert message in done.stderr
  assert done.stderr.startswith('jaxperf: ')
  assert len(done.stderr.strip().splitlines()) == 1
  assert not folder.results.exists()


def test_a_folder_of_another_config_is_refused(tmp_path):
  folder = Folder(tmp_path)
  folder.run()
  done = folder.run('--config.seed=5')
  assert done.returncode == 2
  assert 'choose another --workdir' in done.stderr


def _wait_for_steps(folder: Folder) -> None:
  deadline = time.monotonic() + 120
  while time.monotonic() < deadline:
    progress = folder.trial() / 'progress.json'
    if progress.exists() and json.loads(progress.read_text())['step'] > 5:
      return
    time.sleep(0.1)
  raise TimeoutError('the trial took no steps')


def test_ctrl_c_ends_all_children_and_the_experiment_goes_on(tmp_path):
  folder = Folder(tmp_path, steps=5000)
  words = [sys.executable, '-m', 'jaxperf', *folder.arguments()]
  parent = subprocess.Popen(
    words, stdout=subprocess.PIPE, text=True, start_new_session=True
  )
  _wait_for_steps(folder)
  parent.send_signal(signal.SIGINT)
  output, _ = parent.communicate(timeout=90)
  assert parent.returncode == 130
  assert 'the same command goes on' in output
  status = command.jaxperf('status', folder.results)
  assert '1 stopped' in status.stdout
  log = (folder.trial() / 'trial.log').read_text()
  assert log.endswith('outcome: stopped\n')
  again = subprocess.Popen(words, stdout=subprocess.DEVNULL)
  log = folder.trial() / 'trial.log'
  deadline = time.monotonic() + 90
  while 'resumed at step' not in log.read_text():
    assert time.monotonic() < deadline
    time.sleep(0.1)
  again.send_signal(signal.SIGTERM)
  again.wait(timeout=90)


def _free_port() -> int:
  with socket.socket() as server:
    server.bind(('localhost', 0))
    return server.getsockname()[1]


@pytest.mark.parametrize(
  'workload',
  ['mini_clicks', pytest.param('mini_molecules', marks=pytest.mark.slow)],
)
def test_two_processes_of_four_devices_give_the_curve_of_one(
  tmp_path, workload
):
  one = tmp_path / 'one'
  two = tmp_path / 'two'
  chosen = f'--config.workloads={workload}'
  for path, devices in ((one, 1), (two, 4)):
    path.mkdir()
    Folder(path, steps=50).run(chosen, '--config.max_steps=1', devices=devices)
  reference, folder = Folder(one, steps=50), Folder(two, steps=50)
  for made in (reference, folder):  # Folders are laid out; run them for real.
    path = made.trial(workload=workload) / 'job.json'
    planned = json.loads(path.read_text())
    planned['config']['max_steps'] = 0
    path.write_text(json.dumps(planned))
    for name in ('result.json', 'identity.json'):
      (made.trial(workload=workload) / name).unlink()
    shutil.rmtree(made.trial(workload=workload) / 'checkpoints')
  trial = folder.trial(workload=workload).relative_to(folder.results)
  command.jaxperf('trial', reference.results, trial)
  port = _free_port()
  environment = os.environ | {
    'XLA_FLAGS': '--xla_force_host_platform_device_count=4'
  }
  processes = [
    subprocess.Popen(
      [
        *(sys.executable, '-m', 'jaxperf', 'trial', folder.results, trial),
        *(f'--coordinator=localhost:{port}', '--num-processes=2'),
        f'--process-id={i}',
      ],
      env=environment,
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )
    for i in range(2)
  ]
  outputs = [p.communicate(timeout=300)[0] for p in processes]
  assert [p.returncode for p in processes] == [0, 0], outputs
  losses = folder.losses(workload=workload)
  assert len(losses) == 50
  np.testing.assert_allclose(
    losses, reference.losses(workload=workload), rtol=1e-4
  )
