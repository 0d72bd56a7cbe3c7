# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What an experiment is to hold, as its trials' folders say it.

`job.json` in a trial's folder holds the trial's line of the plan and the config
of the whole experiment. There is no file beside the submissions, so that
AlgoPerf's tools read the tree as it is, and a submission's folder that is moved
to another tree takes its part of the plan along.

Earlier versions wrote `config.json` and `jobs.json` beside the submissions;
such trees are read too.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jaxperf import errors
from jaxperf.records import files, layout

# Keys of a config that are lists and may differ between trials of one tree.
LISTS = ('submissions', 'workloads')
_EARLIER = ('config.json', 'jobs.json')


class Experiment(NamedTuple):
  """The plan of a tree of results.

  Attributes:
    config: of the experiment; what its trials disagree on is left out.
    jobs: a row for each trial, in the order in which they run: `folder` (below
      the root), `submission`, `workload`, `study`, `trial`, `point`, `seed`.
    mixed: key of a config -> the values on which trials disagree.
  """

  config: dict[str, Any]
  jobs: list[dict[str, Any]]
  mixed: dict[str, list[Any]]


def read(
  root: pathlib.Path, folders: Iterable[pathlib.PurePath] | None = None
) -> Experiment | None:
  """The plan that a folder holds; None if it holds none.

  Args:
    root: the folder.
    folders: of the trials below it that have a plan, where that is known.

  Raises:
    UserError: if a file that says so is damaged.
  """
  places = _planned(root) if folders is None else folders
  planned = {
    str(folder): _object(root / folder / layout.JOB) for folder in places
  }
  rows = [
    {'folder': folder, 'order': len(planned)} | content.get('job', {})
    for folder, content in planned.items()
  ]
  configs = [content.get('config', {}) for content in planned.values()]
  if (root / _EARLIER[0]).is_file():
    configs.append(_object(root / _EARLIER[0]))
    rows += _earlier_rows(root, planned)
  if not configs:
    return None
  config, mixed = _united(configs)
  rows.sort(key=lambda row: row.get('order', len(rows)))
  for row in rows:
    row.pop('order', None)
  return Experiment(config, rows, mixed)


def load(root: pathlib.Path) -> Experiment:
  """The plan that a folder holds.

  Raises:
    UserError: if it holds none, or a file that says so is damaged.
  """
  found = read(root)
  if found is None:
    raise errors.UserError(
      f'{root} holds nothing that `jaxperf run` planned: expected a folder '
      'that it made'
    )
  return found


def write(
  root: pathlib.Path, config: Mapping[str, Any], jobs: list[dict[str, Any]]
) -> None:
  """Writes what each trial is to be; files that say so already stay.

  What an earlier version wrote of it beside the submissions goes.
  """
  for order, job in enumerate(jobs):
    folder = root / job['folder']
    row = {name: value for name, value in job.items() if name != 'folder'}
    content = {'job': row | {'order': order}, 'config': dict(config)}
    write_new(folder / layout.JOB, content)
  for name in _EARLIER:
    (root / name).unlink(missing_ok=True)


def write_new(path: pathlib.Path, content: Any) -> None:
  """Writes a JSON file, and the folder for it, unless it is there like that."""
  content = json.loads(json.dumps(content))
  try:
    there = files.read_json(path)
  except ValueError:  # Damaged: it is made anew.
    there = None
  if there != content:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(path, content)


def _planned(root: pathlib.Path) -> Iterator[pathlib.PurePath]:
  """The folders of trials that have a plan, below the root, in order."""
  levels = 4  # SUBMISSION/study_K/WORKLOAD_FRAMEWORK/trial_J
  folders = [root]
  for _ in range(levels):
    folders = [entry for folder in folders for entry in _folders(folder)]
  for folder in folders:
    if (folder / layout.JOB).is_file():
      yield folder.relative_to(root)


def _folders(folder: pathlib.Path) -> list[pathlib.Path]:
  """The folders in a folder that do not begin with a dot, sorted."""
  try:
    with os.scandir(folder) as found:
      names = [e.name for e in found if e.is_dir() and e.name[0] != '.']
  except (NotADirectoryError, FileNotFoundError, PermissionError):
    return []
  return [folder / name for name in sorted(names)]


def _earlier_rows(root: pathlib.Path, planned: Mapping) -> list[dict]:
  """Rows of `jobs.json` for trials that no file of their own plans."""
  path = root / _EARLIER[1]
  if not path.is_file():
    return []
  rows = _json(path)
  if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
    raise errors.UserError(f'{path} is damaged: it is no list of jobs')
  return [
    row | {'order': order}
    for order, row in enumerate(rows)
    if row.get('folder') not in planned
  ]


def _united(configs: list[Mapping]) -> tuple[dict, dict]:
  """One config of several, and what they disagree on."""
  config: dict[str, Any] = {}
  mixed: dict[str, list] = {}
  for other in configs:
    for key, value in other.items():
      if key in LISTS:
        known = config.setdefault(key, [])
        known += [x for x in value or () if x not in known]
      elif key in mixed:
        mixed[key] += [value] if value not in mixed[key] else []
      elif config.setdefault(key, value) != value:
        mixed[key] = [config[key], value]
  return {k: v for k, v in config.items() if k not in mixed}, mixed


def _object(path: pathlib.Path) -> dict[str, Any]:
  """A JSON object."""
  content = _json(path)
  if not isinstance(content, dict):
    raise errors.UserError(f'{path} is damaged: it is no JSON object')
  return content


def _json(path: pathlib.Path) -> Any:
  try:
    return files.read_json(path)
  except (OSError, ValueError) as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): restore it, or remove '
      'it and run the same command again'
    ) from None
