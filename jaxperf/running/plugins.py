# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From names on the command line to workloads, submissions and configs.

The only place that reaches from the toolkit to `workloads`, `baselines` and
`experiments`: by name, when a command asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import pkgutil
import re
import sys
import types
import zlib
from importlib import machinery
from typing import Any

import jaxperf
from jaxperf import errors
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.algoperf import files

_PACKAGES = ('workloads', 'baselines', 'experiments')
_OURS = ('jaxperf', *_PACKAGES)
_PREFIX = 'submission_file_'  # Of names of modules that are files of users.
_beside: list[str] = []  # Folders of such files, at the end of `sys.path`.


def workload_names() -> list[str]:
  """Names of all workloads."""
  return list(_package('workloads').TABLE)


def workload(
  name: str, data: str | pathlib.Path | None = None
) -> workload_lib.Workload:
  """The workload of that name; see `workloads.build`."""
  return _package('workloads').build(name, data=data)


def typical_workloads() -> tuple[str, ...]:
  """Names of a workload of convolutions and one of attention."""
  return _package('workloads').TYPICAL


def mini_sibling(name: str) -> str | None:
  """The mini workload of the same module of `workloads`, if there is one."""
  table = _package('workloads').TABLE
  module, _, _ = table[name].partition(':')
  names = {place: other for other, place in table.items()}
  return names.get(f'{module}:MINI')


def dataset_of(name: str) -> str | None:
  """The data set that a workload is trained on; None if it brings its own."""
  place = _package('workloads').TABLE[name]
  folder, _, attribute = place.partition('.')
  if attribute.endswith(':MINI') or folder not in dataset_names():
    return None
  return folder


def dataset_names() -> list[str]:
  """Names of the data sets that can be prepared."""
  place = pathlib.Path(_package('workloads').__path__[0])
  return sorted(path.parent.name for path in place.glob('*/prepare.py'))


def dataset(name: str) -> Any:
  """The data set of that name, a `datasets.dataset.Dataset`.

  Raises:
    UserError: if there is none; names the nearest.
  """
  known = dataset_names()
  if name not in known:
    raise errors.UserError(
      f'data set {name!r} not found{errors.nearest(name, known)} Known: '
      f'{", ".join(known)}.'
    )
  return importlib.import_module(f'workloads.{name}.prepare').DATASET


def baseline_names() -> list[str]:
  """Names of the modules in `baselines`."""
  package = _package('baselines')
  modules = pkgutil.iter_modules(package.__path__)
  return sorted(m.name for m in modules if not m.ispkg)


def baselines() -> list[tuple[str, str, list[str]]]:
  """Name, summary and tuning rule sets of each training algorithm."""
  rows = []
  for name in baseline_names():
    found = importlib.import_module(f'baselines.{name}')
    submissions = {
      key: value
      for key, value in vars(found).items()
      if isinstance(value, submission_lib.Submission)
    }
    if submissions:
      rows.append((name, summary('baselines', name), sorted(submissions)))
  return rows


def summary(package: str, name: str) -> str:
  """First line of a module's docstring."""
  _package(package)
  found = importlib.import_module(f'{package}.{name}')
  return (found.__doc__ or '').strip().split('\n')[0]


def experiment_names() -> list[str]:
  """Names of the configs in `experiments`."""
  package = _package('experiments')
  names = sorted(m.name for m in pkgutil.iter_modules(package.__path__))
  # Other modules are scripts around experiments.
  is_config = 'def get_config('
  return [n for n in names if is_config in _source(package, n).read_text()]


def experiment_path(name: str) -> pathlib.Path:
  """The file of an experiment config, given its path or its name.

  Raises:
    UserError: if there is none; names the nearest.
  """
  if pathlib.Path(name).is_file():
    return pathlib.Path(name)
  package = _package('experiments')
  path = _source(package, name)
  if path.is_file() and re.fullmatch(r'\w+', name):
    return path
  raise errors.UserError(
    f'experiment {name!r} not found{errors.nearest(name, experiment_names())} '
    'Expected the path of a config file or one of '
    f'{", ".join(experiment_names())}.'
  )


def is_file(source: str) -> bool:
  """Whether a spec is the path of a file rather than a module."""
  return source.endswith('.py') or '/' in source


