# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a config: what a file returns, then the command line over it."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import plugins


def parse(name: str, overrides: Sequence[str]) -> config_lib.Config:
  """The config of a file with `--config.KEY=VALUE` overrides.

  Args:
    name: path of a file that defines `get_config()`, or name of a module in
      `experiments`; `:TEXT` behind it is given to `get_config`.
    overrides: such arguments; `submission` may stand for `submissions`.

  Raises:
    UserError: for an unknown key (with the nearest name), a value of the wrong
      type, a file without `get_config`, or one that raises.
  """
  # Not for the processes of trials, which read a config that is checked.
  import ml_collections
  from absl import flags
  from ml_collections import config_flags

  lists, others = _lists(overrides)
  config = _load(name)
  with config.unlocked(), config.ignore_type():
    for key, default in dataclasses.asdict(config_lib.Config()).items():
      if key not in config:
        config[key] = default
    config.update(lists)
    _fill_required(config, [text.partition('=')[0] for text in others])
  arguments = ['jaxperf run', *others]
  flag_values = flags.FlagValues()
  config_flags.DEFINE_config_dict(
    'config', config, flag_values=flag_values, sys_argv=arguments
  )
  try:
    flag_values(arguments)
    frozen = ml_collections.FrozenConfigDict(flag_values.config)
    values = {key: frozen[key] for key in frozen}
  except (flags.Error, ValueError, TypeError) as error:
    raise errors.UserError(f'{name}: {errors.first_line(error)}') from None
  # What was left open and is not given is what it is without the file.
  given = {key: value for key, value in values.items() if value is not None}
  return config_lib.make_config(given)


def _fill_required(config: Any, given: Sequence[str]) -> None:
  """Lets what must be given be read before the command line is.

  Raises:
    UserError: if it is not on the command line.
  """
  from ml_collections import config_dict

  for key in config:
    try:
      config[key]
    except config_dict.RequiredValueError:
      if f'--config.{key}' not in given:
        raise errors.UserError(
          f'config.{key} is left open by the file and must be given: say '
          f'--config.{key}=VALUE'
        ) from None
      reference = config.get_ref(key)
      reference.set(reference.get_type()())  # Replaced by what is given.


def _lists(
  overrides: Sequence[str],
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
  """Overrides of keys that hold lists, which may be repeated; the others.

  The parser of flags takes Python values, where a path need not be one.
  """
  defaults = dataclasses.asdict(config_lib.Config())
  lists: dict[str, tuple[str, ...]] = {}
  others = []
  for argument in overrides:
    name, given, value = argument.partition('=')
    if not name.startswith('--config.'):
      raise errors.UserError(
        f'unknown argument {argument!r}: expected --config.KEY=VALUE with one '
        f'of the keys {", ".join(defaults)}'
      )
    key = name.removeprefix('--config.')
    key = 'submissions' if key == 'submission' else key
    config_lib.check_key(key)
    if given and isinstance(defaults[key], tuple):
      lists[key] = (*lists.get(key, ()), value)
    else:
      others.append(argument)
  return lists, others


def _load(name: str) -> Any:
  """What a file's `get_config()` returns, as a `ConfigDict`."""
  import ml_collections

  source, colon, argument = name.partition(':')
  path = plugins.experiment_path(source)
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  plugins.execute(spec, module)
  if not hasattr(module, 'get_config'):
    raise errors.UserError(
      f'{path} has no get_config(): a config file defines '
      '`def get_config() -> ml_collections.ConfigDict`'
    )
  arguments = (argument,) if colon else ()
  try:
    inspect.signature(module.get_config).bind(*arguments)
  except TypeError as error:
    how = 'without' if colon else f'with, as in --config={source}:TEXT,'
    raise errors.UserError(
      f'{path}: get_config does not fit ({error}): start it {how} an argument'
    ) from None
  try:
    content = module.get_config(*arguments)
  # Whatever a user's code raises.
  except (Exception, SystemExit) as error:
    raise errors.UserError(errors.in_code(error, path.parent)) from error
  if not isinstance(content, (Mapping, ml_collections.ConfigDict)):
    raise errors.UserError(
      f'{path}: get_config() returned {content!r}, expected an '
      'ml_collections.ConfigDict'
    )
  for key in content:
    config_lib.check_key(key)
  return ml_collections.ConfigDict(content)
