# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Environments that are not a developer's own."""

import os
import pathlib

import pytest

from jaxperf import cache, errors
from jaxperf.running import environment
from tests import command


@pytest.mark.parametrize('name', ['cuda', 'nonsense'])
def test_a_platform_that_is_not_there_is_one_sentence(monkeypatch, name):
  monkeypatch.setenv('JAX_PLATFORMS', name)
  with pytest.raises(errors.UserError) as caught:
    environment.check_platform()
  assert str(caught.value).startswith(f'JAX_PLATFORMS is {name}, and JAX finds')
  assert '\n' not in str(caught.value)


def test_a_platform_that_is_there_is_none(monkeypatch):
  for name in ('', 'cpu'):
    monkeypatch.setenv('JAX_PLATFORMS', name)
    environment.check_platform()
  monkeypatch.delenv('JAX_PLATFORMS')
  environment.check_platform()


def test_without_a_home_there_is_a_cache(monkeypatch):
  def no_home():
    raise RuntimeError('Could not determine home directory.')

  monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
  monkeypatch.setattr(pathlib.Path, 'home', no_home)
  folder = cache.folder('score')
  assert folder.parts[-3:] == (f'cache-{os.getuid()}', 'jaxperf', 'score')
  monkeypatch.setenv('XDG_CACHE_HOME', '/somewhere')
  assert cache.folder('score') == pathlib.Path('/somewhere/jaxperf/score')


def test_results_are_read_without_home_or_locale(tmp_path, monkeypatch):
  for name in ('HOME', 'USER', 'LOGNAME', 'XDG_CACHE_HOME'):
    monkeypatch.delenv(name, raising=False)
  monkeypatch.setenv('LC_ALL', 'C')
  earlier = pathlib.Path(__file__).parents[1] / 'data' / 'earlier' / 'run'
  done = command.jaxperf('status', earlier, cwd=tmp_path)
  assert done.returncode == 0, done.stderr
