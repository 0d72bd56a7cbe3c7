# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Config files and command lines as people write them."""

import pathlib

import pytest

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import config_file, plugins

HEAD = """
import ml_collections
from ml_collections import config_dict
def get_config():
  config = ml_collections.ConfigDict()
"""


@pytest.fixture
def parse(tmp_path, monkeypatch):
  """Parses a config file with this body, from its folder."""
  monkeypatch.chdir(tmp_path)

  def parsed(body, *overrides, head=HEAD, name='config.py'):
    lines = [f'  {line}\n' for line in body.split('; ')]
    pathlib.Path('config.py').write_text(head + ''.join(lines))
    return config_file.parse(name, overrides)

  return parsed


SUBMISSIONS = "config.submissions = ['baselines.adamw']"


@pytest.mark.parametrize('form', ['{}', '({},)', '[{}]'])
def test_the_command_line_overrides_any_list_of_the_file(parse, form):
  names = form.format("'baselines.adamw'")
  config = parse(
    f'config.submissions = {names}; return config',
    '--config.submissions=baselines.lion',
  )
  assert config.submissions == ('baselines.lion',)


def test_file_and_command_line_together_are_complete(parse):
  body = "config.workloads = ('mini_clicks',); return config"
  config = parse(body, '--config.submissions=baselines.adamw')
  assert config.submissions == ('baselines.adamw',)
  assert config.workloads == ('mini_clicks',)
  with pytest.raises(errors.UserError, match='submissions is empty'):
    parse(body)


def test_what_is_left_open_takes_the_command_line_or_the_default(parse):
  body = (
    f'{SUBMISSIONS}; config.seed = config_dict.placeholder(int); '
    'config.keep_state = config_dict.placeholder(bool); return config'
  )
  assert parse(body).seed == config_lib.Config().seed
  config = parse(body, '--config.seed=7', '--config.keep_state=true')
  assert (config.seed, config.keep_state) == (7, True)


def test_what_must_be_given_is_asked_for(parse):
  body = (
    f'{SUBMISSIONS}; config.seed = config_dict.required_placeholder(int); '
    'return config'
  )
  assert parse(body, '--config.seed=7').seed == 7
  with pytest.raises(errors.UserError, match=r'config\.seed is left open'):
    parse(body)


def test_a_required_list_takes_the_command_line(parse):
  body = (
    'config.submissions = config_dict.required_placeholder(tuple); '
    'return config'
  )
  config = parse(body, '--config.submissions=baselines.lion')
  assert config.submissions == ('baselines.lion',)


def test_references_follow_what_the_command_line_says(parse):
  body = (
    f'{SUBMISSIONS}; config.studies = 2; '
    "config.trials = config.get_ref('studies'); "
    "config.max_steps = config.get_ref('studies') * 10; return config"
  )
  config = parse(body, '--config.studies=3')
  assert (config.studies, config.trials, config.max_steps) == (3, 3, 30)


def test_frozen_locked_and_plain_dictionaries_are_configs(parse):
  for last in (
    'return ml_collections.FrozenConfigDict(config)',
    'return config.lock()',
    'return config.to_dict()',
    "return {'submissions': ['baselines.adamw']}",
  ):
    config = parse(f'{SUBMISSIONS}; {last}', '--config.seed=3')
    assert config.submissions == ('baselines.adamw',)
    assert config.seed == 3


def test_an_argument_reaches_get_config(parse):
  head = HEAD.replace('get_config()', 'get_config(workload)')
  body = f'{SUBMISSIONS}; config.workloads = (workload,); return config'
  config = parse(body, head=head, name='config.py:mini_clicks')
  assert config.workloads == ('mini_clicks',)
  with pytest.raises(errors.UserError, match=r'--config=config\.py:TEXT'):
    parse(body, head=head)
  with pytest.raises(errors.UserError, match='without an argument'):
    parse(f'{SUBMISSIONS}; return config', name='config.py:mini_clicks')


