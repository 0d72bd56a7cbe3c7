# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The reader of reference numbers: any folder, any salt, any index."""

import json
import zlib

import numpy as np
import pytest

from tests import reference

PATHS = ('Dense_0/kernel', 'Dense_0/bias', 'norm/scale')


@pytest.fixture
def folder(tmp_path):
  """Three indices, two with salts of their own, of a workload each."""
  for name, salt in (('one', ''), ('two', 'pepper'), ('three', 'sea')):
    index = {'fill_salt': salt, 'workloads': {f'base_{name}': {}}}
    (tmp_path / f'index_{name}.json').write_text(json.dumps(index))
  return tmp_path


def filled(base, folder):
  leaves = [{'path': path, 'shape': [4]} for path in PATHS]
  tree = reference.filled(base, leaves, {'Dense_0/bias': 3.0}, folder)
  return [tree[path.split('/')[0]][path.split('/')[1]] for path in PATHS]


@pytest.mark.parametrize(
  ('base', 'salt'),
  [('base_one', ''), ('base_two', 'pepper'), ('base_three', 'sea')],
)
def test_parameters_follow_the_salt_of_the_index(folder, base, salt):
  kernel, bias, scale = (
    np.random.Generator(
      np.random.PCG64(zlib.crc32(f'{salt}{path}'.encode()))
    ).standard_normal(4, dtype=np.float32)
    for path in PATHS
  )
  expected = [0.1 * kernel, 0.3 * bias, 1 + 0.1 * scale]
  for actual, right in zip(filled(base, folder), expected, strict=True):
    np.testing.assert_allclose(actual, right, rtol=1e-6)


def test_another_salt_gives_other_parameters(folder):
  first, second, third = (
    filled(base, folder) for base in ('base_one', 'base_two', 'base_three')
  )
  for one, two, three in zip(first, second, third):
    assert not np.any((one == two) | (two == three) | (one == three))


def test_a_workload_that_no_index_describes_is_reported(folder):
  with pytest.raises(KeyError, match=r'base_four.*index_one\.json'):
    reference.index('base_four', folder)


def test_a_missing_index_hides_only_its_own_workloads(folder):
  (folder / 'index_one.json').unlink()
  assert 'base_two' in reference.index('base_two', folder)['workloads']
  with pytest.raises(KeyError, match='base_one'):
    reference.index('base_one', folder)


@pytest.mark.parametrize(
  ('text', 'shape'),
  [
    ('full', (3, 9, 9)),
    ('[:, ::8, ::8]', (3, 2, 2)),
    ('[:, :, ::4]', (3, 9, 3)),
  ],
)
def test_the_stored_part_is_cut_as_numpy_cuts(text, shape):
  assert np.zeros((3, 9, 9))[reference.stored_part(text)].shape == shape
