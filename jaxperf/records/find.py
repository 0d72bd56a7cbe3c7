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
  """One trial folder: whose it is, where it is, which files it holds.

  Attributes:
    submission: its name as text, see `layout.shown`.
    study: number.
    workload: its name as text.
    framework: `'jax'`, `'pytorch'`, or empty.
    trial: number.
    path: below the root, as text.
    folder: below the root, to open files with.
    files: names of what is in it.
  """

  submission: str
  study: int
  workload: str
  framework: str
  trial: int
  path: str
  folder: pathlib.PurePath
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
  if any(name.startswith(layout.EVALUATIONS) for name in _names(root)):
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
  hidden: list[layout.Note] = []
  _level(root, '', 'study_', hidden)
  raise errors.UserError(
    f'{root} holds no results: expected {layout.LAYOUT} in it.'
    + ''.join(f' {note}.' for note in hidden)
  )


def walk(root: pathlib.Path, notes: list[layout.Note]) -> Iterator[Trial]:
  """Every trial folder, in order of names and numbers.

  Trials that are planned and have not begun are left out.

  Args:
    root: the folder that holds the submissions.
    notes: gets one note for each folder that is skipped.
  """
  read: dict[tuple, pathlib.PurePath] = {}  # What is known -> its folder.
  for submission in _level(root, '', 'study_', notes):
    studies = _numbered(root, submission, 'study_', notes)
    if not studies:
      _note(notes, submission, 'no study_K folder in it: skipped')
    for study, path in studies:
      for folder in _level(root, path, 'trial_', notes):
        if _number(folder, 'trial_') is not None:
          _note(
            notes,
            f'{path}/{folder}',
            'a trial folder one level too high: skipped',
          )
          continue
        for trial in _trials(
          root, submission, study, f'{path}/{folder}', notes
        ):
          if not _known(trial, read, notes):
            names = frozenset(_names(root / trial.folder, notes))
            if layout.JOB not in names or names - layout.PLANNED:
              yield trial._replace(files=names)


def _trials(
  root: pathlib.Path,
  submission: str,
  study: int,
  path: str,
  notes: list[layout.Note],
) -> Iterator[Trial]:
  """The trials in a workload's folder, without their files."""
  name = layout.shown(path.rpartition('/')[2])
  match = layout.FRAMEWORK.fullmatch(name)
  workload, framework = match.groups() if match else (name, '')
  trials = _numbered(root, path, 'trial_', notes)
  if not trials:
    _note(notes, path, 'no trial_J folder in it: not a study')
  for trial, folder in trials:
    yield Trial(
      submission=layout.shown(submission),
      study=study,
      workload=workload,
      framework=framework,
      trial=trial,
      path=layout.shown(folder),
      folder=pathlib.PurePath(folder),
      files=frozenset(),
    )


def _known(
  trial: Trial,
  read: dict[tuple, pathlib.PurePath],
  notes: list[layout.Note],
) -> bool:
  """Whether there is such a trial already, perhaps of another framework."""
  cell = (trial.submission, trial.study, trial.workload)
  same = read.setdefault((*cell, trial.trial), trial.folder)
  if same != trial.folder:
    _note(notes, trial.path, f'duplicate of {layout.shown(str(same))}: skipped')
    return True
  first = read.setdefault(cell, trial.folder.parent)
  if first != trial.folder.parent:
    other = layout.shown(str(first))
    what = f'this study has {other} for the same workload: skipped'
    _note(notes, trial.path, what)
  return first != trial.folder.parent


def _note(notes: list[layout.Note], path: str, what: str) -> None:
  notes.append(layout.Note(layout.shown(path), what))


def _numbered(
  root: pathlib.Path, path: str, prefix: str, notes: list[layout.Note]
) -> list[tuple[int, str]]:
  """The folders `PREFIX<number>` in a folder: (number, path), sorted."""
  found = []
  for name in _level(root, path, prefix, notes):
    number = _number(name, prefix)
    if number is not None:
      found.append((number, f'{path}/{name}'))
    elif name.lower().startswith(prefix.rstrip('_')):
      _note(notes, f'{path}/{name}', f'not named {prefix}<number>: skipped')
  return sorted(found)


def _number(name: str, prefix: str) -> int | None:
  digits = name.removeprefix(prefix)
  if digits != name and digits.isascii() and digits.isdigit():
    return int(digits)
  return None


def _level(
  root: pathlib.Path, path: str, prefix: str, notes: list[layout.Note]
) -> list[str]:
  """Names of the folders in a folder, those that begin with a dot left out.

  Args:
    root: of the tree.
    path: of the folder, below the root.
    prefix: a folder left out gets a note if it, or one in it, has this name.
    notes: gets the notes.
  """
  names = _names(root / path, notes)
  for name in names:
    folder = root / path / name
    if name.startswith('.') and (
      _any_numbered([name.lstrip('.')], prefix)
      or _any_numbered(_folders(folder), prefix)
    ):
      place = f'{path}/{name}' if path else name
      _note(notes, place, 'begins with a dot: skipped (rename it to be read)')
  return _open_folders(root / path, names)


def _folders(path: pathlib.Path) -> list[str]:
  """Names of the folders in a folder that do not begin with a dot."""
  return _open_folders(path, _names(path))


def _open_folders(path: pathlib.Path, names: Iterable[str]) -> list[str]:
  """Those names that are folders and do not begin with a dot."""
  return [n for n in names if n[0] != '.' and os.path.isdir(path / n)]


def _names(
  path: pathlib.Path, notes: list[layout.Note] | None = None
) -> list[str]:
  """What is in a folder, sorted; nothing, with a note, if it is unreadable."""
  try:
    return sorted(os.listdir(path))
  except NotADirectoryError:
    return []
  except PermissionError as error:
    if notes is not None:
      _note(notes, str(path), f'unreadable: {error.strerror}')
    return []


def _any_numbered(folders: Iterable[str], prefix: str) -> bool:
  return any(_number(folder, prefix) is not None for folder in folders)


def _raise_too_deep(root: pathlib.Path, level: str, up: int) -> NoReturn:
  raise errors.UserError(
    f'{root} is the folder of {level}; expected the folder that holds the '
    f'submissions, {up} up: {root.resolve().parents[up - 1]}.'
  )
