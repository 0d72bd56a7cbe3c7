# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The results folder of an experiment: its config and its jobs."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

from jaxperf import errors, tuning
from jaxperf.records import files
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import specs

# May differ between two starts of one experiment: they change no result.
_FREE = (
  *('data_dir', 'launcher', 'max_parallel', 'checkpoint_every_s'),
  *('sinks', 'tensorboard'),
)
# May grow: results of other submissions and workloads stay what they are.
_LISTS = ('submissions', 'workloads')


def merged_config(
  folder: pathlib.Path, config: config_lib.Config
) -> config_lib.Config:
  """The config of all that a folder holds and is to hold; writes nothing.

  The lists of submissions and of workloads may grow.

  Raises:
    UserError: if the folder holds results of another config.
  """
  content = dataclasses.asdict(config) | {
    'workloads': list(config_lib.workload_names(config)),
    'submissions': list(config.submissions),
  }
  if not (folder / 'config.json').exists():
    if folder.is_dir() and any(folder.iterdir()):
      raise errors.UserError(
        f'{folder} is not empty and has no config.json: choose a new folder'
      )
    return config_lib.make_config(content)
  old = dataclasses.asdict(read_config(folder))
  old['submissions'] = _as_named_now(old['submissions'], config.submissions)
  different = [
    f'{key} is {content[key]!r}, there it is {old[key]!r}'
    for key in content
    if key not in _FREE + _LISTS and content[key] != old[key]
  ]
  if different:
    raise errors.UserError(
      f'{folder} holds results of another config ({"; ".join(different)}): '
      'choose another --workdir'
    )
  for key in _LISTS:
    new = [x for x in content[key] if x not in old[key]]
    content[key] = [*old[key], *new]
  return config_lib.make_config(content)


def _as_named_now(old: Sequence[str], now: Sequence[str]) -> list[str]:
  """Specs of a folder; files that were named from elsewhere as they are now."""
  by_name = {specs.name(spec): spec for spec in now}
  return [
    spec if specs.is_there(spec) else by_name.get(specs.name(spec), spec)
    for spec in old
  ]


def write(
  folder: pathlib.Path, config: config_lib.Config, plan: jobs_lib.Plan
) -> None:
  """Writes config and jobs, and each submission's tuning as AlgoPerf has it."""
  folder.mkdir(parents=True, exist_ok=True)
  files.write_json(folder / 'config.json', dataclasses.asdict(config))
  files.write_json(folder / 'jobs.json', jobs_lib.as_json(plan.jobs))
  if config.ruleset == 'self':
    return
  for entry in plan.entries.values():
    (folder / entry.name).mkdir(exist_ok=True)
    tuning.write_json(
      entry.tuning, folder / entry.name / 'tuning_search_space.json'
    )


def read_config(folder: pathlib.Path) -> config_lib.Config:
  """The config of a results folder.

  Raises:
    UserError: if the folder is not one.
  """
  content = files.read_json(folder / 'config.json')
  if content is None:
    raise errors.UserError(
      f'{folder} has no config.json: expected a folder that `jaxperf run` made'
    )
  return config_lib.make_config(content)


def read_job(folder: pathlib.Path, name: str) -> jobs_lib.Job:
  """The job whose folder, below the results folder, has that name.

  Raises:
    UserError: if there is none; names the nearest.
  """
  rows = files.read_json(folder / 'jobs.json') or []
  by_folder = {row['folder']: row for row in rows}
  if name not in by_folder:
    raise errors.UserError(
      f'{folder} has no trial {name!r}{errors.nearest(name, by_folder)} '
      '`jaxperf status` lists them.'
    )
  return jobs_lib.from_json(by_folder[name])
