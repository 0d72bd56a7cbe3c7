# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The cache of derived arrays: stale, damaged, unwritable, shared."""

import json
import subprocess
import sys

import numpy as np
import pytest

from workloads.mini_data import cache as cache_lib


@pytest.fixture
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  return tmp_path / 'jaxperf' / 'mini'


def _numbers(start):
  return {'numbers': np.arange(start, start + 10)}


def test_cached_arrays_are_computed_once_and_memory_mapped(cache):
  first = cache_lib.cached('some', ('a',), lambda: _numbers(0))
  again = cache_lib.cached('some', ('a',), lambda: _numbers(5))
  assert isinstance(again['numbers'], np.memmap)
  np.testing.assert_array_equal(first['numbers'], np.arange(10))
  np.testing.assert_array_equal(again['numbers'], np.arange(10))


def test_a_stale_cache_is_rebuilt_and_removed(cache):
  cache_lib.cached('some', ('a',), lambda: _numbers(0))
  fresh = cache_lib.cached('some', ('b',), lambda: _numbers(5))
  np.testing.assert_array_equal(fresh['numbers'], np.arange(5, 15))
  assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize('file', ['numbers.npy', 'index.json'])
def test_a_damaged_cache_is_rebuilt(cache, file):
  cache_lib.cached('some', ('a',), lambda: _numbers(0))
  (path,) = cache.glob(f'*/{file}')
  path.write_bytes(path.read_bytes()[:-3] + b'xyz')
  fresh = cache_lib.cached('some', ('a',), lambda: _numbers(5))
  np.testing.assert_array_equal(fresh['numbers'], np.arange(5, 15))
  kept = cache_lib.cached('some', ('a',), lambda: _numbers(7))
  np.testing.assert_array_equal(kept['numbers'], np.arange(5, 15))


def test_what_a_killed_process_left_in_the_cache_is_removed(cache):
  finished = subprocess.Popen([sys.executable, '-c', ''])
  finished.wait()
  abandoned = cache / f'.part-{finished.pid}-x'
  abandoned.mkdir(parents=True)
  cache_lib.cached('some', ('a',), lambda: _numbers(0))
  assert not abandoned.exists()


def test_without_a_writable_cache_the_arrays_stay_in_memory(
  tmp_path, monkeypatch
):
  (tmp_path / 'file').write_text('')
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
  with pytest.warns(UserWarning, match='XDG_CACHE_HOME'):
    made = cache_lib.cached('some', ('a',), lambda: _numbers(0))
  np.testing.assert_array_equal(made['numbers'], np.arange(10))


def test_processes_that_start_at_once_share_one_cache(cache):
  code = (
    'import numpy as np\n'
    'from workloads.mini_data import cache\n'
    "made = cache.cached('some', ('a',), lambda: {'x': np.arange(10**6)})\n"
    "print(int(made['x'].sum()))"
  )
  processes = [
    subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE)
    for _ in range(4)
  ]
  printed = [int(process.communicate()[0]) for process in processes]
  assert printed == [sum(range(10**6))] * 4
  (folder,) = cache.iterdir()
  assert set(json.loads((folder / 'index.json').read_text())) == {'x'}
