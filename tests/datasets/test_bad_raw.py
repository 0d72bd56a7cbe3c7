# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad raw data and bad disks: each is told in one sentence."""

import errno
import gzip
import pathlib
import shutil

import pytest

from jaxperf import errors, prepared
from jaxperf.datasets import prepare as prepare_lib
from tests import click_logs

EXPECTED = click_logs.expected()
LINES = EXPECTED['lines_per_file']


@pytest.fixture
def raw(tmp_path):
  """A copy of the raw files to spoil."""
  return shutil.copytree(click_logs.RAW, tmp_path / 'raw')


def refused(raw, to, dataset=None, **options):
  """The sentence with which the preparation is refused."""
  with pytest.raises(errors.UserError) as caught:
    prepare_lib.run(dataset or click_logs.dataset(), raw, to, **options)
  sentence = str(caught.value)
  assert '\n' not in sentence
  # Processes that are ended in the middle leave something to overwrite.
  assert options.get('workers', 1) > 1 or not list(to.glob('**/*.part'))
  assert not (to / 'criteo1tb' / 'manifest.json').exists()
  return sentence


def days(to):
  return {path.name[:6] for path in to.glob('criteo1tb/day_*.npy')}


def edit(raw, day, change):
  """Changes the lines of a day."""
  path = raw / f'day_{day}.gz'
  lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
  path.write_bytes(gzip.compress(b''.join(change(lines))))


def edit_field(raw, day, line, field, value):
  def change(lines):
    fields = lines[line].rstrip(b'\n').split(b'\t')
    fields[field] = value
    lines[line] = b'\t'.join(fields) + b'\n'
    return lines

  edit(raw, day, change)


@pytest.mark.parametrize('workers', [1, 2])
def test_a_truncated_archive_leaves_nothing_of_its_day(raw, tmp_path, workers):
  path = raw / 'day_23.gz'
  path.write_bytes(path.read_bytes()[:-100])
  sentence = refused(raw, tmp_path / 'to', workers=workers)
  assert str(path) in sentence
  assert 'download it again' in sentence
  assert f'{path.stat().st_size:,} bytes' in sentence
  assert 'day_23' not in days(tmp_path / 'to')
  shutil.copy(click_logs.RAW / 'day_23.gz', path)
  click_logs.prepared(tmp_path / 'to', raw)


def test_a_damaged_archive_is_named(raw, tmp_path):
  path = raw / 'day_3.gz'
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  sentence = refused(raw, tmp_path / 'to')
  assert str(path) in sentence
  assert 'day_03' not in days(tmp_path / 'to')


def test_text_that_is_cut_off_is_told_with_its_line(tmp_path):
  raw = click_logs.unpacked(tmp_path / 'raw')
  path = raw / 'day_2'
  path.write_bytes(path.read_bytes()[:-30])
  sentence = refused(raw, tmp_path / 'to')
  count = EXPECTED['rows_per_day'][2]
  assert f'{path} line {count} has' in sentence
  assert 'fields' in sentence


def test_a_wrong_number_of_lines_fails(raw, tmp_path):
  edit(raw, 5, lambda lines: lines[:-1])
  sentence = refused(raw, tmp_path / 'to')
  count = EXPECTED['rows_per_day'][5]
  assert f'day_5 has {count - 1:,} lines, expected {count:,}' in sentence
  assert 'day_05' not in days(tmp_path / 'to')


def test_missing_days_are_named(raw, tmp_path):
  (raw / 'day_2.gz').unlink()
  (raw / 'day_17.gz').unlink()
  sentence = refused(raw, tmp_path / 'to')
  assert 'lacks day_2, day_17 ' in sentence
  assert 'fewer rows' in sentence
  assert not (tmp_path / 'to').exists()


def test_missing_parts_are_named(tmp_path):
  raw = click_logs.split(tmp_path / 'raw', LINES)
  (raw / 'day_23_01').unlink()
  assert 'day_23_01 of day 23 is missing' in refused(raw, tmp_path / 'to')
  (raw / 'day_23_00').rename(raw / 'day_23_01')
  assert 'day_23_00 of day 23 is missing' in refused(raw, tmp_path / 'to')


