# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import copy
import json

import pytest

from jaxperf.costs import step_report
from tests import command

ROW = {
  'workload': 'wmt',
  'error': None,
  'batch_size': 8,
  'eval_batch_size': 4,
  'devices': 1,
  'step_s_blocks': [1.0, 1.2, 1.1],
  'eval_s_blocks': [2.0, 2.0, 2.0],
  'flops': 100,
  'bytes_accessed': 1000,
  'temporaries': 500,
  'collectives': {'all-reduce': {'count': 2, 'bytes': 40}},
}
RUN = {'steps': [ROW], 'environment': {'device_kind': 'cpu'}}


def _changed(**changes):
  run = copy.deepcopy(RUN)
  run['steps'][0] |= changes
  return run


def _compared(**changes):
  (row,) = step_report.compare(RUN, _changed(**changes))
  return row


def test_the_same_run_is_no_worse():
  row = _compared()
  assert row['step'] == [1.0, 1.0, 1.0]
  assert (row['flops'], row['exchanged'], row['worse']) == (1.0, 1.0, [])


def test_blocks_are_compared_in_pairs():
  row = _compared(step_s_blocks=[0.5, 1.2, 2.2])
  assert row['step'] == pytest.approx([2.0, 1.0, 0.5])
  assert row['worse'] == []


@pytest.mark.parametrize(
  ('changes', 'worse'),
  [
    ({'step_s_blocks': [1.1, 1.3, 1.2]}, ['step']),  # 0.91 to 0.92.
    ({'step_s_blocks': [1.1, 1.1, 1.2]}, []),  # One pair is above 1.
    ({'step_s_blocks': [1.04, 1.24, 1.14]}, []),  # 0.96 to 0.97.
    ({'eval_s_blocks': [3.0, 3.0, 3.0]}, ['evaluation']),
    ({'temporaries': 520}, []),
    ({'temporaries': 530}, ['temporaries']),
    (
      {'collectives': {'all-gather': {'count': 3, 'bytes': 80}}},
      ['count', 'exchanged'],
    ),
    ({'collectives': {}}, []),
  ],
)
def test_what_got_worse_is_named(changes, worse):
  assert _compared(**changes)['worse'] == worse


def test_exchanging_where_nothing_was_is_worse():
  (row,) = step_report.compare(_changed(collectives={}), RUN)
  assert row['worse'] == ['count', 'exchanged']


def test_other_batch_sizes_are_not_compared():
  assert (
    'batch_size is 8 before and 16 after' in _compared(batch_size=16)['error']
  )


def test_saved_runs_are_compared(tmp_path):
  before, after = tmp_path / 'before.json', tmp_path / 'after.json'
  before.write_text(json.dumps(RUN))
  changed = _changed(temporaries=1000)
  changed['steps'].append(ROW | {'workload': 'ogbg'})
  after.write_text(json.dumps(changed))
  arguments = ('bench', 'steps', f'--against={before}', f'--saved={after}')
  done = command.jaxperf(*arguments)
  assert done.returncode == 1
  assert 'wmt: worse in temporaries' in done.stdout
  assert 'only in one of the runs: ogbg' in done.stdout
  assert '0.50' in done.stdout
  assert 'not the same machine' not in done.stdout
  same = command.jaxperf(
    *arguments[:2], f'--against={before}', f'--saved={before}'
  )
  assert same.returncode == 0


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (None, 'cannot be read'),
    ('{', 'is not JSON'),
    ('[]', 'has no `steps`'),
    ('{"steps": [{"workload": "wmt"}], "environment": {}}', 'has no bytes_acc'),
  ],
)
def test_a_file_that_is_no_saved_run_is_named(tmp_path, content, message):
  path = tmp_path / 'run.json'
  if content is not None:
    path.write_text(content)
  done = command.jaxperf('bench', 'steps', f'--against={path}')
  assert done.returncode == 2
  assert f'{path} {message}' in done.stderr
