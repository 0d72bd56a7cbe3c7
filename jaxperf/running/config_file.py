# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a config: what a file returns, then the command line over it."""

from __future__ import annotations

import dataclasses
import inspect
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import modules, plugins


def parse(name: str, overrides: Sequence[str]) -> config_lib.Config:
  """The config of a file with `--config.KEY=VALUE` overrides.

  A key that the command line gives is never read from the file, so it may be
  left open there; references to it follow.

  Args:
    name: path of a file that defines `get_config()`, or name of a module in
      `experiments`; `:TEXT` behind it is given to `get_config`.
    overrides: such arguments, or `--config.KEY VALUE`; `--config.KEY` and
      `--noconfig.KEY` of what is true or false. `submission` may stand for
      `submissions`. Lists add up, of other keys the last one counts.

  Raises:
    UserError: for an unknown key (with the nearest name), a value of the wrong
      type, a file without `get_config`, or one that raises.
  """
  config = _load(name)
  given = _given(overrides)
  with config.unlocked(), config.ignore_type():
    for key, value in given.items():
      config[key] = _below(config, key, value)
  values = {key: _value(name, config, key) for key in config}
  # What was left open and is not given is what it is without the file.
  return config_lib.make_config(
    {key: value for key, value in values.items() if value is not None}
  )


def results_folder(name: str) -> pathlib.Path:
  """Where the results of a config go by default.

  >>> str(results_folder('my/config.py:mini_clicks'))
  'results/config_mini_clicks'
  """
  source, argument = _split(name)
  words = [pathlib.Path(source).stem, *filter(None, [argument])]
  return pathlib.Path('results', re.sub(r'[^\w.,=+-]+', '_', '_'.join(words)))


def _value(name: str, config: Any, key: str) -> Any:
  """A value of a config, which may follow others."""
  from ml_collections import config_dict

  try:
    return _plain(config[key])
  except config_dict.RequiredValueError:
    raise errors.UserError(
      f'config.{key} is left open by {name} and must be given: say '
      f'--config.{key}=VALUE'
    ) from None
  # Whatever the operations raise that a reference stands for.
  except Exception as error:
    raise errors.UserError(
      f'config.{key} cannot be computed as {name} says: '
      f'{errors.first_line(error)}'
    ) from error


def _given(overrides: Sequence[str]) -> dict[str, Any]:
  """What the command line says, key -> value."""
  given: dict[str, Any] = {}
  words = list(overrides)
  while words:
    key, value = _next(words)
    # Lists may be given in several parts.
    if _is_list(value):
      value = (*given.get(key, ()), *value)
    given[key] = _merged(given[key], value) if key in given else value
  return given


def _below(config: Any, key: str, value: Any) -> Any:
  """What a key is to be; what is given below it leaves the rest there."""
  if not isinstance(value, Mapping) or config.get(key) is None:
    return value
  return _merged(config[key], value)


def _merged(there: Any, given: Any) -> Any:
  """Mappings in mappings, the given ones over those that are there."""
  there = _plain(there)
  if not isinstance(there, Mapping) or not isinstance(given, Mapping):
    return given
  found = dict(there)
  for key, value in given.items():
    found[key] = _merged(found[key], value) if key in found else value
  return found


def _plain(value: Any) -> Any:
  """A dictionary for a `ConfigDict`, other values as they are."""
  return value.to_dict() if hasattr(value, 'to_dict') else value


def _is_list(value: Any) -> bool:
  """Whether a value is that of a key that holds a list."""
  return isinstance(value, tuple)


