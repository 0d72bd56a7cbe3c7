# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Rule sets as frozen values, read from the data files in `rulesets/`.

A rule set says what is measured and how: workloads with goals, budgets and
evaluation periods, studies and trials, what the clock counts. No JAX here.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import pathlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from jaxperf import errors
from jaxperf import fields as fields_lib

_FOLDER = pathlib.Path(__file__).parent / 'rulesets'
# Ruleset -> what people call it.
TUNING = {'external': 'external tuning', 'self': 'self-tuning'}
TUNING_RULESETS = tuple(TUNING)
# How a score can be computed.
INTEGRATIONS = ('exact', 'published')
TRIAL_CHOICES = ('time', 'published')
UNITS = ('seconds', 'steps')
# Metric -> the least and the most that it can be.
_RANGES = {
  'accuracy': (0.0, 1.0),
  'bleu': (0.0, 100.0),
  'loss': (0.0, math.inf),
  'mean_average_precision': (0.0, 1.0),
  'ppl': (1.0, math.inf),
  'ssim': (-1.0, 1.0),
  'wer': (0.0, math.inf),
}
_POSITIVE = (
  *('budget', 'eval_period', 'step_hint', 'studies', 'external_trials'),
  *('self_tuning_budget', 'tau_max'),
)
_ROUNDING = 1e-6  # A sum of shares in 32 bits may exceed 1.


@dataclasses.dataclass(frozen=True)
class WorkloadRules:
  """Goal and limits of one workload under one rule set.

  Attributes:
    name: of the workload.
    metric: name of the target metric.
    minimize: whether smaller is better; the target must be beaten strictly.
    validation_target: value that counts for the score.
    test_target: value that the run must also reach to end early; None if there
      is no test split, which counts as reached from the start.
    budget: submission time (seconds) or steps, external tuning.
    eval_period: seconds or steps between two evaluations.
    step_hint: steps that the baseline can do within the budget.
    base: for a variant, its base workload; None for a base workload.
    held_out: whether this variant can void its base workload.
    metric_range: the least and the most that the metric can be; None: what is
      usual for a metric of this name.
  """

  name: str
  metric: str
  minimize: bool
  validation_target: float
  budget: float
  eval_period: float
  step_hint: int
  test_target: float | None = None
  base: str | None = None
  held_out: bool = False
  metric_range: tuple[float, float] | None = None

  @property
  def range(self) -> tuple[float, float]:
    """The least and the most that the metric can be.

    Targets outside of what is usual tell of another scale: anything can be.
    """
    anything = (-math.inf, math.inf)
    least, most = self.metric_range or _RANGES.get(self.metric, anything)
    targets = (self.validation_target, self.test_target)
    inside = all(t is None or least <= t <= most for t in targets)
    return (least, most) if inside else anything

  def possible(self, value: float) -> bool:
    """Whether a metric is a finite number within its range.

    >>> vit = load('v0.5').workloads['imagenet_vit']  # Accuracy.
    >>> vit.possible(0.78), vit.possible(78.0)
    (True, False)
    """
    least, most = self.range
    inside = (least - _ROUNDING <= value) & (value <= most + _ROUNDING)
    return inside & (abs(value) < math.inf)

  def reached(self, value: float, target: float | None) -> bool:
    """Whether a metric beats a target; one that cannot be never does.

    A target that there is not, None, is reached.

    >>> wmt = load('v0.5').workloads['wmt']  # BLEU: larger is better.
    >>> wmt.reached(31.0, 30.8), wmt.reached(30.8, 30.8)
    (True, False)
    >>> wmt.reached(3100.0, 30.8), wmt.reached(float('nan'), 30.8)
    (False, False)
    """
    if target is None:
      return True
    better = value < target if self.minimize else value > target
    return better & self.possible(value)


