# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the trials in a tree of results, and says so when ROOT is no tree."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn

from jaxperf import errors
from jaxperf.records import layout


class Trial(NamedTuple):
  """One trial folder: whose it is, where it is, which files it holds."""

  submission: str
  study: int
  workload: str
  framework: str
  trial: int
  path: str  # Relative to the root.
  files: frozenset[str]


def check_level(root: pathlib.Path) -> None:
  """Makes sure that a path is a folder that holds submissions.

  Raises:
    UserError: if not; says which level it seems to be.
  """
  if not root.exists():
    raise errors.UserError(f'{root}: no such folder.')
  if not root.is_dir():
    raise errors.UserError(
      f'{root} is a file; expected a folder of results, laid out as '
      f'{layout.LAYOUT}.'
    )
  inside = {folder: _folders(root / folder) for folder in _folders(root)}
  if any(_any_numbered(below, 'study_') for below in inside.values()):
    return
  if (root / layout.EVALUATIONS).exists():
    _raise_too_deep(root, 'one trial', 4)
  if _any_numbered(inside, 'trial_'):
    _raise_too_deep(root, 'one workload of one study', 3)
  if _any_numbered(inside, 'study_'):
    _raise_too_deep(root, 'one submission', 1)
  if any(_any_numbered(below, 'trial_') for below in inside.values()):
    _raise_too_deep(root, 'one study', 2)
  deeper = [
    str(root / folder)
    for folder, below in inside.items()
    if any(_any_numbered(_folders(root / folder / b), 'study_') for b in below)
  ]
  if deeper:
    raise errors.UserError(
      f'{root} is one level too high; give one of {", ".join(deeper)}.'
    )
  raise errors.UserError(
    f'{root} holds no results: expected {layout.LAYOUT} in it.'
  )


def walk(root: pathlib.Path, notes: list[layout.Note]) -> Iterator[Trial]:
  """Every trial folder, in order of names and numbers.

  Args:
    root: the folder that holds the submissions.
    notes: gets one note for each folder that is skipped.
  """
  for submission in _folders(root, notes):
    studies = _numbered(root, submission, 'study_', notes)
    if not studies:
      notes.append(layout.Note(submission, 'no study_K folder in it: skipped'))
    for study, study_path in studies:
      seen: dict[tuple[str, int], str] = {}
      for folder in _folders(root / study_path, notes):
        path = f'{study_path}/{folder}'
        if _number(folder, 'trial_') is not None:
          notes.append(
            layout.Note(path, 'a trial folder one level too high: skipped')
          )
          continue
        match = layout.FRAMEWORK.fullmatch(folder)
        workload, framework = match.groups() if match else (folder, '')
        trials = _numbered(root, path, 'trial_', notes)
        if not trials:
          notes.append(
            layout.Note(path, 'no trial_J folder in it: not a study')
          )
        for trial, trial_path in trials:
          first = seen.setdefault((workload, trial), trial_path)
          if first != trial_path:
            notes.append(
              layout.Note(trial_path, f'duplicate of {first}: skipped')
            )
            continue
          files = frozenset(_names(root / trial_path, notes))
          yield Trial(
            submission, study, workload, framework, trial, trial_path, files
          )


def _numbered(
  root: pathlib.Path, path: str, prefix: str, notes: list[layout.Note]
) -> list[tuple[int, str]]:
  """The folders `PREFIX<number>` in a folder: (number, path), sorted."""
  found = []
  for name in _folders(root / path, notes):
    number = _number(name, prefix)
    if number is not None:
      found.append((number, f'{path}/{name}'))
    elif name.startswith(prefix):
      notes.append(
        layout.Note(f'{path}/{name}', f'not named {prefix}<number>: skipped')
      )
  return sorted(found)


def _number(name: str, prefix: str) -> int | None:
  digits = name.removeprefix(prefix)
  if digits != name and digits.isascii() and digits.isdigit():
    return int(digits)
  return None


def _folders(
  path: pathlib.Path, notes: list[layout.Note] | None = None
) -> list[str]:
  """Names of the folders in a folder."""
  return [n for n in _names(path, notes) if os.path.isdir(path / n)]


def _names(path: pathlib.Path, notes: list[layout.Note] | None) -> list[str]:
  """What is in a folder, sorted; nothing, with a note, if it is unreadable."""
  try:
    return sorted(name for name in os.listdir(path) if not name.startswith('.'))
  except PermissionError as error:
    if notes is not None:
      notes.append(layout.Note(str(path), f'unreadable: {error.strerror}'))
    return []


def _any_numbered(folders: Iterable[str], prefix: str) -> bool:
  return any(_number(folder, prefix) is not None for folder in folders)


def _raise_too_deep(root: pathlib.Path, level: str, up: int) -> NoReturn:
  raise errors.UserError(
    f'{root} is the folder of {level}; expected the folder that holds the '
    f'submissions, {up} up: {root.resolve().parents[up - 1]}.'
  )
