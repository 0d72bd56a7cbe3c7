# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The tools of AlgoPerf read our trees, external ones too."""

import json
import os
import pathlib
import shutil

import pandas as pd
import pytest

from jaxperf import errors
from jaxperf.records import experiment, read
from tests import command, result_trees

SUBMISSION = """
import jaxperf, optax
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.adam(hps.learning_rate),
  tuning=jaxperf.Points([{'learning_rate': 1e-3}, {'learning_rate': 1e-2}]),
)
"""


def walk(root):
  """As the benchmark's scoring looks at logs.

  Whatever is in ROOT is a submission, whatever is in a submission is a study:
  both are listed without a look at what they are. In a study and in a workload
  of it, files are passed over. A trial without evaluations is passed over, too.
  """
  for submission in os.listdir(root):
    for study in os.listdir(os.path.join(root, submission)):
      assert study.startswith('study_')
      above = os.path.join(root, submission, study)
      for workload in os.listdir(above):
        assert os.path.isdir(os.path.join(above, workload))
        name, framework = workload.rsplit('_', maxsplit=1)
        assert framework == 'jax'
        for trial in os.listdir(os.path.join(above, workload)):
          assert trial.startswith('trial_')
          path = os.path.join(above, workload, trial, 'eval_measurements.csv')
          try:
            table = pd.read_csv(path)
          except FileNotFoundError:
            continue
          yield submission, study, name, trial, table


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """An experiment with external tuning, run, scored and reported."""
  path = tmp_path_factory.mktemp('external')
  (path / 'mine.py').write_text(SUBMISSION)
  done = command.jaxperf(
    *('run', '--config=quickstart', '--workdir=results'),
    *('--config.ruleset=external', '--config.submissions=mine.py'),
    *('--config.workloads=mini_clicks', '--config.studies=1'),
    *('--config.trials=2', '--config.max_steps=2'),
    cwd=path,
  )
  assert done.returncode == 0, done.stdout + done.stderr
  for name in ('score', 'report', 'status'):
    done = command.jaxperf(name, 'results', cwd=path)
    assert done.returncode == 0, done.stderr
  return path


def test_they_find_the_trials_and_nothing_that_stops_them(folder):
  found = list(walk(folder / 'results'))
  assert sorted(row[:4] for row in found) == [
    ('mine', 'study_0', 'mini_clicks', 'trial_1'),
    ('mine', 'study_0', 'mini_clicks', 'trial_2'),
  ]
  for *_, table in found:
    assert table['global_step'].tolist() == [1, 2]
  assert (folder / 'results.html').is_file()


def test_a_folder_moved_to_another_tree_takes_its_plan_along(folder, tmp_path):
  for name in ('one', 'two'):
    shutil.copytree(folder / 'results/mine', tmp_path / name)
  done = command.jaxperf('score', tmp_path)  # No option: the rules are known.
  assert done.returncode == 0, done.stderr
  assert 'one' in done.stdout
  assert 'two' in done.stdout


def test_a_trial_that_has_not_begun_is_no_trial_yet(folder, tmp_path):
  root = pathlib.Path(shutil.copytree(folder / 'results', tmp_path / 'copy'))
  trial = root / 'mine/study_0/mini_clicks_jax/trial_2'
  for path in trial.iterdir():
    if path.is_dir():
      shutil.rmtree(path)
    elif path.name not in ('job.json', 'tuning_search_space.json'):
      path.unlink()
  results = read.results(root)
  assert [path.name for path in results.trials['folder']] == ['trial_1']
  assert results.notes == []
  assert [row['trial'] for row in experiment.read(root).jobs] == [1, 2]
  assert '1 waiting' in command.jaxperf('status', root).stdout
  assert len(list(walk(root))) == 1


def _earlier(root, config, jobs):
  result_trees.write_tree(root)
  (root / 'config.json').write_text(json.dumps(config))
  (root / 'jobs.json').write_text(json.dumps(jobs))


def test_what_an_earlier_version_wrote_is_read_and_brought_into_form(tmp_path):
  job = {
    **{'submission': 'mine/fast.py', 'workload': 'wmt', 'study': 0},
    **{'trial': 1, 'seed': 3, 'point': {'a': 1}},
    'folder': 'fast/study_0/wmt_jax/trial_1',
  }
  config = {'rules': 'v0.5', 'workloads': ['wmt'], 'submissions': ['fast.py']}
  _earlier(tmp_path, config, [job])
  found = experiment.read(tmp_path)
  assert found == experiment.Experiment(config, [job], {})
  experiment.write(tmp_path, found.config, found.jobs)
  assert sorted(p.name for p in tmp_path.iterdir()) == ['fast', 'slow']
  assert experiment.read(tmp_path) == found


@pytest.mark.parametrize(
  ('name', 'text'),
  [
    ('config.json', '{'),
    ('config.json', '[]'),
    ('jobs.json', '{}'),
    ('fast/study_0/librispeech_conformer_jax/trial_1/job.json', 'no'),
  ],
)
def test_a_damaged_plan_is_named_and_scores_ask_for_rules(tmp_path, name, text):
  _earlier(tmp_path, {'rules': 'v0.5'}, [])
  (tmp_path / name).write_text(text)
  with pytest.raises(errors.UserError, match=f'{name} is damaged'):
    experiment.read(tmp_path)
  results = read.results(tmp_path)
  assert results.config == {}
  assert any(f'{name} is damaged' in str(note) for note in results.notes)


def test_trials_of_several_configs_are_told(tmp_path):
  result_trees.write_tree(tmp_path)
  (tmp_path / 'config.json').unlink()
  paths = sorted(tmp_path.glob('*/study_0/*/trial_1'))
  for number, path in enumerate(paths):
    config = {'rules': 'v0.5', 'seed': number % 2, 'workloads': [path.name]}
    (path / 'job.json').write_text(json.dumps({'config': config, 'job': {}}))
  results = read.results(tmp_path)
  assert results.config == {'rules': 'v0.5', 'workloads': ['trial_1']}
  assert [note.what for note in results.notes] == [
    'trials of several configs: seed is 0, 1'
  ]


def test_a_plan_of_which_nothing_has_begun_says_so(tmp_path):
  config = {'rules': 'v0.5', 'ruleset': 'self', 'workloads': ['wmt']}
  job = {
    **{'submission': 'a.py', 'workload': 'wmt', 'study': 0, 'trial': 1},
    **{'seed': 1, 'point': {}, 'folder': 'a/study_0/wmt_jax/trial_1'},
  }
  experiment.write(tmp_path, config, [job])
  with pytest.raises(errors.UserError, match='no trial in it has begun'):
    read.results(tmp_path)


def test_status_tells_of_a_loss_that_is_not_finite(folder, tmp_path):
  root = pathlib.Path(shutil.copytree(folder / 'results', tmp_path / 'copy'))
  path = root / 'mine/study_0/mini_clicks_jax/trial_2/progress.json'
  progress = json.loads(path.read_text()) | {'nonfinite_step': 7}
  path.write_text(json.dumps(progress))
  lines = command.jaxperf('status', root).stdout.splitlines()
  told = [line for line in lines if 'loss not finite from step 7' in line]
  assert len(told) == 1
  assert 'trial_2' in told[0]
