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
import types
from typing import Any

import jaxperf
from jaxperf import errors
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.algoperf import files
from jaxperf.running import modules, specs

_PACKAGES = ('workloads', 'baselines', 'experiments')


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
  return [
    n for n in names if is_config in _source(package, n).read_text('utf-8')
  ]


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
  if pathlib.Path(name).is_dir():
    raise errors.UserError(
      f'{name} is a folder: name the config file in it, e.g. '
      f'--config={pathlib.Path(name, "config.py")}'
    )
  raise errors.UserError(
    f'experiment {name!r} not found{errors.nearest(name, experiment_names())} '
    'Expected the path of a config file or one of '
    f'{", ".join(experiment_names())}.'
  )


def module(source: str) -> types.ModuleType:
  """Imports a module by path, executing it anew, or by name.

  Raises:
    UserError: if there is none; names the nearest.
  """
  if specs.is_file(source):
    path = _submission_file(source)
    if files.package_of(path):
      files.provide_packages()
    return modules.from_file(path)
  top = source.partition('.')[0]
  if '' in source.split('.'):
    raise _not_found(source)
  try:
    if top in _PACKAGES:
      _package(top)
    found = importlib.import_module(source)
    if getattr(found, '__file__', None):  # A folder has none.
      return found
  except ModuleNotFoundError as error:
    if error.name is None or not source.startswith(error.name):
      # The module is there; something that it imports is not.
      raise _cannot_be_imported(source, error) from error
  except errors.UserError:
    raise
  # Whatever code of the user's raises when it is imported.
  except (Exception, SystemExit) as error:
    raise _cannot_be_imported(source, error) from error
  raise _not_found(source)


def _not_found(source: str) -> errors.UserError:
  """Says that there is no such module, and what may be meant."""
  place = pathlib.Path(source)
  known = [f'baselines.{name}' for name in baseline_names()]
  hint = errors.nearest(source, known)
  if place.is_dir():
    hint = f': {source} is a folder, name the Python file in it.'
  elif place.with_name(f'{place.name}.py').is_file():
    hint = f': did you mean {f"{source}.py"!r}?'
  return errors.UserError(
    f'submission {source!r} not found{hint} Expected baselines.NAME, another '
    f'module, or the path of a Python file{_separate(source)}.'
  )


def _separate(source: str) -> str:
  """What to do, where one text may stand for several submissions."""
  if re.search(r'[\s;|]', source):
    return '; put commas between several'
  return ''


def _submission_file(source: str) -> pathlib.Path:
  """The Python file that a path names.

  Raises:
    UserError: if it is none.
  """
  path = pathlib.Path(os.path.expanduser(source))
  if path.is_dir():
    raise errors.UserError(
      f'{source} is a folder: name the Python file in it, e.g. '
      f'{path / "submission.py"}'
    )
  if not path.is_file():
    raise errors.UserError(
      f'submission file {source} does not exist{_separate(source)}'
    )
  if path.suffix != '.py':
    raise errors.UserError(
      f'submission file {source} is expected to have a name that ends in .py: '
      'rename it'
    )
  return path


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
