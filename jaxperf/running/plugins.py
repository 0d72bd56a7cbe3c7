# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From names on the command line to workloads, submissions and configs.

The only place that reaches from the toolkit to `workloads`, `baselines` and
`experiments`: by name, when a command asks for it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pathlib
import pkgutil
import re
import sys
import types
import zlib

from jaxperf import errors, tuning
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.algoperf import adapter, files

_ATTRIBUTE = {'external': 'submission', 'self': 'self_tuning'}


def workload_names() -> list[str]:
  """Names of all workloads."""
  return list(importlib.import_module('workloads').TABLE)


def workload(name: str, data: str | None = None) -> workload_lib.Workload:
  """The workload of that name; see `workloads.build`."""
  return importlib.import_module('workloads').build(name, data=data)


def typical_workloads() -> tuple[str, ...]:
  """Names of a workload of convolutions and one of attention."""
  return importlib.import_module('workloads').TYPICAL


def mini_sibling(name: str) -> str | None:
  """The mini workload of the same module of `workloads`, if there is one."""
  table = importlib.import_module('workloads').TABLE
  module, _, _ = table[name].partition(':')
  names = {place: other for other, place in table.items()}
  return names.get(f'{module}:MINI')


def baseline_names() -> list[str]:
  """Names of the modules in `baselines`."""
  package = importlib.import_module('baselines')
  modules = pkgutil.iter_modules(package.__path__)
  return sorted(m.name for m in modules if not m.ispkg)


def baselines() -> list[tuple[str, str, list[str]]]:
  """Name, summary and tuning rule sets of each training algorithm."""
  found = []
  for name in baseline_names():
    module = importlib.import_module(f'baselines.{name}')
    submissions = {
      key: value
      for key, value in vars(module).items()
      if isinstance(value, submission_lib.Submission)
    }
    if submissions:
      found.append((name, summary('baselines', name), sorted(submissions)))
  return found


def summary(package: str, name: str) -> str:
  """First line of a module's docstring."""
  module = importlib.import_module(f'{package}.{name}')
  return (module.__doc__ or '').strip().split('\n')[0]


def experiment_names() -> list[str]:
  """Names of the configs in `experiments`."""
  package = importlib.import_module('experiments')
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
  package = importlib.import_module('experiments')
  path = _source(package, name)
  if path.is_file() and re.fullmatch(r'\w+', name):
    return path
  raise errors.UserError(
    f'experiment {name!r} not found{errors.nearest(name, experiment_names())} '
    'Expected the path of a config file or one of '
    f'{", ".join(experiment_names())}.'
  )


def submission(spec: str, ruleset: str) -> submission_lib.Submission:
  """The submission that a spec names, for external or self-tuning.

  Args:
    spec: `baselines.NAME` or any importable module, or the path of a Python
      file; `:ATTRIBUTE` names one of several submissions in it. The file may be
      one that was written against the AlgoPerf API, see `jaxperf.foreign`.
    ruleset: `'external'` takes `submission` from the module, `'self'` takes
      `self_tuning`, or `submission` if that tunes itself.

  Raises:
    UserError: if there is no such module or submission, or if its tuning does
      not fit the rule set.
  """
  source, _, attribute = spec.partition(':')
  module = _module(source)
  path = pathlib.Path(source)
  if _is_file(source) and (package := files.package_of(path)):
    return adapter.adapt(path, module, package, ruleset)
  if not attribute:
    attribute = _ATTRIBUTE[ruleset]
    if not hasattr(module, attribute):
      attribute = 'submission'
  found = getattr(module, attribute, None)
  if not isinstance(found, submission_lib.Submission):
    others = [
      name
      for name, value in vars(module).items()
      if isinstance(value, submission_lib.Submission)
    ]
    hint = f'; it has {", ".join(others)}' if others else ''
    raise errors.UserError(
      f'{source} has no submission named {attribute!r}{hint}. A submission '
      f'file ends with `{attribute} = jaxperf.Submission(...)`.'
    )
  tunes_itself = isinstance(found.tuning, tuning.SelfTuning)
  if ruleset == 'self' and not tunes_itself:
    raise errors.UserError(
      f'{spec} asks for hyperparameters from outside, but ruleset is self: run '
      'it with --config.ruleset=external, or give it '
      '`self_tuning = jaxperf.Submission(..., tuning=jaxperf.SelfTuning(...))`'
    )
  if ruleset == 'external' and tunes_itself:
    raise errors.UserError(
      f'{spec} tunes itself, but ruleset is external: run it with '
      '--config.ruleset=self, or give it a `submission` whose tuning is '
      'jaxperf.Points or jaxperf.SearchSpace'
    )
  return found


def submission_name(spec: str) -> str:
  """The folder name of a submission: its file's or module's last name.

  A file named `submission.py` has the name of its folder.
  """
  source, _, attribute = spec.partition(':')
  if _is_file(source):
    path = pathlib.Path(source).resolve()
    name = path.parent.name if path.stem == 'submission' else path.stem
  else:
    name = source.rpartition('.')[2]
  return f'{name}_{attribute}' if attribute else name


def submission_digest(spec: str) -> str:
  """SHA-256 of the file that defines a submission."""
  module = _module(spec.partition(':')[0])
  content = pathlib.Path(module.__file__).read_bytes()
  return hashlib.sha256(content).hexdigest()


def _is_file(source: str) -> bool:
  """Whether a spec is the path of a file rather than a module."""
  return source.endswith('.py') or '/' in source


def _module(source: str) -> types.ModuleType:
  """Imports a module by path or by name."""
  if _is_file(source):
    path = pathlib.Path(source)
    if not path.is_file():
      raise errors.UserError(f'submission file {source} does not exist')
    if files.package_of(path):
      files.provide_packages()
    return _import_file(path)
  try:
    return importlib.import_module(source)
  except ModuleNotFoundError as error:
    if error.name is None or not source.startswith(error.name):
      raise  # The module is there; something that it imports is not.
  known = [f'baselines.{name}' for name in baseline_names()]
  raise errors.UserError(
    f'submission {source!r} not found{errors.nearest(source, known)} Expected '
    'baselines.NAME, another module, or the path of a Python file.'
  )


def _import_file(path: pathlib.Path) -> types.ModuleType:
  """Imports a file anew, under a name that no other module has."""
  digest = zlib.crc32(str(path.resolve()).encode())
  name = f'submission_file_{digest:08x}'
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  sys.modules[name] = module  # Where dataclasses look their module up.
  spec.loader.exec_module(module)
  return module


def _source(package: types.ModuleType, name: str) -> pathlib.Path:
  """The file of a module in a package."""
  return pathlib.Path(package.__path__[0]) / f'{name}.py'