@pytest.mark.parametrize(
  ('field', 'value', 'said'),
  [
    (3, b'1.5', "has '1.5' in field 4, expected an integer"),
    (3, b'-', "has '-' in field 4, expected an integer"),
    (3, b'abc', "has 'abc' in field 4, expected an integer"),
    (3, b'1234567890123456789', 'in field 4, expected an integer'),
    (20, b'0123abc', "has '0123abc' in field 21, expected 8 lower-case"),
    (20, b'0123abcdef', "has '0123abcdef' in field 21, expected 8"),
    (20, b'0123ABCD', "has '0123ABCD' in field 21, expected 8"),
    (20, b'-123abcd', "has '-123abcd' in field 21, expected 8"),
    (39, b'-2', "has '-2' in field 40, expected 8"),
    (0, b'2', "has the label '2', expected 0 or 1"),
    (0, b'label', 'not the original files'),
    (39, b'0123abcd\r', 'not the original files'),
    (39, b'0123abcd\t1', 'has 41 fields, expected 40'),
    (39, b'\xff123abcd', 'in field 40, expected 8'),
  ],
)
def test_a_malformed_field_is_told_with_its_line(
  raw, tmp_path, field, value, said
):
  edit_field(raw, 23, 100, field, value)
  sentence = refused(raw, tmp_path / 'to')
  assert f'{raw / "day_23.gz"} line 101 ' in sentence
  assert said in sentence


def test_too_few_fields_are_counted(raw, tmp_path):
  def change(lines):
    lines[4] = lines[4].rsplit(b'\t', 3)[0] + b'\n'
    return lines

  edit(raw, 4, change)
  assert 'line 5 has 37 fields, expected 40' in refused(raw, tmp_path / 'to')


def test_two_lines_in_one_are_not_taken_for_two(raw, tmp_path):
  def change(lines):
    return [lines[0].rstrip(b'\n') + b'\t' + lines[1], *lines[2:]]

  edit(raw, 4, change)
  assert 'line 1 has 80 fields' in refused(raw, tmp_path / 'to')


def test_a_header_line_is_refused(raw, tmp_path):
  edit(raw, 0, lambda lines: [b'label\t' + b'\t'.join([b'x'] * 39) + b'\n'])
  assert "has the label 'label'" in refused(raw, tmp_path / 'to')


def test_parts_of_another_length_are_refused(tmp_path):
  raw = click_logs.split(tmp_path / 'raw', LINES + 1)
  sentence = refused(raw, tmp_path / 'to')
  assert f'has {LINES + 1} lines, expected {LINES}' in sentence
  assert 'test and validation would move' in sentence


def test_a_day_in_two_forms_is_refused(raw, tmp_path):
  text = gzip.decompress((raw / 'day_2.gz').read_bytes())
  (raw / 'day_2.csv').write_bytes(text)
  sentence = refused(raw, tmp_path / 'to')
  assert 'day 2 is there in two forms' in sentence
  assert 'day_2.csv' in sentence
  assert 'day_2.gz' in sentence


def test_a_full_disk_is_told_before_anything_is_done(tmp_path, monkeypatch):
  usage = shutil.disk_usage('/')._replace(free=10**6)
  monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
  sentence = refused(click_logs.RAW, tmp_path / 'to')
  assert '0.0 GB free' in sentence
  assert 'GB more' in sentence
  assert not days(tmp_path / 'to')


def test_a_disk_that_fills_up_keeps_what_is_finished(tmp_path, monkeypatch):
  real, calls = prepared.os.fsync, []

  def fsync(number):
    calls.append(number)
    if len(calls) > 60:
      raise OSError(errno.ENOSPC, 'No space left on device')
    real(number)

  monkeypatch.setattr(prepared.os, 'fsync', fsync)
  sentence = refused(click_logs.RAW, tmp_path / 'to')
  assert 'No space left' in sentence
  assert 'goes on' in sentence
  assert days(tmp_path / 'to')
  monkeypatch.undo()
  click_logs.prepared(tmp_path / 'to')


def test_folders_that_cannot_be_are_refused(tmp_path):
  assert 'is not a folder' in refused(tmp_path / 'no', tmp_path / 'to')
  # A file system that nobody can write to.
  sentence = refused(click_logs.RAW, pathlib.Path('/proc/to'))
  assert 'cannot be written to' in sentence


def test_unknown_options_and_days_are_refused(tmp_path):
  sentence = refused(click_logs.RAW, tmp_path, options={'day': '0'})
  assert "did you mean 'days'?" in sentence
  sentence = refused(click_logs.RAW, tmp_path, options={'days': '0,24'})
  assert "'24' is not a whole number up to 23" in sentence


def test_another_preparation_is_not_disturbed(tmp_path):
  folder = tmp_path / 'to' / 'criteo1tb'
  with prepare_lib._alone(folder):
    sentence = refused(click_logs.RAW, tmp_path / 'to')
  assert 'is being prepared by another process' in sentence
