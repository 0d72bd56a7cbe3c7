# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The files that a submission is made of: its own and those beside it.

Found by reading, not by importing: nothing of a submission is executed. What is
imported by a computed name, and files that are opened as data, are not found.
"""

from __future__ import annotations

import ast
import hashlib
import pathlib
import types
from collections.abc import Iterator

from jaxperf.running import modules

_INSTALLED = ('site-packages', 'dist-packages')


def files(module: types.ModuleType) -> dict[str, str]:
  """The file that defines a module and what it imports from beside it.

  Args:
    module: imported already. The modules of its package are beside it; if it is
      in none, those in its folder that are not installed packages.

  Returns:
    Path below the common folder -> SHA-256; the module's own file comes first.
  """
  main = pathlib.Path(module.__file__).resolve()
  package = (module.__package__ or '').partition('.')[0]
  if package:
    depth = module.__package__.count('.') + 1
    root, tops = main.parents[depth], {package}
  else:
    root = main.parent
    tops = _modules_in(root)
  found: dict[str, str] = {}
  waiting = [main]
  while waiting:
    path = waiting.pop()
    name = path.relative_to(root).as_posix()
    if name in found:
      continue
    content = path.read_bytes()
    found[name] = hashlib.sha256(content).hexdigest()
    if path.suffix == '.py':
      waiting += [
        beside
        for beside in _imported(content, path, root)
        if beside.relative_to(root).parts[0].removesuffix('.py') in tops
      ]
  return found


def _modules_in(folder: pathlib.Path) -> set[str]:
  """Names of a user's own modules and packages in a folder."""
  if folder.name in _INSTALLED:
    return set()
  names = {path.stem for path in folder.glob('*.py')}
  names |= {path.name for path in folder.iterdir() if path.is_dir()}
  # Ours are known by their version, which is recorded with those of others.
  return names - set(modules.OURS)


def _imported(
  content: bytes, path: pathlib.Path, root: pathlib.Path
) -> Iterator[pathlib.Path]:
  """Files below a folder that a source file imports."""
  for node in ast.walk(ast.parse(content)):
    if isinstance(node, ast.Import):
      for alias in node.names:
        yield from _files(root, alias.name)
    elif isinstance(node, ast.ImportFrom):
      base = path.parents[node.level - 1] if node.level else root
      if base.is_relative_to(root):
        for alias in node.names:
          yield from _files(base, f'{node.module or ""}.{alias.name}')


def _files(base: pathlib.Path, name: str) -> Iterator[pathlib.Path]:
  """Files that importing a dotted name from a folder executes there.

  The last part may be no module but a name inside one.
  """
  place = base
  for part in filter(None, name.split('.')):
    place = place / part
    for path in (place / '__init__.py', place.parent / f'{part}.py'):
      if path.is_file():
        yield path
        break
    else:
      if not place.is_dir():
        return
