# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How the hyperparameters of a trial are chosen: points, spaces, draws."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jaxperf import errors, halton, hyperparameters

Point = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, init=False)
class Points:
  """A fixed list of points; trial i takes point i, in every study.

  >>> Points([{'learning_rate': 1e-3}, {'learning_rate': 1e-2}]).points[0]
  {'learning_rate': 0.001}
  """

  points: tuple[Point, ...]

  def __init__(self, points: Iterable[Point], same_names: bool = True):
    """Checks the points.

    Args:
      points: name -> value, each.
      same_names: whether to refuse points that differ in their names.
    """
    found = list(points)
    if not all(isinstance(point, Mapping) for point in found):
      raise ValueError(
        f'Points was given {errors.shown(points)}, expected a list of '
        'points, each of names and values, e.g. [{"learning_rate": 0.001}]'
      )
    object.__setattr__(self, 'points', tuple(map(hyperparameters.point, found)))
    if not self.points:
      raise ValueError('Points is empty: give at least one tuning point')
    if not same_names:
      return
    names = set(self.points[0])
    for i, point in enumerate(self.points):
      if set(point) != names:
        raise ValueError(
          f'tuning point {i} has the names {sorted(point)}, point 0 has '
          f'{sorted(names)}: every point must give the same hyperparameters'
        )


@dataclasses.dataclass(frozen=True)
class Range:
  """An interval, sampled uniformly in `x` or in `log x`."""

  min: float
  max: float
  scaling: str = 'linear'

  def __post_init__(self):
    for name in ('min', 'max'):
      value = getattr(self, name)
      if not hyperparameters.is_number(value):
        raise ValueError(
          f'{name} of a range is {errors.shown(value)}, expected a '
          'finite number'
        )
    if self.scaling not in ('linear', 'log'):
      raise ValueError(
        f"scaling is {self.scaling!r}, expected 'linear' or 'log'"
      )
      object.__setattr__(self, name, hyperparameters.plain(name, value))
    if not self.min <= self.max:
      raise ValueError(f'range has min {self.min} above max {self.max}')
    if not hyperparameters.is_number(self.max - self.min):
      raise ValueError(f'range from {self.min} to {self.max} is too wide')
    if self.scaling == 'log' and self.min <= 0:
      raise ValueError(f'a log range needs min > 0, got {self.min}')

  def at(self, u: float) -> float:
    """The value at quantile u in [0, 1].

    >>> Range(1, 100).at(0.5), round(Range(1, 100, 'log').at(0.5), 6)
    (50.5, 10.0)
    """
    if self.scaling == 'log':
      low, high = math.log(self.min), math.log(self.max)
      return float(
        np.clip(math.exp(low + u * (high - low)), self.min, self.max)
      )
    return self.min + u * (self.max - self.min)


@dataclasses.dataclass(frozen=True)
class Choice:
  """A finite set of values, each equally likely."""

  values: tuple[Any, ...]

  def __post_init__(self):
    values = hyperparameters.listed('values', vars(self))
    object.__setattr__(
      self,
      'values',
      tuple(hyperparameters.plain('a choice', value) for value in values),
    )
    if not self.values:
      raise ValueError('a choice needs at least one value')

  def at(self, u: float) -> Any:
    """The value at quantile u in [0, 1].

    >>> Choice((0.0, 0.1, 0.2)).at(0.5)
    0.1
    """
    return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


@dataclasses.dataclass(frozen=True, init=False)
class SearchSpace:
  """A box to draw points from: name -> `Range`, `Choice`, or a constant.

  >>> SearchSpace(b1=0.9).dimensions
  {'b1': Choice(values=(0.9,))}
  """

  dimensions: Mapping[str, Range | Choice]

  def __init__(self, /, **dimensions: Any):
    object.__setattr__(
      self,
      'dimensions',
      {
        hyperparameters.name(name): d
        if isinstance(d, (Range, Choice))
        else Choice((hyperparameters.plain(name, d),))
        for name, d in dimensions.items()
      },
    )
    if not self.dimensions:
      raise ValueError('SearchSpace is empty: name at least one hyperparameter')


@dataclasses.dataclass(frozen=True, init=False)
class SelfTuning:
  """No hyperparameters from outside; the constants are the algorithm's own."""

  constants: Point

  def __init__(self, /, **constants: Any):
    object.__setattr__(self, 'constants', hyperparameters.point(constants))


Tuning = Points | SearchSpace | SelfTuning


