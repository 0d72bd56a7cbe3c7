# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Environments that are not a developer's own."""

import os
import pathlib

import jax
import pytest

from jaxperf import cache, errors
from jaxperf.cli import surroundings
from jaxperf.records import identity as recorded
from jaxperf.running import environment, identity
from tests import command


@pytest.mark.parametrize('name', ['cuda', 'nonsense'])
def test_a_platform_that_is_not_there_is_one_sentence(monkeypatch, name):
  monkeypatch.setenv('JAX_PLATFORMS', name)
  with pytest.raises(errors.UserError) as caught:
    environment.check()
  assert str(caught.value).startswith(f'JAX_PLATFORMS is {name}, and JAX finds')
  assert '\n' not in str(caught.value)
  monkeypatch.setenv('JAX_PLATFORMS', '')
  monkeypatch.setenv('JAX_PLATFORM_NAME', name)
  with pytest.raises(
    errors.UserError, match=f'JAX_PLATFORM_NAME is {name}, an'
  ):
    environment.check()


def test_a_platform_that_is_there_is_none(monkeypatch):
  for name in ('', 'cpu'):
    monkeypatch.setenv('JAX_PLATFORMS', name)
    environment.check()
  monkeypatch.delenv('JAX_PLATFORMS')
  environment.check()


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


@pytest.mark.parametrize(
  ('name', 'value'),
  [
    ('jax_disable_jit', True),
    ('jax_numpy_dtype_promotion', 'strict'),
    ('jax_transfer_guard_host_to_device', 'disallow'),
  ],
)
def test_a_setting_with_which_no_trial_runs_is_refused(name, value):
  old = getattr(jax.config, name)
  try:
    jax.config.update(name, value)
    with pytest.raises(
      errors.UserError, match=f'^{name.upper()} is .*unset it'
    ):
      environment.check()
  finally:
    jax.config.update(name, old)


@pytest.mark.parametrize(
  ('name', 'value'),
  [
    ('JAX_DEBUG_NANS', 'maybe'),
    ('JAX_DEFAULT_MATMUL_PRECISION', 'banana'),
    ('JAX_DEFAULT_PRNG_IMPL', 'foo'),
    ('JAX_NUM_CPU_DEVICES', 'many'),
  ],
)
def test_a_value_that_jax_does_not_know_is_one_sentence(
  monkeypatch, name, value
):
  monkeypatch.setenv(name, value)
  done = command.jaxperf('list', 'workloads')
  assert done.returncode == 2
  assert f'{name}={value}' in done.stderr
  assert len(done.stderr.splitlines()) == 1


def test_settings_that_change_numbers_are_recorded_as_they_are():
  usual = identity.numerics()
  assert recorded.unusual(usual) == []
  names = set(recorded.USUAL) & set(jax.config.values)
  assert names == set(recorded.USUAL)  # Of the version at hand.
  with jax.debug_nans(True), jax.default_prng_impl('rbg'):
    now = identity.numerics()
  assert recorded.unusual(now) == [
    'JAX_DEBUG_NANS',
    'JAX_DEFAULT_PRNG_IMPL=rbg',
  ]
  assert recorded.unusual({}) == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
  (tmp_path / 'file').write_text('')
  for place in ('file', 'file/out', 'x' * 300):
    done = command.jaxperf(
      *('run', '--config=quickstart', f'--workdir={place}'),
      *(
        '--config.workloads=mini_clicks',
        '--config.submissions=baselines.adamw',
      ),
      cwd=tmp_path,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'jaxperf: {place}')
    assert 'cannot be used' in line


def test_other_errors_of_files_and_values_stay_what_they_are():
  for error in (FileNotFoundError(2, 'gone', 'x'), ValueError('x'), OSError()):
    assert surroundings.sentence(error) is None


def test_trials_compute_in_32_bits(monkeypatch, capsys):
  for value, said in (('1', True), ('true', True), ('0', False), ('', False)):
    monkeypatch.setenv('JAX_ENABLE_X64', value)
    surroundings.settle()
    assert 'JAX_ENABLE_X64' not in os.environ
    note = capsys.readouterr().err
    assert ('JAX_ENABLE_X64' in note) == said
    assert note.count('\n') == said
  surroundings.settle()
  assert capsys.readouterr().err == ''


def test_a_tilde_is_the_home_behind_an_equals_sign_too(monkeypatch):
  monkeypatch.setenv('HOME', '/home/me')
  for word, expected in (
    ('--workdir=~/out', '--workdir=/home/me/out'),
    ('--config.data_dir=~', '--config.data_dir=/home/me'),
    ('~/left=~', '~/left=~'),
    ('--workdir=out~', '--workdir=out~'),
    ('--workdir', '--workdir'),
  ):
    assert surroundings.expanded(word) == expected


@pytest.mark.parametrize('name', ['mine', 'workloads', 'queue'])
def test_files_in_the_current_folder_are_no_modules(tmp_path, name):
  (tmp_path / f'{name}.py').write_text('raise RuntimeError("imported")')
  done = command.jaxperf(
    *('run', '--config=quickstart', '--config.submissions=mine'), cwd=tmp_path
  )
  assert done.returncode == 2
  assert "submission 'mine' not found" in done.stderr
  assert ("did you mean 'mine.py'" in done.stderr) == (name == 'mine')
