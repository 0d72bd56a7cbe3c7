# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The text that names a submission, see `entries.Entry`; nothing is read."""

from __future__ import annotations

import ast
import contextlib
import os
import pathlib
from collections.abc import Sequence


def split(spec: str) -> tuple[str, str]:
  """Module or path, and the name inside it; empty if there is none.

  The path may hold colons, too.

  >>> split('mine.py:second'), split('at:home/mine.py')
  (('mine.py', 'second'), ('at:home/mine.py', ''))
  """
  source, _, attribute = spec.rpartition(':')
  if not source or ',' in attribute or is_file(attribute):
    return spec, ''
  return source.strip(), attribute.strip()


def is_file(source: str) -> bool:
  """Whether a source is the path of a file rather than a module."""
  return source.endswith('.py') or '/' in source


def is_there(spec: str) -> bool:
  """Whether a spec names a file that is there, seen from the current folder."""
  return os.path.isfile(os.path.expanduser(split(spec)[0].strip()))


def canonical(spec: str) -> str:
  """One text for each file, however its path is given; a module as it is.

  Below the current folder it is relative to that, elsewhere it is absolute.

  >>> canonical('./a/../mine.py:second'), canonical('baselines.nadamw')
  ('mine.py:second', 'baselines.nadamw')
  """
  source, attribute = split(spec)
  if is_file(source):
    path = pathlib.Path(os.path.abspath(os.path.expanduser(source)))
    if path.is_relative_to(pathlib.Path.cwd()):
      path = path.relative_to(pathlib.Path.cwd())
    # What is no file must not become a module.
    source = str(path) if is_file(str(path)) else f'./{path}'
  return f'{source}:{attribute}' if attribute else source


def name(spec: str) -> str:
  """The folder name of a submission: its file's or module's last name.

  A file named `submission.py` has the name of its folder.

  >>> name('baselines.nadamw'), name('my/adam.py:fast')
  ('nadamw', 'adam_fast')
  """
  source, attribute = split(spec)
  if is_file(source):
    path = pathlib.Path(source).resolve()
    found = path.parent.name if path.stem == 'submission' else path.stem
  else:
    found = source.rpartition('.')[2]
  return f'{found}_{attribute}' if attribute else found


def parts(text: str) -> list[str]:
  """The parts of a list that is given as text, with commas or as in Python.

  A comma in the name of a file that is there does not separate.

  >>> parts('baselines.lion, my mine.py'), parts("('a.py', 'b.py:second')")
  (['baselines.lion', 'my mine.py'], ['a.py', 'b.py:second'])
  """
  found = []
  for part in _unwrapped(text.strip()):
    words = part.split(',')
    while words:
      counts = range(len(words), 1, -1)
      joined = (n for n in counts if is_there(','.join(words[:n])))
      count = next(joined, 1)
      found.append(','.join(words[:count]).strip())
      words = words[count:]
  return [part for part in found if part]


def _unwrapped(text: str) -> Sequence[str]:
  """The parts of a list in Python's notation; other text as it is."""
  with contextlib.suppress(ValueError, SyntaxError):
    value = ast.literal_eval(text)
    values = (value,) if isinstance(value, str) else value
    if isinstance(values, (list, tuple)) and all(
      isinstance(part, str) for part in values
    ):
      return values
  ends = text[:1] + text[-1:]
  return (text[1:-1],) if ends in ('()', '[]') else (text,)
