# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The plan of an experiment: submissions x workloads x studies x trials."""

from __future__ import annotations

import dataclasses
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxperf import errors, tuning
from jaxperf import rules as rules_lib
from jaxperf.algoperf import adapter
from jaxperf.records import layout
from jaxperf.running import config as config_lib
from jaxperf.running import plugins


def plan(config: config_lib.Config) -> list[Job]:
  """The jobs of an experiment, in the order in which they run.

  Raises:
    UserError: for unknown rules, workloads or submissions, and for tuning that
      does not fit the rule set.
  """
  rules = config_lib.rules_of(config.rules)
  names: dict[str, str] = {}
  for spec in config.submissions:
    name = plugins.submission_name(spec)
    if names.setdefault(name, spec) != spec:
      raise errors.UserError(
        f'{names[name]} and {spec} would share the folder {name!r}: rename one '
        'of the files'
      )
  workloads = config_lib.workload_names(config)
  for workload in workloads:
    _workload_rules(rules, workload)
  studies = config.studies or rules.studies
  jobs = []
  for workload in workloads:
    for spec in config.submissions:
      points = _points(config, rules, spec, workload)
      for study in range(studies):
        for trial, point in enumerate(points[study], start=1):
          seed = _seed(config.seed, workload, study, trial)
          jobs.append(Job(spec, workload, study, trial, point, seed))
  return sorted(jobs, key=lambda job: job.study)


def tuning_of(config: config_lib.Config, spec: str) -> tuning.Tuning:
  """The tuning of a submission: its own, or that of `config.search_space`.

  Raises:
    UserError: if it does not fit the rule set, or the file cannot be read.
  """
  submission = plugins.submission(spec, config.ruleset)
  if not config.search_space:
    adapter.check_tuning(submission, spec, config.ruleset)
    return submission.tuning
  if config.ruleset == 'self':
    raise errors.UserError(
      'config.search_space gives hyperparameters from outside, but ruleset is '
      'self: use --config.ruleset=external'
    )
  try:
    return tuning.read_json(config.search_space)
  except (OSError, ValueError) as error:
    raise errors.UserError(f'config.search_space: {error}') from None


def _workload_rules(
  rules: rules_lib.Rules, workload: str
) -> rules_lib.WorkloadRules:
  """What the rules say about a workload that there is."""
  known = plugins.workload_names()
  if workload not in known:
    raise errors.UserError(
      f'workload {workload!r} not found{errors.nearest(workload, known)} '
      '`jaxperf list workloads` shows all of them.'
    )
  try:
    return rules.for_workload(workload)
  except ValueError as error:
    raise errors.UserError(str(error)) from None


def _points(
  config: config_lib.Config, rules: rules_lib.Rules, spec: str, workload: str
) -> list[list[dict[str, Any]]]:
  """The tuning points of one submission on one workload."""
  try:
    return tuning.deal(
      tuning_of(config, spec),
      config.studies or rules.studies,
      config.trials or rules.trials(config.ruleset),
      _seed(config.seed, workload),
    )
  except ValueError as error:
    raise errors.UserError(f'{spec}: {error}') from None


def _seed(seed: int, workload: str, *numbers: int) -> int:
  """A seed of its own for each place that needs one; 32 bits."""
  entropy = [seed, zlib.crc32(workload.encode()), *numbers]
  return int(np.random.SeedSequence(entropy).generate_state(1)[0])


@dataclasses.dataclass(frozen=True)
class Job:
  """One trial: what to run, and where its folder is.

  Attributes:
    submission: module or file.
    workload: name.
    study: counts from 0.
    trial: counts from 1.
    point: hyperparameters.
    seed: of initialisation, data order and random numbers in the steps; the
      same for all submissions, so that they can be compared in pairs.
  """

  submission: str
  workload: str
  study: int
  trial: int
  point: Mapping[str, Any]
  seed: int

  @property
  def folder(self) -> pathlib.PurePosixPath:
    """The trial's folder, below the results folder."""
    name = plugins.submission_name(self.submission)
    return layout.trial_folder(name, self.study, self.workload, self.trial)
