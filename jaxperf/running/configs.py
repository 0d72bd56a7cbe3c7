# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads an experiment config and its overrides from the command line."""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
from collections.abc import Sequence

import ml_collections
from absl import flags
from ml_collections import config_flags

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import plugins


def parse(name: str, overrides: Sequence[str]) -> config_lib.Config:
  """The config of a file with `--config.KEY=VALUE` overrides.

  Args:
    name: path of a file that defines `get_config()`, or name of a module in
      `experiments`.
    overrides: such arguments; `submission` may stand for `submissions`.

  Raises:
    UserError: for an unknown key (with the nearest name), a value of the wrong
      type, a file without `get_config`.
  """
  defaults = dataclasses.asdict(config_lib.Config())
  overrides = [
    o.replace('--config.submission=', '--config.submissions=', 1)
    for o in overrides
  ]
  for argument in overrides:
    key = argument.partition('=')[0].removeprefix('--config.')
    if not argument.startswith('--config.'):
      raise errors.UserError(
        f'unknown argument {argument!r}: expected --config.KEY=VALUE with one '
        f'of the keys {", ".join(defaults)}'
      )
    if key not in defaults:
      raise errors.UserError(
        f'config key {key!r} does not exist{errors.nearest(key, defaults)} '
        f'Known keys: {", ".join(defaults)}.'
      )
  values = dict(_load(plugins.experiment_path(name)))
  config_lib.make_config(values)  # Names what is wrong in the file itself.
  config = ml_collections.ConfigDict(defaults | values)
  arguments = ['jaxperf run', *overrides]
  flag_values = flags.FlagValues()
  config_flags.DEFINE_config_dict(
    'config', config, flag_values=flag_values, sys_argv=arguments
  )
  try:
    flag_values(arguments)
  except flags.Error as error:
    raise errors.UserError(f'{error}') from None
  frozen = ml_collections.FrozenConfigDict(flag_values.config)
  return config_lib.make_config(dict(frozen))


def _load(path: pathlib.Path) -> ml_collections.ConfigDict:
  """What the file's `get_config()` returns."""
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  try:
    spec.loader.exec_module(module)
  except SyntaxError as error:
    raise errors.UserError(f'{path} is not valid Python: {error}') from None
  if not hasattr(module, 'get_config'):
    raise errors.UserError(
      f'{path} has no get_config(): a config file defines '
      '`def get_config() -> ml_collections.ConfigDict`'
    )
  return module.get_config()
