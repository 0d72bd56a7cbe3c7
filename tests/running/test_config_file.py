# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Config files and command lines as people write them."""

import pathlib

import pytest

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import config_file, entries, plugins, specs

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


@pytest.mark.parametrize(
  ('given', 'expected'),
  [
    (['--config.submissions', 'a.py'], ('a.py',)),
    (["--config.submissions=('a.py', 'b.py')"], ('a.py', 'b.py')),
    (["--config.submissions=['a.py','b.py:c']"], ('a.py', 'b.py:c')),
    (['--config.submissions=[a.py, b.py]'], ('a.py', 'b.py')),
    (["--config.submissions='a.py','b.py'"], ('a.py', 'b.py')),
    (['--config.submissions=mine.py:a,mine.py:b'], ('mine.py:a', 'mine.py:b')),
    (['--config.submissions=a,b.py,mine.py'], ('a,b.py', 'mine.py')),
    (['--config.submissions=at:home/x.py:c'], ('at:home/x.py:c',)),
    (
      ['--config.submissions=a.py', '--config.submission=b.py'],
      ('a.py', 'b.py'),
    ),
    (['--config.submissions=mine.py:'], ('mine.py',)),
  ],
)
def test_lists_are_read_in_every_notation(parse, given, expected):
  for name in ('mine.py', 'a,b.py'):
    pathlib.Path(name).write_text('')
  body = "config.submissions = ('baselines.lion',); return config"
  assert parse(body, *given).submissions == expected


def test_an_empty_list_overrides_the_file(parse):
  body = f"{SUBMISSIONS}; config.workloads = ['mini_mri']; return config"
  for text in ('', '()', '[]'):
    assert parse(body, f'--config.workloads={text}').workloads == ()


@pytest.mark.parametrize(
  'value', ['None', "'text'", '60', '60.0', 'np.int64(60)', 'np.float32(60)']
)
def test_the_file_says_nothing_of_the_type_of_a_key(parse, value):
  head = 'import numpy as np\n' + HEAD
  body = f'{SUBMISSIONS}; config.checkpoint_every_s = {value}; return config'
  config = parse(body, '--config.checkpoint_every_s=0.5', head=head)
  assert config.checkpoint_every_s == 0.5


def test_a_file_may_use_paths_and_numbers_of_numpy(parse, monkeypatch):
  monkeypatch.setenv('HOME', '/somewhere')
  head = 'import pathlib, numpy as np\n' + HEAD
  body = (
    "config.submissions = [pathlib.Path('a.py')]; config.data_dir = '~/data'; "
    'config.seed = np.int64(3); config.keep_state = np.bool_(True); '
    'return config'
  )
  config = parse(body, head=head)
  assert config.submissions == ('a.py',)
  assert config.data_dir == '/somewhere/data'
  assert type(config.seed) is int
  assert config.keep_state is True


@pytest.mark.parametrize(
  ('words', 'expected'),
  [
    (['--config.keep_state'], True),
    (['--noconfig.keep_state'], False),
    (['--config.keep_state=False'], False),
    (['--config.keep_state=1'], True),
    (['-config.keep_state=true'], True),
    (['--config.keep_state=true', '--config.keep_state=false'], False),
  ],
)
def test_switches_are_read_as_usual(parse, words, expected):
  body = f'{SUBMISSIONS}; config.keep_state = not {expected}; return config'
  assert parse(body, *words).keep_state is expected


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['--config.seed=1.5'], r"config\.seed is '1\.5', expected a whole number"),
    (['--config.keep_state=yes'], 'expected true or false'),
    (['--config.checkpoint_every_s=nan'], 'expected a finite number'),
    (['--config.checkpoint_every_s=x'], 'expected a finite number'),
    (['--config.seed'], r'--config\.seed needs a value'),
    (['--config.seed', '--config.trials=1'], r'--config\.seed needs a value'),
    (['--noconfig.seed'], 'for keys that are true or false'),
    (['--noconfig.keep_state=true'], 'for keys that are true or false'),
    (['5'], "unknown argument '5'"),
  ],
)
def test_what_cannot_be_is_named_by_its_key(parse, words, message):
  with pytest.raises(errors.UserError, match=message):
    parse(f'{SUBMISSIONS}; return config', *words)


def test_a_reference_that_cannot_follow_is_named(parse):
  body = (
    f'{SUBMISSIONS}; config.studies = 2; config.trials = 1; '
    "config.trials = config.get_ref('studies') // 0; return config"
  )
  with pytest.raises(errors.UserError, match='ZeroDivisionError'):
    parse(body)


def test_what_is_no_config_is_shown_in_one_line(parse):
  with pytest.raises(errors.UserError, match=r'returned \(') as caught:
    parse(f'{SUBMISSIONS}; return config, list(range(1000))')
  assert '\n' not in str(caught.value)
  assert len(str(caught.value)) < 200


def test_the_path_of_a_config_may_hold_colons_or_a_tilde(parse, monkeypatch):
  monkeypatch.setenv('HOME', str(pathlib.Path.cwd()))
  pathlib.Path('at:home').mkdir()
  head = HEAD.replace('get_config()', "get_config(name='none')")
  body = 'config.submissions = (name,); return config'
  parse(body, head=head)
  pathlib.Path('config.py').rename('at:home/config.py')
  for name, expected in (
    ('at:home/config.py', 'none'),
    ('at:home/config.py:x', 'x'),
    ('~/at:home/config.py:x:y', 'x:y'),
  ):
    assert config_file.parse(name, []).submissions == (expected,)


@pytest.mark.parametrize(
  ('spec', 'message'),
  [
    ('sub', r'sub is a folder, name the Python file in it'),
    ('./sub/', r'is a folder: name the Python file in it'),
    ('unheard_of', r"did you mean 'unheard_of\.py'"),
    ('./notes', r'ends in \.py'),
    ('a.py b.py', r'put commas between several'),
    ('a.py;b.py', r'put commas between several'),
    ('.mine', r'not found'),
    ('sys', r'not found'),
    ('mine.py:b-c', r"no submission named 'b-c'"),
  ],
)
def test_what_is_no_submission_is_one_sentence(
  tmp_path, monkeypatch, spec, message
):
  monkeypatch.chdir(tmp_path)
  for name in ('mine.py', 'unheard_of.py', 'notes'):
    pathlib.Path(name).write_text('')
  pathlib.Path('sub').mkdir()
  with pytest.raises(errors.UserError, match=message) as caught:
    entries.entry(specs.canonical(spec), 'self')
  assert '\n' not in str(caught.value)
