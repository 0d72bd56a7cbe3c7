# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Export to TensorBoard; writing files needs TensorFlow, the rest does not."""

import math
import sys

import pandas as pd
import pytest

from jaxperf.cli import main
from jaxperf.records import parse, read
from jaxperf.records.sinks import tensorboard
from tests import result_trees

TRAINING = """global_step,grad_norm,loss,validation/wer,score
0,2.5,7.0,,
1,1.5,6.0,,
1,,,0.9,5.0
rubbish
100,0.5,\x00,,
200,0.25,3.0,,
300,0.2,1"""
ROWS = [(1, 5, 0.9), (100, 50, 'nan'), (200, 99, 0.08)]


class Recorder:
  """Takes what a clu MetricWriter would be given."""

  def __init__(self):
    self.scalars, self.hparams = [], []

  def write_scalars(self, step, scalars):
    self.scalars += [(name, step, value) for name, value in scalars.items()]

  def write_hparams(self, hparams):
    self.hparams.append(hparams)

  def values(self, tag):
    return [(step, value) for name, step, value in self.scalars if name == tag]


def make_tree(root):
  """One trial, interrupted in the middle of a line."""
  path = result_trees.add_trial(
    root,
    'mine',
    0,
    result_trees.CONFORMER,
    1,
    ROWS,
    hparams={'learning_rate': 0.1},
  )
  path.with_name('measurements.csv').write_text(TRAINING)
  return path.with_name('measurements.csv')


def written(root, point):
  """What the trial of `make_tree` gives to a writer."""
  scalars = parse.training_scalars(make_tree(root))
  recorder = Recorder()
  tensorboard.write_trial(
    recorder, read.results(root).evaluations, scalars, point
  )
  return recorder


def test_metrics_and_times_are_written_at_the_steps_of_their_evaluations(
  tmp_path,
):
  recorder = written(tmp_path, {})
  metric = recorder.values('validation/wer')
  assert metric[0] == (1, 0.9)
  assert metric[1][0] == 100
  assert math.isnan(metric[1][1])  # It diverged for a while: worth showing.
  assert metric[2] == (200, 0.08)
  assert recorder.values('time/submission_s') == [(1, 5), (100, 50), (200, 99)]
  assert all(type(step) is int for _, step, _ in recorder.scalars)


def test_training_scalars_leave_out_evaluations_and_damaged_lines(tmp_path):
  recorder = written(tmp_path, {})
  losses = recorder.values('training/loss')
  assert losses == [(0, 7.0), (1, 6.0), (200, 3.0)]
  norms = recorder.values('training/grad_norm')
  assert norms == [(0, 2.5), (1, 1.5), (200, 0.25)]


@pytest.mark.parametrize('content', [None, '', 'global_step,loss', 'a\n1\n'])
def test_a_trial_without_training_scalars_has_none(tmp_path, content):
  path = tmp_path / 'measurements.csv'
  if content is not None:
    path.write_text(content)
  assert list(parse.training_scalars(path)) == []


def test_what_was_never_recorded_has_no_tag():
  rows = pd.DataFrame(
    {'step': [1], 'test/wer': [math.nan], 'validation/num_examples': [3]}
  )
  recorder = Recorder()
  tensorboard.write_trial(recorder, rows, [], {})
  assert recorder.hparams == recorder.scalars == []


def test_hyperparameters_become_types_that_tensorboard_shows(tmp_path):
  point = {'learning_rate': 0.1, 'nesterov': True, 'blocks': [1, 2]}
  assert written(tmp_path, point).hparams == [point | {'blocks': '[1, 2]'}]


@pytest.fixture
def without_tensorflow(monkeypatch):
  monkeypatch.setitem(sys.modules, 'tensorflow', None)
  for name in list(sys.modules):
    if name.partition('.')[0] == 'clu':
      monkeypatch.delitem(sys.modules, name)


def test_without_tensorflow_the_message_names_the_extra(
  tmp_path, capsys, without_tensorflow
):
  make_tree(tmp_path)
  logdir = tmp_path / 'logs'
  code = main.main(['tensorboard', str(tmp_path), f'--logdir={logdir}'])
  assert code == 2
  message = capsys.readouterr().err
  assert 'needs tensorflow' in message
  assert "pip install 'jaxperf[tensorboard]'" in message
  assert not logdir.exists()


def test_a_run_that_cannot_export_is_refused_before_it_starts(
  tmp_path, capsys, without_tensorflow
):
  results = tmp_path / 'results'
  arguments = ['run', '--config=quickstart', f'--workdir={results}']
  assert main.main([*arguments, f'--config.tensorboard={tmp_path}/logs']) == 2
  assert "pip install 'jaxperf[tensorboard]'" in capsys.readouterr().err
  assert not results.exists()


def test_event_files_hold_the_last_export_once(tmp_path, capsys):
  pytest.importorskip('tensorflow')
  from tensorboard.backend.event_processing import event_accumulator
  from tensorboard.util import tensor_util

  make_tree(tmp_path / 'results')
  logdir = tmp_path / 'logs'
  for _ in range(2):
    arguments = ['tensorboard', str(tmp_path / 'results')]
    assert main.main([*arguments, f'--logdir={logdir}']) == 0
  assert '1 trials written' in capsys.readouterr().out
  (file,) = logdir.rglob('events.out.tfevents.*')
  assert file.parent.name == 'trial_1'
  events = event_accumulator.EventAccumulator(str(file.parent))
  events.Reload()
  losses = [
    (event.step, float(tensor_util.make_ndarray(event.tensor_proto)))
    for event in events.Tensors('training/loss')
  ]
  assert losses == [(0, 7.0), (1, 6.0), (200, 3.0)]
  assert '_hparams_/session_start_info' in events.summary_metadata
