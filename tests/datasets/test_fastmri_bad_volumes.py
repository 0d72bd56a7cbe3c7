# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad scans: each is told in one sentence, and nothing of them is kept."""

import shutil

import h5py
import numpy as np
import pytest

from jaxperf.datasets import check as check_lib
from tests import mri_scans


@pytest.fixture(scope='module')
def good(tmp_path_factory):
  return mri_scans.unpacked(tmp_path_factory.mktemp('good'))


@pytest.fixture
def raw(good, tmp_path):
  """A copy of the raw files to spoil."""
  return shutil.copytree(good, tmp_path / 'raw')


@pytest.mark.parametrize('workers', [1, 2])
def test_a_truncated_volume_is_told_with_both_sizes(raw, tmp_path, workers):
  path = raw / mri_scans.FIRST
  size = path.stat().st_size
  path.write_bytes(path.read_bytes()[:-100])
  sentence = mri_scans.refused(raw, tmp_path / 'to', workers)
  assert str(path) in sentence
  assert f'{size - 100:,} bytes, expected {size:,}' in sentence
  assert path.stem not in mri_scans.prepared_volumes(tmp_path / 'to')


def test_a_damaged_volume_is_named(raw, tmp_path):
  path = raw / mri_scans.FIRST
  path.write_bytes(b'x' * 100)
  assert f'{path} is damaged' in mri_scans.refused(raw, tmp_path / 'to')
  path.write_bytes(b'')
  assert f'{path} is damaged' in mri_scans.refused(raw, tmp_path / 'to')


def test_damage_within_a_compressed_volume_is_named(raw, tmp_path):
  path = raw / mri_scans.FIRST
  with h5py.File(path) as file:
    if file['kspace'].compression is None:
      pytest.skip('nothing in these files tells of damage')
    chunk = file['kspace'].id.get_chunk_info(0)
  content = bytearray(path.read_bytes())
  middle = chunk.byte_offset + chunk.size // 2
  content[middle : middle + 64] = bytes(64)
  path.write_bytes(content)
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert f'{path} is bad: slice 0 of kspace' in sentence


def test_a_volume_of_the_test_archive_is_refused(raw, tmp_path):
  path = mri_scans.changed(
    raw, reconstruction_esc=None, mask=np.ones(368, bool)
  )
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert f'{path} has a mask and no targets' in sentence
  assert 'this is from the test archive' in sentence


def test_multi_coil_data_is_refused(raw, tmp_path):
  kspace = mri_scans.raw_arrays(raw)['kspace']
  path = mri_scans.changed(raw, kspace=kspace[:, None])
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert str(path) in sentence
  assert 'multi-coil data: the single-coil archives are needed' in sentence


@pytest.mark.parametrize(
  ('key', 'cut'),
  [
    ('kspace', np.s_[:, :-2]),
    ('kspace', np.s_[:, :, :318]),
    ('kspace', np.s_[:0]),
    ('kspace', np.s_[0]),
    ('reconstruction_esc', np.s_[:, 1:]),
    ('reconstruction_esc', np.s_[:0]),
  ],
)
def test_other_shapes_are_told(raw, tmp_path, key, cut):
  array = mri_scans.raw_arrays(raw)[key][cut]
  path = mri_scans.changed(raw, **{key: array})
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert str(path) in sentence
  assert f'{array.dtype} {array.shape}' in sentence


def test_missing_arrays_are_named(raw, tmp_path):
  mri_scans.changed(raw, kspace=None)
  assert 'has no kspace' in mri_scans.refused(raw, tmp_path / 'to')


@pytest.mark.parametrize('key', ['kspace', 'reconstruction_esc'])
def test_values_that_are_not_finite_are_refused(raw, tmp_path, key):
  array = mri_scans.raw_arrays(raw)[key]
  array[-1, 5, 5] = np.nan
  path = mri_scans.changed(raw, **{key: array})
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  place = f'{path} is bad: slice {len(array) - 1} of {key}'
  assert f'{place} has values that are not finite' in sentence
  assert path.stem not in mri_scans.prepared_volumes(tmp_path / 'to')


def test_a_constant_slice_is_refused(raw, tmp_path):
  kspace = mri_scans.raw_arrays(raw)['kspace']
  kspace[-1] = 0
  path = mri_scans.changed(raw, kspace=kspace)
  sentence = mri_scans.refused(raw, tmp_path / 'to')
  assert f'{path} is bad: slice {len(kspace) - 1} is constant' in sentence


def test_targets_of_other_scans_are_told_by_name(raw, tmp_path, capsys):
  target = mri_scans.raw_arrays(raw)['reconstruction_esc']
  path = mri_scans.changed(raw, reconstruction_esc=-target)
  mri_scans.prepared(tmp_path, raw, few=True)
  out = capsys.readouterr().err
  assert 'warning: in 1 volumes' in out
  assert f'train/{path.stem}.hybrid.npy, by ' in out
  lines = []
  dataset = mri_scans.dataset(few=True)
  check_lib.run(dataset, tmp_path / 'fastmri', False, lines.append)
  assert any(path.stem in x for x in lines if 'targets: in 1 volumes' in x)
