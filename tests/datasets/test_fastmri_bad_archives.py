# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad archives, folders and prepared scans: each is told in one sentence."""

import builtins
import shutil

import numpy as np
import pytest

from jaxperf import errors, prepared
from tests import mri_scans
from workloads.fastmri import data, slices

PART, NAME = mri_scans.FIRST.parts


@pytest.fixture(scope='module')
def good(tmp_path_factory):
  return mri_scans.unpacked(tmp_path_factory.mktemp('good'))


@pytest.fixture
def raw(good, tmp_path):
  """A copy of the raw files to spoil."""
  return shutil.copytree(good, tmp_path / 'raw')


@pytest.fixture(scope='module')
def whole(good, tmp_path_factory):
  path = tmp_path_factory.mktemp('whole')
  mri_scans.prepared(path, good, few=True)
  return path


@pytest.mark.parametrize('suffix', ['.tar.xz', '.tar.gz', '.tar'])
def test_a_truncated_archive_is_named(raw, tmp_path, suffix):
  path = mri_scans.packed(raw, suffix) / f'{PART}{suffix}'
  content = path.read_bytes()
  path.write_bytes(content[: len(content) * 2 // 3])
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert str(path) in sentence
  assert 'download it again' in sentence
  assert '90 days' in sentence
  path.write_bytes(content)
  mri_scans.prepared(tmp_path / 'to', raw, few=True)


@pytest.mark.parametrize(
  ('suffix', 'where'),
  [('.tar.xz', 0.01), ('.tar.gz', 0.5), ('.tar.xz', 0.9999)],
)
def test_a_damaged_archive_is_refused(raw, tmp_path, suffix, where):
  path = mri_scans.packed(raw, suffix) / f'{PART}{suffix}'
  content = bytearray(path.read_bytes())
  at = int(len(content) * where)
  content[at : at + 8] = bytes(255 - byte for byte in content[at : at + 8])
  path.write_bytes(content)
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert str(path) in sentence
  assert 'again' in sentence


def test_what_came_from_a_damaged_archive_is_made_again(raw, whole, tmp_path):
  # Bytes of a target change, which no checksum of the file covers.
  bad = shutil.copytree(raw, tmp_path / 'bad')
  target = mri_scans.raw_arrays(bad)['reconstruction_esc']
  volume = mri_scans.changed(bad, reconstruction_esc=target + 1)
  size, good = volume.stat().st_size, (raw / mri_scans.FIRST).stat().st_size
  if size < good:
    volume.write_bytes(volume.read_bytes() + bytes(good - size))
  else:
    path = raw / mri_scans.FIRST
    path.write_bytes(path.read_bytes() + bytes(size - good))
  mri_scans.prepared(tmp_path / 'to', mri_scans.packed(bad), few=True)
  prepared.withdraw(tmp_path / 'to' / 'fastmri')
  mri_scans.prepared(tmp_path / 'to', mri_scans.packed(raw), few=True)
  found, wanted = (
    mri_scans.contents(folder / 'fastmri')
    for folder in (tmp_path / 'to', whole)
  )
  assert found == wanted


def test_missing_volumes_are_counted_before_anything_is_done(raw, tmp_path):
  folder = raw / 'knee_singlecoil_val'
  next(folder.iterdir()).unlink()
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  few = mri_scans.FEW
  assert f'{folder} has {few - 1} volumes (.h5), expected {few}' in sentence
  assert 'validation and test would move' in sentence
  assert not (tmp_path / 'to').exists()


def test_missing_volumes_of_an_archive_are_counted(raw, tmp_path):
  next((raw / 'knee_singlecoil_val').iterdir()).unlink()
  path = mri_scans.packed(raw) / 'knee_singlecoil_val.tar'
  few = mri_scans.FEW
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert f'{path} has {few - 1} volumes (.h5), expected {few}' in sentence


def test_missing_slices_are_counted(raw, tmp_path):
  found = sum(row[1] for row in mri_scans.volumes('train'))
  counts = {'train': found + 1, 'validation': 1, 'test': 1}
  sentence = mri_scans.refused(raw, tmp_path / 'to', slices=counts)
  assert f'the train split has {found:,} slices, expected {found + 1:,}' in (
    sentence
  )


def test_missing_parts_and_two_forms_are_named(raw, tmp_path):
  twin = shutil.copytree(raw / PART, raw / 'singlecoil_train')
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert 'two forms' in sentence
  assert str(twin) in sentence
  shutil.rmtree(twin)
  shutil.rmtree(raw / PART)
  assert f'{raw} has no {PART}' in mri_scans.refused(raw, tmp_path / 'to')
  (raw / PART).mkdir()
  assert f'{raw / PART} has 0 volumes' in mri_scans.refused(
    raw, tmp_path / 'to'
  )


def test_a_name_that_is_there_twice_is_refused(raw, tmp_path):
  (raw / PART / 'more').mkdir()
  shutil.copy(raw / mri_scans.FIRST, raw / PART / 'more')
  count = len(mri_scans.volumes('train')) + 1
  sentence = mri_scans.refused(
    raw, tmp_path / 'to', volumes={'train': count, 'val': mri_scans.FEW}
  )
  assert f'has two files {NAME}' in sentence


def test_a_missing_package_is_named_with_its_extra(raw, tmp_path, monkeypatch):
  real = builtins.__import__

  def refuse(name, *rest):
    if name == 'h5py':
      raise ImportError(name)
    return real(name, *rest)

  monkeypatch.setattr(builtins, '__import__', refuse)
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert 'h5py' in sentence
  assert "pip install 'jaxperf[data]'" in sentence


def test_a_full_disk_is_told_before_anything_is_done(
  raw, tmp_path, monkeypatch
):
  usage = shutil.disk_usage('/')._replace(free=10**6)
  monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
  assert 'GB free' in mri_scans.refused(raw, tmp_path / 'to')
  assert not mri_scans.prepared_volumes(tmp_path / 'to')


def test_options_are_checked(raw, tmp_path):
  with pytest.raises(errors.UserError, match="--counts is 'all', expected"):
    mri_scans.prepared(tmp_path, raw, options={'counts': 'all'})


def test_a_run_is_refused_without_whole_data(whole, tmp_path):
  with pytest.raises(errors.UserError, match='holds no prepared data'):
    data.prepared(tmp_path).check()
  folder = shutil.copytree(whole, tmp_path / 'copy')
  path = next(folder.rglob('*.target.npy'))
  path.write_bytes(path.read_bytes()[:-1])
  with pytest.raises(errors.UserError, match='bytes, expected'):
    data.prepared(folder).train(0, 2)
  path.unlink()
  with pytest.raises(errors.UserError, match='is missing'):
    data.prepared(folder).evaluation('test', 2)


def test_a_slice_that_became_constant_is_named_in_training(whole, tmp_path):
  folder = shutil.copytree(whole, tmp_path / 'copy')
  volume = slices.open_splits(folder).train.volumes[0]
  array = np.load(volume.paths[0], mmap_mode='r+')
  array[:] = 0
  array.flush()
  stream = data.prepared(folder).train(
    0, sum(row[1] for row in mri_scans.volumes('train'))
  )
  with pytest.raises(errors.UserError, match='is constant') as caught:
    next(stream)
  assert str(volume.paths[0]) in str(caught.value)


def test_a_file_that_became_short_is_named_in_training(whole, tmp_path):
  folder = shutil.copytree(whole, tmp_path / 'copy')
  train = slices.open_splits(folder).train
  path = train.volumes[0].paths[1]
  path.write_bytes(path.read_bytes()[:-1])
  last = train.volumes[0].slices - 1
  with pytest.raises(errors.UserError, match='ends before') as caught:
    slices.read(train, [last], [(0, 0)])
  assert f'{path} ends before its slice {last}' in str(caught.value)