def read_json(path: str | pathlib.Path) -> Points | SearchSpace:
  """The tuning in an AlgoPerf `tuning_search_space.json` file.

  A list of objects is `Points`, which may differ in their names; an object maps
  names to `{"min", "max", "scaling"}`, `{"feasible_points"}` or a constant.

  Raises:
    OSError: if it cannot be read.
    ValueError: if it is no JSON, or says something else; names file and
      hyperparameter.

  >>> import tempfile
  >>> with tempfile.NamedTemporaryFile('w+', suffix='.json') as file:
  ...   _ = file.write('{"b1": {"feasible_points": [0.9, 0.95]}}'), file.flush()
  ...   read_json(file.name).dimensions
  {'b1': Choice(values=(0.9, 0.95))}
  """
  try:
    text = pathlib.Path(path).read_bytes()
    content = json.loads(text, object_pairs_hook=hyperparameters.from_pairs)
    if isinstance(content, list):
      for point in (points := Points(content, same_names=False)).points:
        hyperparameters.check_texts(point)
      return points
    if not isinstance(content, dict):
      raise ValueError(
        f'it holds {errors.shown(content)}, expected a list of points '
        'or an object of hyperparameters'
      )
    return SearchSpace(
      **{name: _dimension(name, spec) for name, spec in content.items()}
    )
  except RecursionError:
    raise ValueError(f'{path}: it is nested too deeply') from None
  except ValueError as error:
    raise ValueError(f'{path}: {error}') from None


def _dimension(name: str, spec: Any) -> Range | Choice:
  """One hyperparameter of a search space in JSON."""
  if isinstance(spec, list):
    some = errors.shown(spec)
    raise ValueError(f'{name!r} is a list: write {{"feasible_points": {some}}}')
  if not isinstance(spec, dict):
    hyperparameters.check_texts({name: spec})
    return Choice((hyperparameters.plain(name, spec),))
  keys = set(spec)
  hyperparameters.check_texts({name: spec.get('feasible_points')})
  try:
    if keys == {'feasible_points'}:
      return Choice(hyperparameters.listed('feasible_points', spec))
    if {'min', 'max'} <= keys <= {'min', 'max', 'scaling'}:
      return Range(**spec)
  except ValueError as error:
    raise ValueError(f'{name!r}: {error}') from None
  raise ValueError(
    f'{name!r} has {", ".join(map(repr, spec)) or "nothing"}, expected either '
    "'feasible_points' or 'min', 'max' and perhaps 'scaling'"
  )


def as_json(tuning: Points | SearchSpace) -> list | dict[str, Any]:
  """What `tuning_search_space.json` holds in AlgoPerf's form.

  >>> as_json(SearchSpace(b1=0.9))
  {'b1': {'feasible_points': [0.9]}}
  """
  if isinstance(tuning, Points):
    return list(tuning.points)
  return {
    name: {'feasible_points': list(d.values)}
    if isinstance(d, Choice)
    else dataclasses.asdict(d)
    for name, d in tuning.dimensions.items()
  }


def draw(space: SearchSpace, count: int, seed: int) -> list[dict[str, Any]]:
  """Quasi-random points of a space, reproducible from the seed.

  See `halton.points`; one dimension of the cube a hyperparameter.

  Args:
    space: what to draw from.
    count: how many points.
    seed: of the scrambling and the shift.

  >>> points = draw(SearchSpace(b1=Range(0, 8)), count=8, seed=0)
  >>> sorted(int(p['b1']) for p in points)  # Evenly spread, one in each unit.
  [0, 1, 2, 3, 4, 5, 6, 7]
  """
  cube = halton.points(len(space.dimensions), count, seed)
  columns = {
    name: [dimension.at(u) for u in column]
    for (name, dimension), column in zip(space.dimensions.items(), cube)
  }
  return [{name: c[i] for name, c in columns.items()} for i in range(count)]


def deal(
  tuning: Tuning, studies: int, trials: int, seed: int
) -> list[list[dict[str, Any]]]:
  """The point of each trial of each study, as `[study][trial]`.

  Points of a space are drawn at once for all studies and dealt at random; a
  fixed list is used in its order in every study.

  Args:
    tuning: where the points come from.
    studies: number of repetitions.
    trials: trials in a study; a fixed list must have that many points or more.
    seed: of draw and deal.

  >>> deal(Points([{'b1': 0.9}, {'b1': 0.95}]), studies=2, trials=2, seed=0)
  [[{'b1': 0.9}, {'b1': 0.95}], [{'b1': 0.9}, {'b1': 0.95}]]
  >>> deal(SelfTuning(b1=0.9), studies=2, trials=1, seed=0)
  [[{'b1': 0.9}], [{'b1': 0.9}]]
  """
  if isinstance(tuning, SelfTuning):
    return [[dict(tuning.constants)] * trials for _ in range(studies)]
  if isinstance(tuning, Points):
    if len(tuning.points) < trials:
      raise ValueError(
        f'{trials} trials were asked for, but the submission lists '
        f'{len(tuning.points)} tuning points'
      )
    return [[dict(p) for p in tuning.points[:trials]] for _ in range(studies)]
  points = draw(tuning, studies * trials, seed)
  order = np.random.default_rng(np.random.PCG64([seed, 1])).permutation(
    len(points)
  )
  dealt = [points[i] for i in order]
  return [dealt[s * trials : (s + 1) * trials] for s in range(studies)]
