# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad prepared data: what a run and a check say of it."""

import json
import shutil

import pytest

from jaxperf import errors
from jaxperf.datasets import check as check_lib
from tests import click_logs, command
from workloads.criteo1tb import shards

EXPECTED = click_logs.expected()
LINES = EXPECTED['lines_per_file']


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
  path = tmp_path_factory.mktemp('whole')
  click_logs.prepared(path)
  return path


@pytest.fixture
def data(tmp_path, whole):
  """A copy of the prepared data to spoil."""
  shutil.copytree(whole, tmp_path / 'data')
  return tmp_path / 'data'


def load(data):
  """The sentence with which prepared data is refused."""
  with pytest.raises(errors.UserError) as caught:
    shards.open_splits(data)
  assert '\n' not in str(caught.value)
  return str(caught.value)


def edit_manifest(data, **changes):
  path = data / 'criteo1tb' / 'manifest.json'
  path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_run_is_refused_without_whole_data_of_its_version(data, tmp_path):
  assert 'holds no prepared data' in load(tmp_path / 'nowhere')
  edit_manifest(data, format=99)
  assert 'has format 99, expected 1' in load(data)
  edit_manifest(data, format=1, version=99)
  assert 'holds version 99 of criteo1tb, expected version 1' in load(data)
  edit_manifest(data, version=1)
  shard = data / 'criteo1tb' / 'day_00_00.npy'
  content = shard.read_bytes()
  shard.unlink()
  assert f'{shard} is missing' in load(data)
  shard.write_bytes(content[:-1])
  assert f'has {len(content) - 1:,} bytes, expected' in load(data)
  (data / 'criteo1tb' / 'manifest.json').write_text('{')
  assert 'is damaged' in load(data)
  (data / 'criteo1tb' / 'manifest.json').unlink()
  assert 'is not finished: run the same command again' in load(data)


def test_a_run_without_a_folder_is_told_how_to_name_one(monkeypatch):
  monkeypatch.delenv('JAXPERF_DATA', raising=False)
  sentence = load('')
  assert '--config.data_dir=DIR' in sentence
  assert '$JAXPERF_DATA' in sentence


def checked(data, deep=False):
  lines = []
  fine = check_lib.run(
    click_logs.dataset(), data / 'criteo1tb', deep, lines.append
  )
  return fine, [line for line in lines if line.startswith('BAD')]


def test_one_flipped_byte_is_found_by_a_deep_check(data):
  shard = data / 'criteo1tb' / 'day_23_20.npy'
  content = bytearray(shard.read_bytes())
  content[-1] ^= 1
  shard.write_bytes(content)
  _, wrong = checked(data, deep=True)
  found = [line for line in wrong if str(shard) in line]
  assert len(found) == 1
  assert 'is damaged' in found[0]


def test_a_check_names_what_is_missing_or_miscounted(data):
  (data / 'criteo1tb' / 'day_01_00.npy').unlink()
  fine, wrong = checked(data)
  assert not fine
  assert 'day_01_00.npy is missing' in wrong[0]


def test_a_check_compares_the_rows_of_each_day(data):
  rows = list(EXPECTED['rows_per_day'])
  rows[7] += 1
  lines = []
  dataset = click_logs.dataset(rows_per_day=rows)
  check_lib.run(dataset, data / 'criteo1tb', False, lines.append)
  assert any(
    f'day 7: {rows[7] - 1} rows, expected {rows[7]}' in line for line in lines
  )


def test_checking_and_reading_write_nothing(data):
  before = {p: p.stat().st_mtime_ns for p in data.rglob('*')}
  checked(data, deep=True)
  splits = shards.open_splits(data)
  shards.Reader(splits.test).read(0, splits.test.num_rows)
  assert {p: p.stat().st_mtime_ns for p in data.rglob('*')} == before


def test_the_commands_end_with_their_codes(tmp_path):
  options = (f'--raw={click_logs.RAW}', f'--lines-per-file={LINES}')
  done = command.jaxperf(
    *('data', 'prepare', 'criteo1tb', f'--to={tmp_path}', *options)
  )
  assert done.returncode == 0, done.stderr
  assert f'{EXPECTED["rows"]["train"]:,} train' in done.stdout
  check = ('data', 'check', 'criteo1tb', f'--data-dir={tmp_path}', '--deep')
  done = command.jaxperf(*check)
  assert done.returncode == 0, done.stdout
  assert 'BAD' not in done.stdout
  for first in ('training', 'validation', 'test'):
    assert f'first {first} batch' in done.stdout
  done = command.jaxperf(*check, '--show')
  assert done.returncode == 2
  assert 'nothing to see in criteo1tb' in done.stderr
  (tmp_path / 'criteo1tb' / 'day_00_00.npy').unlink()
  done = command.jaxperf(*check)
  assert done.returncode == 1
  assert 'BAD' in done.stdout
  done = command.jaxperf('data', 'check', 'criteo2tb')
  assert done.returncode == 2
  assert 'did you mean' in done.stderr
  done = command.jaxperf('data', 'list', f'--data-dir={tmp_path}')
  assert done.returncode == 0
  assert 'CC BY-NC-SA' in done.stdout
