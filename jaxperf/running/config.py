# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What an experiment config can say, and reading it."""

from __future__ import annotations

import dataclasses
import math
import numbers
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxperf import errors
from jaxperf import rules as rules_lib
from jaxperf.running import resources as resources_lib
from jaxperf.running import specs

_PATHS = ('rules', 'search_space', 'data_dir', 'tensorboard')
_TRUTH = {'true': True, '1': True, 'false': False, '0': False}
# A file may compute values with numpy.
_ACCEPTED = {
  bool: (bool, np.bool_),
  int: numbers.Integral,
  float: numbers.Real,
  str: str,
}
_NAMES = {
  bool: 'true or false',
  int: 'a whole number',
  float: 'a finite number',
  str: 'a text',
  tuple: 'a list of texts',
}


@dataclasses.dataclass(frozen=True)
class Config:
  """All that an experiment config can say, with the defaults.

  Attributes:
    rules: name of a rule set, or path of a TOML file.
    ruleset: `external` or `self` tuning.
    submissions: modules or files, see `entries.Entry`.
    workloads: names; empty for all base workloads of the rules.
    studies: repetitions; 0 for what the rules say.
    trials: tuning points per study; 0 for what the rules say.
    search_space: path of an AlgoPerf JSON file that replaces the submissions'
      own tuning; empty for none.
    seed: of everything random; 0 is a seed.
    data: `fake` for random data of the right shapes; empty for real data.
    data_dir: folder of all prepared data; empty for `$JAXPERF_DATA`.
    microbatches: slices of a batch that are processed one after another.
    shard_params: split large parameters over the devices.
    max_steps: step limit; 0 for none.
    rehearsal: batches of each split that an evaluation covers in a dress
      rehearsal, which judges nothing and tells what real runs will take; 0 for
      a real run.
    batch_sizes: `WORKLOAD:EXAMPLES` each, for training and evaluation in a
      rehearsal on devices that are too small for the real batches.
    keep_state: keep the last state of each trial, and the weights that were
      judged when the target was met and at the end, for `jaxperf verify`; by
      default where the rules count steps, as those of the mini scale do.
    launcher: what starts the trials, a module of `running.launch`; or
      `commands`, which starts nothing and prints the command lines.
    command: words that start jaxperf where trials run, such as `apptainer exec
      --nv jaxperf.sif jaxperf`; empty for this Python.
    max_parallel: trials that run at the same time.
    nodes: hosts of one trial.
    processes_per_node: processes on each, which share its devices.
    retries: how often a trial that was lost is started again without having
      got any further.
    hang_s: seconds after which a trial of several processes that does not
      advance is ended, to be started again; 0 for never.
    slurm: options of `sbatch`, handed over as they are: `slurm.gpus=8`.
    slurm_setup: lines of shell before each trial on SLURM.
    resources: `resources.WORKLOAD.KEY` goes before `nodes`,
      `processes_per_node`, `slurm` and `slurm_setup` for one workload.
    checkpoint_every_s: wall seconds between two checkpoints.
    sinks: where the metrics of trials that end go besides, each `NAME:TARGET`,
      with a module of `records.sinks`.
    tensorboard: folder for TensorBoard, empty for none; short for
      `sinks=tensorboard:FOLDER`.
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
  data_dir: str = ''
  microbatches: int = 1
  shard_params: bool = False
  max_steps: int = 0
  rehearsal: int = 0
  batch_sizes: tuple[str, ...] = ()
  keep_state: bool = False
  launcher: str = 'local'
  command: str = ''
  max_parallel: int = 1
  nodes: int = 1
  processes_per_node: int = 1
  retries: int = 3
  hang_s: float = 1800.0
  slurm: Mapping[str, str] = dataclasses.field(default_factory=dict)
  slurm_setup: str = ''
  resources: Mapping[str, Mapping] = dataclasses.field(default_factory=dict)
  checkpoint_every_s: float = 600.0
  sinks: tuple[str, ...] = ()
  tensorboard: str = ''

  def batch_size(self, workload: str) -> int | None:
    """The batch size that is chosen for a workload, if any.

    >>> Config(batch_sizes=('wmt:8', 'ogbg:128')).batch_size('ogbg')
    128
    """
    pairs = (text.split(':') for text in self.batch_sizes)
    return next((int(size) for name, size in pairs if name == workload), None)

  @property
  def all_sinks(self) -> tuple[str, ...]:
    """`sinks`, and the one that `tensorboard` stands for."""
    short = (f'tensorboard:{self.tensorboard}',) if self.tensorboard else ()
    return (*self.sinks, *short)


def make_config(values: Mapping[str, Any]) -> Config:
  """A checked config from plain values.

  Raises:
    UserError: naming the key that is unknown, of the wrong type, or whose
      value cannot be.
  """
  for key in values:
    check_key(key)
  config = Config(**{key: _typed(key, value) for key, value in values.items()})
  _check(config)
  if 'keep_state' not in values:
    keep = rules_of(config.rules).unit == 'steps' and not config.rehearsal
    config = dataclasses.replace(config, keep_state=keep)
  return config


def workload_names(config: Config) -> tuple[str, ...]:
  """The workloads that a config names: all base workloads by default."""
  return config.workloads or rules_of(config.rules).base_workloads


def rules_of(name: str) -> rules_lib.Rules:
  """The rule set of that name.

  Raises:
    UserError: if there is none.
  """
  try:
    return rules_lib.load(name)
  except ValueError as error:
    raise errors.UserError(str(error)) from None


def check_key(key: str) -> None:
  """Refuses a key that there is not; names the nearest."""
  known = [field.name for field in dataclasses.fields(Config)]
  if key not in known:
    raise errors.UserError(
      f'config key {key!r} does not exist{errors.nearest(key, known)} '
      f'Known keys: {", ".join(known)}.'
    )


def from_text(key: str, text: str) -> Any:
  """The value that a text on the command line stands for.

  Raises:
    UserError: if it is none of the key's type.
  """
  default = getattr(Config(), key)
  try:
    if isinstance(default, tuple):
      return tuple(specs.parts(text))
    if isinstance(default, bool):
      return _TRUTH[text.lower()]
    return type(default)(text)
  except (ValueError, KeyError):
    raise _mistyped(key, text) from None


def _typed(key: str, value: Any) -> Any:
  """The value as the type of the default."""
  default = getattr(Config(), key)
  if key == 'slurm':
    return resources_lib.options(key, value)
  if key == 'resources':
    return resources_lib.by_workload(value)
  if isinstance(value, os.PathLike):
    value = os.fspath(value)
  if isinstance(default, tuple):
    return _list(key, value)
  if isinstance(value, (float, np.floating)) and not math.isfinite(value):
    raise _mistyped(key, value)
  if isinstance(default, bool) == isinstance(value, (bool, np.bool_)):
    if isinstance(value, str) and key in _PATHS:
      return os.path.expanduser(value)
    for kind, accepted in _ACCEPTED.items():
      if isinstance(default, kind) and isinstance(value, accepted):
        return kind(value)
  raise _mistyped(key, value)


def _list(key: str, value: Any) -> tuple[str, ...]:
  """A list of texts, each once."""
  given = (value,) if isinstance(value, str) else value
  if not isinstance(given, (list, tuple)) or not all(
    isinstance(part, (str, os.PathLike)) for part in given
  ):
    raise _mistyped(key, value)
  names = [name for part in given for name in specs.parts(os.fspath(part))]
  if key == 'submissions':
    names = [specs.canonical(name) for name in names]
  return tuple(dict.fromkeys(names))


def _mistyped(key: str, value: Any) -> errors.UserError:
  """Says what a value should be."""
  kind = _NAMES[type(getattr(Config(), key))]
  return errors.UserError(
    f'config.{key} is {errors.shown(value)}, expected {kind}'
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
  for key in (
    *('studies', 'trials', 'seed', 'max_steps', 'rehearsal'),
    *('checkpoint_every_s', 'retries', 'hang_s'),
  ):
    if getattr(config, key) < 0:
      raise errors.UserError(
        f'config.{key} is {getattr(config, key)}, expected 0 or more'
      )
  for key in ('microbatches', 'max_parallel', 'nodes', 'processes_per_node'):
    if getattr(config, key) < 1:
      raise errors.UserError(
        f'config.{key} is {getattr(config, key)}, expected 1 or more'
      )
  if config.rehearsal or config.batch_sizes:
    _check_rehearsal(config)
  for name in config.resources:
    if name not in (known := rules_of(config.rules).workloads):
      raise errors.UserError(
        f'config.resources has {name!r}, which is no workload of '
        f'{config.rules}{errors.nearest(name, known)}'
      )
  if not config.submissions:
    raise errors.UserError(
      'config.submissions is empty: name at least one, e.g. '
      '--config.submissions=baselines.nadamw,my_submission.py'
    )


def _check_rehearsal(config: Config) -> None:
  """Refuses what is no dress rehearsal."""
  if not config.rehearsal:
    raise errors.UserError(
      'config.batch_sizes is for a dress rehearsal: give --config.rehearsal=2 '
      'too, or leave the batch size to the submission'
    )
  if config.max_steps < 2 or len(config.submissions) > 1:
    raise errors.UserError(
      'a dress rehearsal takes one submission, and at least 2 steps since the '
      'first evaluation compiles: say --config.max_steps=20 and name one'
    )
  names = workload_names(config)
  for text in config.batch_sizes:
    name, _, size = text.partition(':')
    if name not in names or not (size.isdecimal() and int(size)):
      raise errors.UserError(
        f'config.batch_sizes has {text!r}, expected WORKLOAD:EXAMPLES with one '
        f'of {", ".join(names)}, e.g. {names[0]}:8'
      )