@pytest.mark.parametrize(
  ('body', 'message'),
  [
    ('return None', r'get_config\(\) returned None, expected an ml_coll'),
    ('del config', r'get_config\(\) returned None'),
    ('return 3', r'get_config\(\) returned 3'),
    ('import not_there', r'config\.py, line 6 imports not_there'),
    ('return config.nothing', r'config\.py, line 6: '),
    ('raise SystemExit(3)', r'config\.py, line 6: SystemExit: 3'),
    ('return (', r'config\.py, line 6 is not valid Python'),
  ],
)
def test_a_file_that_gives_no_config_is_one_sentence(parse, body, message):
  with pytest.raises(errors.UserError, match=message) as caught:
    parse(body)
  assert '\n' not in str(caught.value)


FILES = ('../x.py', 'a.py', 'b.py:second', '01_mine.py', 'v1.0/a.py', 'm y.py')


@pytest.mark.parametrize('path', FILES)
@pytest.mark.parametrize('together', [True, False])
def test_lists_take_any_path(parse, path, together):
  given = ['baselines.adamw', path]
  if together:
    given = [','.join(given)]
  body = "config.submissions = ('baselines.lion',); return config"
  config = parse(body, *(f'--config.submissions={text}' for text in given))
  expected = 'x.py' if path == '../x.py' else path
  found = config.submissions[1]
  assert config.submissions[0] == 'baselines.adamw'
  assert found.endswith(expected)
  if path == '../x.py':
    assert pathlib.Path(found) == pathlib.Path.cwd().parent / 'x.py'


def test_a_comma_in_the_name_of_a_file_is_no_separator(parse):
  pathlib.Path('a,b.py').write_text('')
  config = parse('return config', '--config.submissions=a,b.py')
  assert config.submissions == ('a,b.py',)


def test_one_file_is_one_submission_however_it_is_named(parse, monkeypatch):
  monkeypatch.setenv('HOME', str(pathlib.Path.cwd()))
  names = (
    f'mine.py,./mine.py,~/mine.py,x/../mine.py,{pathlib.Path.cwd()}/mine.py'
  )
  config = parse('return config', f'--config.submissions={names}')
  assert config.submissions == ('mine.py',)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    (
      'import not_there_x.y',
      r'line 1 imports not_there_x, .*pip install not_',
    ),
    ('from optax import nothing', r'line 1: ImportError: cannot import name'),
    ('\nx = 1 / 0', r'line 2: ZeroDivisionError'),
    ('x = (', r'line 1 is not valid Python'),
    ('def f():\n  return undefined\nf()', r'line 2: NameError'),
    ('import sys\nsys.exit("no")', r'line 2: SystemExit: no'),
    ('raise Exception("a\\nb")', r'line 1: Exception: a$'),
  ],
)
def test_a_submission_that_cannot_be_imported_is_one_sentence(
  tmp_path, monkeypatch, text, message
):
  path = tmp_path / 'mine.py'
  path.write_text(text)
  with pytest.raises(errors.UserError, match=message) as caught:
    plugins.module(str(path))
  assert str(caught.value).startswith(f'{path}, line ')
  assert '\n' not in str(caught.value)
  monkeypatch.syspath_prepend(tmp_path)
  (tmp_path / 'by_name.py').write_text(text)
  with pytest.raises(errors.UserError, match=message) as caught:
    plugins.module('by_name')
  assert str(caught.value).startswith(f'{tmp_path}/by_name.py, line ')


def test_each_file_imports_what_lies_beside_it(tmp_path):
  for name in ('one', 'two'):
    (tmp_path / name).mkdir()
    (tmp_path / name / 'helping.py').write_text(f'NAME = {name!r}\n')
    (tmp_path / name / 'mine.py').write_text(
      'import helping, queue\nNAME = helping.NAME\nqueue.Queue()\n'
    )
    (tmp_path / name / 'queue.py').write_text('')  # Hides nothing.
  for name in ('one', 'two', 'one'):
    assert name == plugins.module(str(tmp_path / name / 'mine.py')).NAME


def test_the_line_is_that_of_a_module_beside_the_file(tmp_path):
  (tmp_path / 'beside_it.py').write_text('\n\nimport not_there\n')
  (tmp_path / 'mine.py').write_text('import beside_it\n')
  with pytest.raises(errors.UserError, match=r'beside_it\.py, line 3 imports'):
    plugins.module(str(tmp_path / 'mine.py'))
