# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Experiments: submissions x workloads x studies x trials, as jobs.

A config says what is run; `plan` turns it into jobs. Truth is on disk: a job is
done when its folder holds `result.json`, so starting an experiment again runs
what is missing and repeats nothing.
"""

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
from jaxperf.records import write
from jaxperf.running import build, plugins

# May differ between two starts of one experiment: they change no result.
_FREE = ('max_parallel', 'checkpoint_every_s', 'tensorboard')
# May grow: results of other submissions and workloads stay what they are.
_LISTS = ('submissions', 'workloads')


@dataclasses.dataclass(frozen=True)
class Config:
  """All that an experiment config can say, with the defaults.

  Attributes:
    rules: name of a rule set, or path of a TOML file.
    ruleset: `external` or `self` tuning.
    submissions: modules or files, see `plugins.submission`.
    workloads: names; empty for all base workloads of the rules.
    studies: repetitions; 0 for what the rules say.
    trials: tuning points per study; 0 for what the rules say.
    search_space: path of an AlgoPerf JSON file that replaces the submissions'
      own tuning; empty for none.
    seed: of everything random; 0 is a seed.
    data: `fake` for random data of the right shapes; empty for real data.
    microbatches: slices of a batch that are processed one after another.
    shard_params: split large parameters over the devices.
    max_steps: step limit; 0 for none.
    keep_state: keep the last state of each trial.
    max_parallel: trials that run at the same time.
    checkpoint_every_s: wall seconds between two checkpoints.
    tensorboard: folder to which each trial that ends is exported for
      TensorBoard; empty for none.
  """

  rules: str = 'mini'
  ruleset: str = 'self'
  submissions: tuple[str, ...] = ()
  workloads: tuple[str, ...] = ()
  studies: int = 0
  trials: int = 0
  search_space: str = ''
  seed: int = 0
  data: str = ''
  microbatches: int = 1
  shard_params: bool = False
  max_steps: int = 0
  keep_state: bool = False
  max_parallel: int = 1
  checkpoint_every_s: float = 600.0
  tensorboard: str = ''


def make_config(values: Mapping[str, Any]) -> Config:
  """A checked config from plain values.

  Raises:
    UserError: naming the key that is unknown, of the wrong type, or whose
      value cannot be.
  """
  fields = {f.name: f for f in dataclasses.fields(Config)}
  for key in values:
    if key not in fields:
      raise errors.UserError(
        f'config key {key!r} does not exist{errors.nearest(key, fields)} '
        f'Known keys: {", ".join(fields)}.'
      )
  defaults = Config()
  typed = {
    key: _typed(key, value, getattr(defaults, key))
    for key, value in values.items()
  }
  config = dataclasses.replace(defaults, **typed)
  _check(config)
  return config


def plan(config: Config) -> list[build.Job]:
  """The jobs of an experiment, in the order in which they run.

  Raises:
    UserError: for unknown rules, workloads or submissions, and for tuning that
      does not fit the rule set.
  """
  rules = rules_of(config.rules)
  names: dict[str, str] = {}
  for spec in config.submissions:
    name = plugins.submission_name(spec)
    if names.setdefault(name, spec) != spec:
      raise errors.UserError(
        f'{names[name]} and {spec} would share the folder {name!r}: rename one '
        'of the files'
      )
  workloads = workload_names(config)
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
          jobs.append(build.Job(spec, workload, study, trial, point, seed))
  return sorted(jobs, key=lambda job: job.study)


def tuning_of(config: Config, spec: str) -> tuning.Tuning:
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


def workload_names(config: Config) -> tuple[str, ...]:
  """The workloads that a config names: all base workloads by default."""
  return config.workloads or rules_of(config.rules).base_workloads


def open_folder(folder: pathlib.Path, config: Config) -> Config:
  """Writes the config beside the results, or checks the one that is there.

  Returns:
    The config of all that the folder holds: lists of submissions and workloads
    may have grown.

  Raises:
    UserError: if the folder holds results of another config.
  """
  path = folder / 'config.json'
  content = dataclasses.asdict(config) | {
    'workloads': list(workload_names(config)),
    'submissions': list(config.submissions),
  }
  old = write.read_json(path) if path.exists() else None
  if old is not None:
    different = [
      f'{key} is {content[key]!r}, there it is {old.get(key)!r}'
      for key in content
      if key not in _FREE + _LISTS and content[key] != old.get(key)
    ]
    if different:
      raise errors.UserError(
        f'{folder} holds results of another config ({"; ".join(different)}): '
        'choose another --workdir'
      )
    for key in _LISTS:
      new = [x for x in content[key] if x not in old[key]]
      content[key] = old[key] + new
  elif folder.is_dir() and any(folder.iterdir()):
    raise errors.UserError(
      f'{folder} is not empty and has no config.json: choose a new folder'
    )
  folder.mkdir(parents=True, exist_ok=True)
  write.write_json(path, content)
  return make_config(content)


def read_config(folder: pathlib.Path) -> Config:
  """The config of a results folder.

  Raises:
    UserError: if the folder is not one.
  """
  content = write.read_json(folder / 'config.json')
  if content is None:
    raise errors.UserError(
      f'{folder} has no config.json: expected a folder that `jaxperf run` made'
    )
  return make_config(content)


def _typed(key: str, value: Any, default: Any) -> Any:
  """The value as the type of the default."""
  if isinstance(default, tuple):
    parts = (value,) if isinstance(value, str) else value
    if isinstance(parts, (list, tuple)) and all(
      isinstance(part, str) for part in parts
    ):
      names = [name.strip() for part in parts for name in part.split(',')]
      return tuple(dict.fromkeys(name for name in names if name))
  elif isinstance(default, bool) or isinstance(value, bool):
    if isinstance(value, bool) and isinstance(default, bool):
      return value
  elif isinstance(default, float):
    if isinstance(value, (int, float)):
      return float(value)
  elif isinstance(value, type(default)):
    return value
  raise errors.UserError(
    f'config.{key} is {value!r}, expected a value like {default!r}'
  )


def _check(config: Config) -> None:
  """Refuses values that cannot be."""
  if config.ruleset not in rules_lib.TUNING_RULESETS:
    raise errors.UserError(
      f'config.ruleset is {config.ruleset!r}, expected one of '
      f'{", ".join(rules_lib.TUNING_RULESETS)}'
    )
  if config.data not in ('', 'fake'):
    raise errors.UserError(
      f"config.data is {config.data!r}, expected '' (real data) or 'fake'"
    )
  for key in ('studies', 'trials', 'seed', 'max_steps', 'checkpoint_every_s'):
    if getattr(config, key) < 0:
      raise errors.UserError(
        f'config.{key} is {getattr(config, key)}, expected 0 or more'
      )
  for key in ('microbatches', 'max_parallel'):
    if getattr(config, key) < 1:
      raise errors.UserError(
        f'config.{key} is {getattr(config, key)}, expected 1 or more'
      )
  if not config.submissions:
    raise errors.UserError(
      'config.submissions is empty: name at least one, e.g. '
      '--config.submissions=baselines.nadamw,my_submission.py'
    )


def rules_of(name: str) -> rules_lib.Ruleset:
  """The rule set of that name.

  Raises:
    UserError: if there is none.
  """
  try:
    return rules_lib.load(name)
  except ValueError as error:
    raise errors.UserError(str(error)) from None


def _workload_rules(
  rules: rules_lib.Ruleset, workload: str
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
  config: Config, rules: rules_lib.Ruleset, spec: str, workload: str
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
