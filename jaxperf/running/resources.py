# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial asks of a cluster, as a config says it for each workload."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from jaxperf import errors

_SCALARS = (str, int, float, bool)


@dataclasses.dataclass(frozen=True)
class Resources:
  """Hosts and processes of one trial, and what the scheduler is told.

  Attributes:
    nodes: hosts.
    processes_per_node: processes on each, which share its devices.
    slurm: options of `sbatch`, name -> value; empty for one without a value.
    slurm_setup: lines of shell before the trial.
  """

  nodes: int = 1
  processes_per_node: int = 1
  slurm: tuple[tuple[str, str], ...] = ()
  slurm_setup: str = ''

  @property
  def processes(self) -> int:
    """Processes of the whole trial."""
    return self.nodes * self.processes_per_node


KEYS = tuple(field.name for field in dataclasses.fields(Resources))


def of(config, workload: str) -> Resources:
  """What a trial of a workload asks for.

  Args:
    config: a `config.Config`; `resources.WORKLOAD.*` of it go before the rest.
    workload: name.
  """
  own = config.resources.get(workload, {})
  found = {key: own.get(key, getattr(config, key)) for key in KEYS}
  options = dict(config.slurm) | dict(own.get('slurm', {}))
  found['slurm'] = tuple(options.items())
  return Resources(**found)


def options(key: str, value: Any) -> dict[str, str]:
  """Options of `sbatch` as texts; those that are False are left out.

  >>> options('slurm', {'gpus': 8, 'exclusive': True, 'mem': '0'})
  {'gpus': '8', 'exclusive': '', 'mem': '0'}

  Args:
    key: of the config, for messages.
    value: name -> text, number, or True for an option without a value.

  Raises:
    UserError: for what is none.
  """
  if not isinstance(value, Mapping):
    raise errors.UserError(
      f'config.{key} is {errors.shown(value)}, expected options of sbatch, '
      f'e.g. --config.{key}.time=4:00:00'
    )
  found = {}
  for name, given in value.items():
    if (
      not re.fullmatch(r'[a-z][\w-]*', str(name))
      or not isinstance(given, _SCALARS)
      or '\n' in str(given)
    ):
      raise errors.UserError(
        f'config.{key}.{name} is {errors.shown(given)}, expected a long option '
        f'of sbatch and its value, e.g. --config.{key}.account=mine'
      )
    if given is not False:
      found[name] = '' if given is True else str(given)
  return found


def by_workload(value: Any) -> dict[str, dict[str, Any]]:
  """`config.resources`, checked.

  Raises:
    UserError: for what is no such thing.
  """
  example = '--config.resources.wmt.nodes=2'
  if not isinstance(value, Mapping):
    raise errors.UserError(
      f'config.resources is {errors.shown(value)}, expected keys of workloads, '
      f'e.g. {example}'
    )
  found: dict[str, dict[str, Any]] = {}
  for workload, own in value.items():
    where = f'resources.{workload}'
    if not isinstance(own, Mapping):
      raise errors.UserError(
        f'config.{where} is {errors.shown(own)}, expected keys below it, e.g. '
        f'{example}'
      )
    found[workload] = {
      key: _checked(f'{where}.{key}', key, given) for key, given in own.items()
    }
  return found


def _checked(where: str, key: str, value: Any) -> Any:
  """The value of one key."""
  if key not in KEYS:
    raise errors.UserError(
      f'config key {where!r} does not exist{errors.nearest(key, KEYS)} Known '
      f'keys there: {", ".join(KEYS)}.'
    )
  if key == 'slurm':
    return options(where, value)
  if key == 'slurm_setup':
    if isinstance(value, str):
      return value
    expected = 'a text'
  else:
    number = int(value) if str(value).isdecimal() else 0
    if number:
      return number
    expected = '1 or more'
  raise errors.UserError(
    f'config.{where} is {errors.shown(value)}, expected {expected}'
  )
