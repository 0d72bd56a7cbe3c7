# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The container recipes against what they install; no engine runs here."""

import configparser
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DOCKER = (ROOT / 'Dockerfile').read_text()
APPTAINER = (ROOT / 'apptainer.def').read_text()


def setup():
  parser = configparser.ConfigParser()
  parser.read(ROOT / 'setup.cfg')
  return parser


def extras(text):
  """The extras that a recipe installs by default."""
  chosen = re.search(r'ARG EXTRAS=(\S+)', text)
  named = re.search(r'\[([\w,]+)\]"', text)
  return (chosen or named)[1].split(',')


@pytest.mark.parametrize('text', [DOCKER, APPTAINER])
def test_a_recipe_installs_extras_that_there_are(text):
  known = setup()['options.extras_require']
  assert extras(text) == ['cuda12', 'data']
  assert set(extras(text)) <= set(known)


@pytest.mark.parametrize('text', [DOCKER, APPTAINER])
def test_a_recipe_has_a_python_and_the_commands_of_the_readme(text):
  found = re.search(r'(?:FROM|From:) python:3\.(\d+)-slim', text)
  least = setup()['options']['python_requires']
  assert int(found[1]) >= int(re.fullmatch(r'>=3\.(\d+)', least)[1])
  readme = (ROOT / 'README.md').read_text()
  makefile = (ROOT / 'Makefile').read_text()
  for command in ('quickstart', 'test'):
    assert f'make {command}' in readme
    assert re.search(rf'^{command}:', makefile, re.MULTILINE)
    assert re.search(rf'make( jaxperf:\S+)? {command}\b', text)
  assert re.search(r'no-install-recommends make', text)


def test_the_program_is_started_without_a_shell():
  """Or SIGTERM would end the shell, and never reach the trial."""
  (script,) = re.findall(
    r'^(\w+)\s*=',
    setup()['options.entry_points']['console_scripts'].strip(),
    re.MULTILINE,
  )
  assert f'ENTRYPOINT ["{script}"]' in DOCKER
  assert re.search(rf'%runscript\n\s+exec {script} "\$@"', APPTAINER)


def test_versions_are_those_of_the_package():
  version = setup()['metadata']['version']
  assert set(re.findall(r'jaxperf:(\d[\w.]*)', DOCKER)) == {version}


def test_all_that_is_copied_and_installed_is_there():
  """The package needs no file that `.dockerignore` leaves out."""
  ignored = (ROOT / '.dockerignore').read_text().split()
  for name in ('setup.cfg', 'pyproject.toml', 'README.md', 'jaxperf'):
    assert (ROOT / name).exists()
    assert name not in ignored
