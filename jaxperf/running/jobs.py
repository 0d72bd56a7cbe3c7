# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The plan of an experiment: submissions x workloads x studies x trials.

Truth is on disk: a job is done when its folder holds `result.json`, so starting
an experiment again runs what is missing and repeats nothing.
"""

from __future__ import annotations

import dataclasses
import pathlib
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxperf import errors, tuning
from jaxperf import rules as rules_lib
from jaxperf.records import layout
from jaxperf.running import config as config_lib
from jaxperf.running import entries as entries_lib
from jaxperf.running import plugins, specs


@dataclasses.dataclass(frozen=True)
class Job:
  """One trial: what to run, and where its folder is.

  Attributes:
    spec: names the submission, see `entries.Entry`.
    workload: name.
    study: counts from 0.
    trial: counts from 1.
    point: hyperparameters.
    seed: of initialisation, data order and random numbers in the steps; the
      same for all submissions, so that they can be compared in pairs.
  """

  spec: str
  workload: str
  study: int
  trial: int
  point: Mapping[str, Any]
  seed: int

  @property
  def folder(self) -> pathlib.PurePosixPath:
    """The trial's folder, below the results folder."""
    name = specs.name(self.spec)
    return layout.trial_folder(name, self.study, self.workload, self.trial)


class Plan(NamedTuple):
  """All jobs of an experiment, and the submissions that they are about.

  Attributes:
    jobs: in the order in which they run.
    entries: spec -> entry.
  """

  jobs: list[Job]
  entries: Mapping[str, entries_lib.Entry]


def plan(
  config: config_lib.Config,
  entries: Mapping[str, entries_lib.Entry] | None = None,
) -> Plan:
  """The plan of an experiment.

  Args:
    config: checked.
    entries: of the submissions, where they are known; executes each
      submission's file once otherwise.

  Raises:
    UserError: for unknown rules, workloads or submissions, and for tuning that
      does not fit the rule set.
  """
  rules = config_lib.rules_of(config.rules)
  _check_names(config.submissions)
  workloads = config_lib.workload_names(config)
  for workload in workloads:
    _check_workload(rules, workload)
  entries = entries or {
    spec: entries_lib.entry(spec, config.ruleset, config.search_space)
    for spec in config.submissions
  }
  jobs = []
  for workload in workloads:
    for spec, entry in entries.items():
      studies = enumerate(_points(config, rules, entry, workload))
      for study, points in studies:
        for trial, point in enumerate(points, start=1):
          seed = _seed(config.seed, workload, study, trial)
          jobs.append(Job(spec, workload, study, trial, point, seed))
  return Plan(sorted(jobs, key=lambda job: job.study), entries)


def as_json(jobs: Sequence[Job]) -> list[dict[str, Any]]:
  """Rows as `records.experiment` keeps them."""
  rows = []
  for job in jobs:
    row = dataclasses.asdict(job) | {'folder': str(job.folder)}
    rows.append(row | {'submission': row.pop('spec')})
  return rows


def from_json(row: Mapping[str, Any]) -> Job:
  """A job again, from its row."""
  fields = dict(row) | {'spec': row['submission']}
  return Job(**{f.name: fields[f.name] for f in dataclasses.fields(Job)})


def _check_names(submissions: Sequence[str]) -> None:
  """Refuses submissions that would share a folder."""
  names: dict[str, str] = {}
  for spec in submissions:
    name = specs.name(spec)
    if names.setdefault(name, spec) != spec:
      raise errors.UserError(
        f'{names[name]} and {spec} would share the folder {name!r}: rename one '
        'of the files'
      )


def _check_workload(rules: rules_lib.Rules, workload: str) -> None:
  """Refuses a workload that there is not, or that the rules do not know."""
  known = plugins.workload_names()
  if workload not in known:
    raise errors.UserError(
      f'workload {workload!r} not found{errors.nearest(workload, known)} '
      '`jaxperf list workloads` shows all of them.'
    )
  try:
    rules.for_workload(workload)
  except ValueError as error:
    raise errors.UserError(str(error)) from None


def _points(
  config: config_lib.Config,
  rules: rules_lib.Rules,
  entry: entries_lib.Entry,
  workload: str,
) -> list[list[dict[str, Any]]]:
  """The tuning points of one submission on one workload, by study."""
  try:
    return tuning.deal(
      entry.tuning,
      config.studies or rules.studies,
      config.trials or rules.trials(config.ruleset),
      _seed(config.seed, workload),
    )
  except ValueError as error:
    raise errors.UserError(f'{entry.spec}: {error}') from None


def _seed(seed: int, workload: str, *numbers: int) -> int:
  """A seed of its own for each place that needs one; 32 bits."""
  entropy = [seed, zlib.crc32(workload.encode()), *numbers]
  return int(np.random.SeedSequence(entropy).generate_state(1)[0])