def canonical(spec: str) -> str:
  """One text for each file, however its path is given; a module as it is.

  Below the current folder it is relative to that, elsewhere it is absolute.

  >>> canonical('./a/../mine.py:second'), canonical('baselines.nadamw')
  ('mine.py:second', 'baselines.nadamw')
  """
  source, colon, attribute = spec.partition(':')
  if not is_file(source):
    return spec
  path = pathlib.Path(os.path.abspath(os.path.expanduser(source)))
  if path.is_relative_to(pathlib.Path.cwd()):
    path = path.relative_to(pathlib.Path.cwd())
  return f'{path}{colon}{attribute}'


def module(source: str) -> types.ModuleType:
  """Imports a module by path, executing it anew, or by name.

  Raises:
    UserError: if there is none; names the nearest.
  """
  if is_file(source):
    path = pathlib.Path(source)
    if not path.is_file():
      raise errors.UserError(f'submission file {source} does not exist')
    if files.package_of(path):
      files.provide_packages()
    return _import_file(path)
  top = source.partition('.')[0]
  try:
    if top in _PACKAGES:
      _package(top)
    return importlib.import_module(source)
  except ModuleNotFoundError as error:
    if error.name is None or not source.startswith(error.name):
      # The module is there; something that it imports is not.
      raise _cannot_be_imported(source, error) from error
  except errors.UserError:
    raise
  # Whatever code of the user's raises when it is imported.
  except (Exception, SystemExit) as error:
    raise _cannot_be_imported(source, error) from error
  known = [f'baselines.{name}' for name in baseline_names()]
  raise errors.UserError(
    f'submission {source!r} not found{errors.nearest(source, known)} Expected '
    'baselines.NAME, another module, or the path of a Python file.'
  )


def _import_file(path: pathlib.Path) -> types.ModuleType:
  """Imports a file anew, under a name that no other module has."""
  digest = zlib.crc32(str(path.resolve()).encode())
  name = f'{_PREFIX}{digest:08x}'
  spec = importlib.util.spec_from_file_location(name, path)
  made = importlib.util.module_from_spec(spec)
  sys.modules[name] = made  # Where dataclasses look their module up.
  _reach(path.resolve().parent)
  execute(spec, made)
  return made


def _reach(folder: pathlib.Path) -> None:
  """Lets a user's file import what lies beside it, as a script can.

  The folder comes last, so nothing in it hides another module; of several
  folders with modules of the same name, each file gets its own.
  """
  others = [path for path in _beside if path != str(folder)]
  for path in _beside:
    sys.path.remove(path)
  _beside[:] = [str(folder), *others]
  sys.path += _beside
  for name, module in list(sys.modules.items()):
    top = name.partition('.')[0]
    file = getattr(module, '__file__', None) or ''
    starts = [os.path.join(path, top) for path in others]
    if top not in _OURS and file.startswith(
      tuple(f'{start}{end}' for start in starts for end in ('.py', os.sep))
    ):
      del sys.modules[name]
  importlib.invalidate_caches()


def execute(spec: machinery.ModuleSpec, made: types.ModuleType) -> None:
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


def _cannot_be_imported(source: str, error: BaseException) -> errors.UserError:
  """Says what a module raised when it was imported by name."""
  found = importlib.util.find_spec(source.partition('.')[0])
  places = list(found.submodule_search_locations or ()) if found else []
  folder = pathlib.Path(places[0] if places else found.origin or '.')
  folder = folder if places else folder.parent
  return errors.UserError(errors.in_code(error, folder))


def _package(name: str) -> types.ModuleType:
  """One of the packages that come with jaxperf.

  Raises:
    UserError: if another package of that name hides it.
  """
  package = importlib.import_module(name)
  ours = pathlib.Path(jaxperf.__file__).resolve().parents[1] / name
  found = [pathlib.Path(path).resolve() for path in package.__path__]
  if ours not in found:
    raise errors.UserError(
      f'{package.__file__ or found[0]} hides the package {name!r} that comes '
      'with jaxperf: rename it, or start jaxperf from another folder'
    )
  return package


def _source(package: types.ModuleType, name: str) -> pathlib.Path:
  """The file of a module in a package."""
  return pathlib.Path(package.__path__[0]) / f'{name}.py'
