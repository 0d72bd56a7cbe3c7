# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Executes files of a user's, and says what they raise."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import sys
import types
import zlib
from importlib import machinery

from jaxperf import errors

# Packages that come with jaxperf.
OURS = ('jaxperf', 'workloads', 'baselines', 'experiments')
_PREFIX = 'user_file_'  # Of names of modules that are files of users.
_beside: list[str] = []  # Folders of such files, at the end of `sys.path`.


def from_file(path: pathlib.Path) -> types.ModuleType:
  """Imports a file anew, under a name that no other module has.

  Raises:
    UserError: if it raises anything; names file and line.
  """
  digest = zlib.crc32(str(path.resolve()).encode())
  name = f'{_PREFIX}{digest:08x}'
  spec = importlib.util.spec_from_file_location(name, path)
  made = importlib.util.module_from_spec(spec)
  sys.modules[name] = made  # Where dataclasses look their module up.
  _reach(path.resolve().parent)
  _execute(spec, made)
  return made


def _execute(spec: machinery.ModuleSpec, made: types.ModuleType) -> None:
  """Executes a user's file.

  Args:
    spec: of the file.
    made: the module that it becomes.

  Raises:
    UserError: if it raises anything; names file and line.
  """
  try:
    spec.loader.exec_module(made)
  except errors.UserError:
    raise
  # Whatever a user's file raises, or that it ends Python.
  except (Exception, SystemExit) as error:
    folder = pathlib.Path(spec.origin).parent
    raise errors.UserError(errors.in_code(error, folder)) from error


def _reach(folder: pathlib.Path) -> None:
  """Lets a user's file import what lies beside it, as a script can.

  The folder comes last, so nothing in it hides another module; of several
  folders with modules of the same name, each file gets its own.
  """
  others = [path for path in _beside if path != str(folder)]
  sys.path[:] = [path for path in sys.path if path not in _beside]
  _beside[:] = [str(folder), *others]
  sys.path += _beside
  for name, module in list(sys.modules.items()):
    top = name.partition('.')[0]
    file = getattr(module, '__file__', None) or ''
    starts = [os.path.join(path, top) for path in others]
    if top not in OURS and file.startswith(
      tuple(f'{start}{end}' for start in starts for end in ('.py', os.sep))
    ):
      del sys.modules[name]
  importlib.invalidate_caches()