@dataclasses.dataclass(frozen=True)
class Rules:
  """One version of the benchmark's rules.

  Attributes:
    name: `v0.5`, `v0.6`, `v1.0`, `mini`.
    title: one line for people.
    unit: `'seconds'` or `'steps'`: of budgets, periods and, by default, scores.
    studies: repetitions of the whole tuning procedure.
    external_trials: tuning points per study, external tuning.
    self_tuning_budget: budget of self-tuning as a multiple of the external one.
    counts_compilation: whether compiling is submission time.
    hardware: what the published numbers stand for.
    precision: of matrix products, likewise.
    tau_max: slower than this many times the fastest counts as not reached.
    fixed_batch_size: whether the workload's batch size overrides the
      submission's.
    qualification: workloads of the cheaper estimate.
    workloads: name -> `WorkloadRules`, base workloads and variants.
  """

  name: str
  title: str
  unit: str
  studies: int
  external_trials: int
  self_tuning_budget: float
  counts_compilation: bool
  hardware: str
  precision: str
  tau_max: float
  fixed_batch_size: bool
  qualification: tuple[str, ...]
  workloads: Mapping[str, WorkloadRules]

  @property
  def base_workloads(self) -> tuple[str, ...]:
    """Names of the workloads that the score averages over."""
    return tuple(n for n, w in self.workloads.items() if w.base is None)

  @property
  def held_out(self) -> Mapping[str, str]:
    """Held-out variant -> base workload."""
    return {n: w.base for n, w in self.workloads.items() if w.held_out}

  def trials(self, ruleset: str) -> int:
    """Trials per study under `'external'` or `'self'` tuning."""
    return self.external_trials if ruleset == 'external' else 1

  def budget(self, workload: str, ruleset: str) -> float:
    """Budget of one trial, in `unit`.

    >>> mini = load('mini')
    >>> [mini.budget('mini_clicks', r) for r in ('external', 'self')]
    [300, 450]
    """
    factor = self.self_tuning_budget if ruleset == 'self' else 1
    budget = self.workloads[workload].budget * factor
    return round(budget) if self.unit == 'steps' else budget

  def for_workload(self, workload: str) -> WorkloadRules:
    """The rules of one workload.

    Raises:
      ValueError: if the rule set does not know it; names the nearest.
    """
    if workload not in self.workloads:
      raise ValueError(
        f'rules {self.name} say nothing about workload {workload!r}'
        f'{errors.nearest(workload, self.workloads)} They cover '
        f'{", ".join(self.workloads)}'
      )
    return self.workloads[workload]


def names() -> list[str]:
  """Names of the rule sets that ship with jaxperf."""
  return sorted(p.stem for p in _FOLDER.glob('*.toml'))


def newest_first() -> list[str]:
  """Names of the rule sets that ship, the newest version first.

  >>> newest_first()[-1]  # What has no version comes last.
  'mini'
  """
  return sorted(names(), key=_version, reverse=True)


def newest(workload: str) -> Rules | None:
  """The newest rules that know a workload, None if none do."""
  every = map(load, newest_first())
  return next((rules for rules in every if workload in rules.workloads), None)


@functools.cache
def load(name: str) -> Rules:
  """A rule set by name, or by the path of a TOML file.

  Raises:
    ValueError: if there is none; names the nearest.

  >>> load('v0.5').studies, load('v0.5').external_trials
  (5, 5)
  >>> load('v05')
  Traceback (most recent call last):
  ValueError: rules 'v05' not found: did you mean 'v0.5'? ...
  """
  path = (
    pathlib.Path(name) if name.endswith('.toml') else _FOLDER / f'{name}.toml'
  )
  if not path.is_file():
    raise ValueError(
      f'rules {name!r} not found{errors.nearest(name, names())} Expected one '
      f'of {", ".join(names())} or a path ending in .toml'
    )
  try:
    return _from_toml(path.stem, tomllib.loads(path.read_text('utf-8')))
  except ValueError as error:
    raise ValueError(f'rules {path}: {error}') from None


def _from_toml(name: str, content: dict[str, Any]) -> Rules:
  """The rules that a file says; a ValueError names what is wrong in it."""
  tables = content.pop('workloads', None)
  if not isinstance(tables, dict) or not tables:
    raise ValueError('it has no table [workloads.NAME]')
  workloads = {}
  for workload, fields in tables.items():
    where = f'[workloads.{workload}] '
    if not isinstance(fields, dict):
      raise ValueError(f'{where}is {errors.shown(fields)}, expected a table')
    direction = fields.pop('direction', None)
    if direction not in ('minimize', 'maximize'):
      raise ValueError(
        f"{where}direction is {errors.shown(direction)}, expected 'minimize' "
        "or 'maximize'"
      )
    fields |= {'name': workload, 'minimize': direction == 'minimize'}
    fields_lib.check(WorkloadRules, fields, _POSITIVE, where)
    workloads[workload] = WorkloadRules(**fields)
  for workload, goal in workloads.items():
    if goal.base is not None and goal.base not in workloads:
      raise ValueError(
        f'[workloads.{workload}] base is {goal.base!r}, which has no table'
      )
  fields = content | {'name': name, 'workloads': workloads}
  fields['qualification'] = tuple(content.get('qualification', ()))
  fields_lib.check(Rules, fields, _POSITIVE)
  if fields['unit'] not in UNITS:
    raise ValueError(f'unit is {fields["unit"]!r}, expected seconds or steps')
  return Rules(**fields)


def _version(name: str) -> tuple[int, ...]:
  """The numbers of a version: (0, 10) of `v0.10`; empty for other names."""
  found = re.fullmatch(r'v(\d+(?:\.\d+)*)', name)
  return tuple(map(int, found[1].split('.'))) if found else ()
