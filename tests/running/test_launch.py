# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the processes of trials are given."""

import json
import sys

import pytest

from jaxperf.running.launch import local

_SHOW = 'import json, os; print(json.dumps(dict(os.environ)))'


def _environments(folder, places):
  """Of as many processes at a time as there are places."""
  launcher = local.Launcher(places)
  for number in range(places):
    assert not launcher.full()
    launcher.start([sys.executable, '-c', _SHOW], folder / str(number))
  assert launcher.full()
  while launcher.running:
    launcher.ended()
  return [
    json.loads((folder / str(number) / 'trial.log').read_text())
    for number in range(places)
  ]


def test_large_blocks_get_huge_pages_unless_the_user_says_otherwise(
  tmp_path, monkeypatch
):
  monkeypatch.delenv('GLIBC_TUNABLES', raising=False)
  (given,) = _environments(tmp_path / 'a', 1)
  assert given['GLIBC_TUNABLES'] == 'glibc.malloc.hugetlb=1'
  monkeypatch.setenv('GLIBC_TUNABLES', 'glibc.malloc.arena_max=1')
  (given,) = _environments(tmp_path / 'b', 1)
  assert given['GLIBC_TUNABLES'] == 'glibc.malloc.arena_max=1'


@pytest.mark.parametrize(
  ('devices', 'places', 'shares'),
  [
    ('0,1,2,3', 2, ['0,1', '2,3']),
    ('0,1', 3, ['0', '1', '1']),
    ('3,5', 1, ['3,5']),
  ],
)
def test_places_share_the_visible_devices(
  devices, places, shares, tmp_path, monkeypatch
):
  monkeypatch.setenv('CUDA_VISIBLE_DEVICES', devices)
  given = _environments(tmp_path, places)
  assert [each['CUDA_VISIBLE_DEVICES'] for each in given] == shares
