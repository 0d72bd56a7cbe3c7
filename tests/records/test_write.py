# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys

import pytest

from jaxperf.records import claims, files, layout, write

METRICS = [
  'train/loss',
  'validation/loss',
  'test/loss',
  'validation/num_examples',
  'test/num_examples',
]
# Columns of a published trial of the 2024 competition.
PUBLISHED_EVALUATIONS = {
  'accumulated_eval_time',
  'accumulated_logging_time',
  'accumulated_submission_time',
  'global_step',
  'preemption_count',
  'score',
  'test/loss',
  'test/num_examples',
  'total_duration',
  'train/loss',
  'validation/loss',
  'validation/num_examples',
}


def _evaluation(step):
  return dict.fromkeys(PUBLISHED_EVALUATIONS, 1.0) | {'global_step': step}


def _lines(path):
  return path.read_text().splitlines()


def test_the_tables_have_the_published_columns(tmp_path):
  record = write.TrialRecord(tmp_path, METRICS)
  record.start([], 0)
  evaluations = _lines(tmp_path / 'eval_measurements.csv')[0].split(',')
  assert set(evaluations) >= PUBLISHED_EVALUATIONS
  measurements = _lines(tmp_path / 'measurements.csv')[0].split(',')
  assert set(measurements) >= PUBLISHED_EVALUATIONS | {'loss', 'grad_norm'}
  assert measurements[0] == 'global_step'
  assert len(set(measurements)) == len(measurements)


def test_the_layout_is_the_published_one():
  folder = layout.trial_folder('nadamw', 0, 'ogbg', 1)
  assert str(folder) == 'nadamw/study_0/ogbg_jax/trial_1'


def test_rows_of_lost_work_and_half_written_lines_are_dropped(tmp_path):
  record = write.TrialRecord(tmp_path, METRICS)
  record.start([], 0)
  for step in range(6):
    record.scalars(step, {'loss': step / 10, 'grad_norm': 1.0})
    if step in (2, 5):
      record.evaluation(_evaluation(step + 1))
  for name in ('measurements.csv', 'eval_measurements.csv'):
    with (tmp_path / name).open('a') as file:
      file.write('7,0.3')  # Killed while writing.
  # The checkpoint knew of three steps and one evaluation.
  again = write.TrialRecord(tmp_path, METRICS)
  again.start([_evaluation(3)], 3)
  assert len(_lines(tmp_path / 'eval_measurements.csv')) == 1 + 1
  rows = [line.split(',') for line in _lines(tmp_path / 'measurements.csv')]
  assert [row[0] for row in rows[1:]] == ['0', '1', '2', '3']
  again.scalars(3, {'loss': 0.3})
  again.flush()
  assert _lines(tmp_path / 'measurements.csv')[-1].startswith('3,,0.3')


def test_training_scalars_survive_an_interruption_to_the_last_digit(tmp_path):
  record = write.TrialRecord(tmp_path, METRICS)
  record.start([], 0)
  for step, loss in enumerate((0.1 + 0.2, 1e-7, float('nan'), float('inf'))):
    record.scalars(step, {'loss': loss, 'grad_norm': 1e22 + step})
  record.scalars(4, {})
  record.flush()
  before = _lines(tmp_path / 'measurements.csv')
  write.TrialRecord(tmp_path, METRICS).start([], 5)
  assert _lines(tmp_path / 'measurements.csv') == before


def test_a_json_file_is_written_whole_or_not_at_all(tmp_path):
  path = tmp_path / 'x.json'
  files.write_json(path, {'a': 1})
  with pytest.raises(TypeError):
    files.write_json(path, {'a': object()})
  assert json.loads(path.read_text()) == {'a': 1}


def test_a_lock_is_held_by_one_and_freed(tmp_path):
  assert claims.owner(tmp_path) is None
  lock = claims.Claim(tmp_path)
  assert str(claims.owner(tmp_path)).startswith(f'process {os.getpid()} on ')
  with pytest.raises(claims.TakenError, match='is being run by process'):
    claims.Claim(tmp_path)
  lock.release()
  assert claims.owner(tmp_path) is None
  claims.Claim(tmp_path).release()


def test_a_new_trial_does_not_load_pandas(tmp_path):
  code = (
    'import pathlib, sys\n'
    'from jaxperf.records import write\n'
    f'write.TrialRecord(pathlib.Path({str(tmp_path)!r}), []).start([], 0)\n'
    'print("pandas" in sys.modules)'
  )
  run = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  assert run.stdout.strip() == 'False'
