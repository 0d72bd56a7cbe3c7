# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Remembered output is never stale."""

import os
import time

import pytest

from jaxperf.cli import score_cache


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


class Counter:
  """Computes a text and counts how often."""

  def __init__(self):
    self.calls = 0

  def __call__(self):
    self.calls += 1
    return f'text {self.calls}'


def ask(folder, compute, arguments=(), settle_s=0.0):
  time.sleep(0.02)  # Beyond a tick of the file system's clock.
  return score_cache.remembered(folder, arguments, compute, settle_s=settle_s)


def tree(tmp_path):
  folder = tmp_path / 'results' / 'adam' / 'study_0' / 'wmt_jax' / 'trial_1'
  folder.mkdir(parents=True)
  (folder / 'eval_measurements.csv').write_text('1,2,3')
  return tmp_path / 'results', folder


def test_an_unchanged_folder_is_computed_once(tmp_path):
  root, _ = tree(tmp_path)
  compute = Counter()
  assert [ask(root, compute), ask(root, compute)] == ['text 1', 'text 1']


def test_other_arguments_are_computed_anew(tmp_path):
  root, _ = tree(tmp_path)
  compute = Counter()
  assert ask(root, compute, 'a') != ask(root, compute, 'b')


def edit_in_place(folder):
  path = folder / 'eval_measurements.csv'
  before = path.stat()
  path.write_text('1,2,4')
  os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
  'change',
  [
    edit_in_place,
    lambda folder: (folder / 'eval_measurements.csv').unlink(),
    lambda folder: (folder / 'result.json').write_text('{}'),
    lambda folder: (folder.parent / 'trial_2').mkdir(),
    lambda folder: folder.rename(folder.with_name('trial_3')),
    lambda folder: (folder.parents[3] / 'config.json').write_text('{}'),
    lambda folder: (folder / 'link').symlink_to('nothing'),
  ],
)
def test_any_change_is_noticed(tmp_path, change):
  root, folder = tree(tmp_path)
  compute = Counter()
  ask(root, compute)
  time.sleep(0.02)
  change(folder)
  assert ask(root, compute) == 'text 2'


def test_a_folder_that_may_still_change_is_not_kept(tmp_path):
  root, _ = tree(tmp_path)
  compute = Counter()
  ask(root, compute, settle_s=60.0)
  assert ask(root, compute) == 'text 2'


def test_an_error_is_not_kept(tmp_path):
  root, _ = tree(tmp_path)

  def fail():
    raise ValueError('no')

  with pytest.raises(ValueError, match='no'):
    ask(root, fail)
  assert ask(root, Counter()) == 'text 1'
