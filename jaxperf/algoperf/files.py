# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Recognises AlgoPerf files, and provides what they import."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import pathlib
import sys
import types
from collections.abc import Callable, Iterator

from jaxperf import errors
from jaxperf import tuning as tuning_lib

_PACKAGES = ('algoperf', 'algorithmic_efficiency')
_RECOGNISED_BY = {'update_params', 'init_optimizer_state'}
_SINCE_V06 = ('jax_sharding_utils', 'train_state')
_OLD_NAMES = ('jax.pmap', 'jax_utils.replicate', 'jax_utils.unreplicate')


@dataclasses.dataclass(frozen=True)
class File:
  """A submission that was written for AlgoPerf.

  Attributes:
    module: the file, imported.
    package: that it imports `spec` from: `'algoperf'`, or its old name.
    tuning: the search space beside it, or that it tunes itself.
    batch_size: its `get_batch_size`.
  """

  module: types.ModuleType
  package: str
  tuning: tuning_lib.Tuning
  batch_size: Callable[[str], int]


def package_of(path: pathlib.Path) -> str | None:
  """The package that an AlgoPerf file imports; None for any other file.

  The file is read, not executed.

  Raises:
    UserError: if it is one that cannot run here: for PyTorch, or for v0.5.
  """
  try:
    tree = ast.parse(path.read_bytes())
  except (SyntaxError, ValueError):
    return None  # Importing it says what is wrong.
  if not _RECOGNISED_BY.issubset(_top_level_names(tree)):
    return None
  imported = {
    name.partition('.')[0]: line for name, line in _imports(tree).items()
  }
  if 'torch' in imported:
    raise errors.UserError(
      f'{path} is an AlgoPerf submission for PyTorch (line '
      f'{imported["torch"]} imports torch): only JAX submissions run here'
    )
  if (line := _first_pmap(tree)) is not None:
    newer = any(name.endswith(_SINCE_V06) for name in _names(tree))
    what = (
      'is written for v0.6 or later, but'
      if newer
      else ('is written for AlgoPerf v0.5, whose files do not run here:')
    )
    raise errors.UserError(
      f'{path} {what} line {line} uses jax.pmap or flax.jax_utils, for arrays '
      'with a leading device axis; use jax.jit with shardings instead'
    )
  return next((p for p in _PACKAGES if p in imported), _PACKAGES[0])


def provide_packages() -> None:
  """Makes `algoperf` importable, under both its names.

  An installed package is never shadowed.
  """
  from jaxperf.algoperf import api

  for package in _PACKAGES:
    if package in sys.modules or importlib.util.find_spec(package) is not None:
      continue
    sys.modules[package] = api
    for name in api.__all__:
      sys.modules[f'{package}.{name}'] = getattr(api, name)


def _top_level_names(tree: ast.Module) -> Iterator[str]:
  """Names that a module defines or imports, as far as its text shows."""
  for node in tree.body:
    if isinstance(node, ast.FunctionDef):
      yield node.name
    elif isinstance(node, ast.ImportFrom):
      yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Assign):
      yield from (t.id for t in node.targets if isinstance(t, ast.Name))


def _imports(tree: ast.Module) -> dict[str, int]:
  """Modules that are imported anywhere in a file, with the line."""
  found: dict[str, int] = {}
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      for alias in node.names:
        found.setdefault(alias.name, node.lineno)
    elif isinstance(node, ast.ImportFrom) and node.module:
      found.setdefault(node.module, node.lineno)
  return found


def _names(tree: ast.Module) -> Iterator[str]:
  """Modules and names that a file imports, and arguments that it takes."""
  for node in ast.walk(tree):
    if isinstance(node, (ast.Import, ast.ImportFrom)):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.arg):
      yield node.arg


def _first_pmap(tree: ast.Module) -> int | None:
  """The line where a file maps over devices in the old way, if it does."""
  lines = []
  for node in ast.walk(tree):
    names = []
    if isinstance(node, ast.Attribute):
      names = [ast.unparse(node)]
    elif isinstance(node, ast.ImportFrom):
      names = [f'{node.module}.{alias.name}' for alias in node.names]
    if any(name.removeprefix('flax.') in _OLD_NAMES for name in names):
      lines.append(node.lineno)
  return min(lines, default=None)
