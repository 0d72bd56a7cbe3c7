# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The names that submission files take from `algoperf.spec`."""

from __future__ import annotations

import enum
from typing import Any

from jaxperf import workload


class ForwardPassMode(enum.Enum):
  """What a forward pass is for."""

  TRAIN = 0
  EVAL = 1


LossType = enum.Enum('LossType', list(workload.LossKind.__members__))
ParameterType = enum.Enum('ParameterType', list(workload.ParamKind.__members__))


class ShapeTuple:
  """The shape of a parameter, as a leaf of a tree.

  Attributes:
    shape_tuple: the shape.
  """

  def __init__(self, shape_tuple: tuple[int, ...]):
    self.shape_tuple = shape_tuple

  def __repr__(self) -> str:
    return f'ShapeTuple({self.shape_tuple})'

  def __eq__(self, other: Any) -> bool:
    return (
      isinstance(other, ShapeTuple) and self.shape_tuple == other.shape_tuple
    )

  def __hash__(self) -> int:
    return hash(self.shape_tuple)


class TrainingCompleteError(Exception):
  """Raised by a submission that has nothing left to do."""


def __getattr__(name: str) -> Any:
  """`Any` for the many names that occur in annotations only."""
  if name[:1].isupper():
    return Any
  raise AttributeError(f'algoperf.spec has no {name!r} here')