def _next(words: list[str]) -> tuple[str, Any]:
  """Key and value of the first override, which is taken off the words."""
  defaults = dataclasses.asdict(config_lib.Config())
  word = words.pop(0)
  match = re.fullmatch(r'--?(no)?config\.([^=]*)(?:=(.*))?', word, re.DOTALL)
  if match is None:
    raise errors.UserError(
      f'unknown argument {word!r}: expected --config.KEY=VALUE with one of the '
      f'keys {", ".join(defaults)}'
    )
  negated, key, text = match.groups()
  key = 'submissions' if key == 'submission' else key
  key, *below = key.split('.')
  config_lib.check_key(key)
  if below or isinstance(defaults[key], Mapping):
    return _nested(word, words, key, below, text)
  is_switch = isinstance(defaults[key], bool)
  if negated and (text is not None or not is_switch):
    raise errors.UserError(
      f'{word!r} cannot be: expected --config.{key}=VALUE; --noconfig.KEY is '
      'for keys that are true or false'
    )
  if text is None and is_switch:
    return key, not negated
  if text is None:
    if not words or words[0].startswith('-'):
      raise errors.UserError(f'{word} needs a value: say {word}=VALUE')
    text = words.pop(0)
  return key, config_lib.from_text(key, text)


def _nested(
  word: str, words: list[str], key: str, below: list[str], text: str | None
) -> tuple[str, Any]:
  """Key and value of an override such as `--config.slurm.time=4:00:00`."""
  if not below or not isinstance(getattr(config_lib.Config(), key), Mapping):
    example = '--config.slurm.time=4:00:00'
    raise errors.UserError(
      f'{word!r} cannot be: keys below others are those of slurm and '
      f'resources, e.g. {example} or --config.resources.wmt.nodes=2'
    )
  if text is None and words and not words[0].startswith('-'):
    text = words.pop(0)
  value: Any = True if text is None else text
  for name in reversed(below):
    value = {name: value}
  return key, value


def _split(name: str) -> tuple[str, str | None]:
  """File or name of a config, and the argument behind it, if there is one.

  The path of a file that is there may hold colons.
  """
  words = name.split(':')
  for count in range(len(words), 1, -1):
    source = ':'.join(words[:count])
    if os.path.isfile(os.path.expanduser(source)):
      return source, ':'.join(words[count:]) if count < len(words) else None
  source, colon, argument = name.partition(':')
  return source, argument if colon else None


def _load(name: str) -> Any:
  """What a file's `get_config()` returns, as a `ConfigDict`."""
  # Not for the processes of trials, which read a config that is checked.
  import ml_collections

  source, argument = _split(name)
  path = plugins.experiment_path(os.path.expanduser(source))
  content = _called(_get_config(path), path, argument, source)
  if not isinstance(
    content,
    (Mapping, ml_collections.ConfigDict, ml_collections.FrozenConfigDict),
  ):
    raise errors.UserError(
      f'{path}: get_config() returned {errors.shown(content)}, expected an '
      'ml_collections.ConfigDict'
    )
  for key in content:
    config_lib.check_key(key)
  return ml_collections.ConfigDict(content)


def _get_config(path: pathlib.Path) -> Any:
  """The function of that name in a file."""
  if path.suffix != '.py':
    raise errors.UserError(
      f'{path} is no Python file: a config is one, with a name that ends in .py'
    )
  function = getattr(modules.from_file(path), 'get_config', None)
  if not callable(function):
    raise errors.UserError(
      f'{path} has no get_config(): a config file defines '
      '`def get_config() -> ml_collections.ConfigDict`'
    )
  return function


def _called(
  function: Any, path: pathlib.Path, argument: str | None, source: str
) -> Any:
  """What `get_config` returns, called with its argument if one is given."""
  arguments = () if argument is None else (argument,)
  try:
    inspect.signature(function).bind(*arguments)
  except TypeError as error:
    how = (
      f'give it one with --config={source}:TEXT'
      if argument is None
      else f'start it without an argument, --config={source}'
    )
    raise errors.UserError(
      f'{path}: get_config cannot be called ({error}): {how}'
    ) from None
  try:
    return function(*arguments)
  # Whatever a user's code raises.
  except (Exception, SystemExit) as error:
    raise errors.UserError(errors.in_code(error, path.parent)) from error
