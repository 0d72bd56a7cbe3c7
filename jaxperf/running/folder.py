# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The results folder of an experiment: its config and its jobs.

`records.experiment` says where they are.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

from jaxperf import errors, tuning
from jaxperf.records import experiment, layout
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import specs

# May differ between two starts of one experiment: they change no result.
_FREE = (
  *('data_dir', 'launcher', 'max_parallel', 'checkpoint_every_s'),
  *('command', 'nodes', 'processes_per_node', 'retries', 'hang_s'),
  *('slurm', 'slurm_setup', 'resources'),
  *('sinks', 'tensorboard', 'keep_state'),
)


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
  if experiment.read(folder) is None:
    if any(not path.is_dir() for path in folder.rglob('*')):
      raise errors.UserError(
        f'{folder} is not empty and holds nothing that `jaxperf run` planned: '
        'choose a new folder'
      )
    return config_lib.make_config(content)
  old = dataclasses.asdict(read_config(folder))
  old['submissions'] = _as_named_now(old['submissions'], config.submissions)
  different = [
    f'{key} is {content[key]!r}, there it is {old[key]!r}'
    for key in content
    if key not in _FREE + experiment.LISTS and content[key] != old[key]
  ]
  if different:
    raise errors.UserError(
      f'{folder} holds results of another config ({"; ".join(different)}): '
      'choose another --workdir'
    )
  for key in experiment.LISTS:
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
  """Writes what each trial is to be; with tuning, its space as AlgoPerf has it.

  What an earlier version wrote beside the submissions goes.
  """
  jobs = jobs_lib.as_json(plan.jobs)
  experiment.write(folder, dataclasses.asdict(config), jobs)
  for entry in plan.entries.values():
    (folder / entry.name / layout.SEARCH_SPACE).unlink(missing_ok=True)
  if config.ruleset == 'self':
    return
  for job in plan.jobs:
    space = tuning.as_json(plan.entries[job.spec].tuning)
    experiment.write_new(folder / job.folder / layout.SEARCH_SPACE, space)


def read_config(folder: pathlib.Path) -> config_lib.Config:
  """The config of a results folder.

  Raises:
    UserError: if the folder is not one, or its trials are of several configs.
  """
  found = experiment.load(folder)
  mixed = [
    f'{key}: {", ".join(map(repr, values))}'
    for key, values in found.mixed.items()
    if key not in _FREE
  ]
  if mixed:
    raise errors.UserError(
      f'{folder} holds trials of several configs ({"; ".join(mixed)}), which '
      'can be scored, but not gone on with: choose another --workdir'
    )
  return config_lib.make_config(found.config)


def read_jobs(folder: pathlib.Path) -> list[jobs_lib.Job]:
  """The jobs of a results folder, in the order in which they run.

  Raises:
    UserError: if the folder is not one.
  """
  return [jobs_lib.from_json(row) for row in experiment.load(folder).jobs]


def read_job(folder: pathlib.Path, name: str) -> jobs_lib.Job:
  """The job whose folder, below the results folder, has that name.

  Raises:
    UserError: if there is none; names the nearest.
  """
  by_folder = {str(job.folder): job for job in read_jobs(folder)}
  if name not in by_folder:
    raise errors.UserError(
      f'{folder} has no trial {name!r}{errors.nearest(name, by_folder)} '
      '`jaxperf status` lists them.'
    )
  return by_folder[name]
