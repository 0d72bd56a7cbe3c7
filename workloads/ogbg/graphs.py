# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecules in memory: flat arrays of small integers, 560 bytes a graph."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import errors

UNKNOWN = 2  # A label.
_MOST = np.iinfo(np.int16).max  # Atoms or bonds of a graph.
_AGAIN = 'prepare it again from the original data'

# Names a place in what is read, by kind ('n_node', 'n_bond', 'atom', 'bond',
# 'bond_feature' or 'label'), graph, and row among all of that kind.
Where = Callable[[str, int, int], str]


@dataclasses.dataclass(frozen=True)
class Graphs:
  """Molecules one after the other: each has the next atoms and bonds.

  Attributes:
    n_node: (G,) uint16, atoms.
    n_bond: (G,) uint16, bonds, each counted once.
    nodes: (all atoms, 9) uint8, features.
    bonds: (all bonds, 2) int16, the two atoms, counted within the graph.
    bond_features: (all bonds, 3) uint8.
    labels: (G, T) uint8, 0 or 1, 2 if unknown.
    row: (G,) int32, row in the provider's files, -1 if unknown.
  """

  n_node: np.ndarray
  n_bond: np.ndarray
  nodes: np.ndarray
  bonds: np.ndarray
  bond_features: np.ndarray
  labels: np.ndarray
  row: np.ndarray

  def __len__(self) -> int:
    return len(self.n_node)

  @functools.cached_property
  def first_node(self) -> np.ndarray:
    """(G + 1,) int64, atoms before each graph, and in all."""
    return running_sums(self.n_node)

  @functools.cached_property
  def first_bond(self) -> np.ndarray:
    """(G + 1,) int64, bonds before each graph, and in all."""
    return running_sums(self.n_bond)

  def arrays(self) -> dict[str, np.ndarray]:
    """The arrays by name."""
    return {
      field.name: getattr(self, field.name)
      for field in dataclasses.fields(self)
    }

  def counts(self) -> dict[str, int]:
    """What there is of all that can be counted."""
    return {
      'graphs': len(self),
      'atoms': len(self.nodes),
      'bonds': len(self.bonds),
      'known_labels': int((self.labels != UNKNOWN).sum()),
      'positive_labels': int((self.labels == 1).sum()),
      'atoms_of_the_largest': int(self.n_node.max(initial=0)),
    }


class Loose(NamedTuple):
  """Molecules as they are read: shapes as in `Graphs`, numbers of any kind.

  Labels are NaN where they are unknown.
  """

  n_node: np.ndarray
  n_bond: np.ndarray
  nodes: np.ndarray
  bonds: np.ndarray
  bond_features: np.ndarray
  labels: np.ndarray


def compact(loose: Loose, where: Where | None = None) -> Graphs:
  """The molecules in small integers.

  Args:
    loose: what was read.
    where: names the place of a wrong value; None for data that is sure to be
      right.

  Raises:
    UserError: see `check_values`.
  """
  if where is not None:
    check_values(loose, where)
  unknown = np.isnan(loose.labels)
  return Graphs(
    n_node=loose.n_node.astype(np.uint16),
    n_bond=loose.n_bond.astype(np.uint16),
    nodes=loose.nodes.astype(np.uint8),
    bonds=loose.bonds.astype(np.int16),
    bond_features=loose.bond_features.astype(np.uint8),
    labels=np.where(unknown, UNKNOWN, loose.labels).astype(np.uint8),
    row=np.full(len(loose.n_node), -1, np.int32),
  )


def check_values(loose: Loose, where: Where) -> None:
  """Refuses what small integers cannot hold, or a molecule cannot be.

  Raises:
    UserError: for a graph without atoms or a huge one, a feature that is no
      integer from 0 to 255, a bond with an atom that its graph has not, a label
      that is not 0, 1 or unknown.
  """
  numbers = np.arange(len(loose.n_node))
  for kind, sizes, least in (
    ('n_node', loose.n_node, 1),
    ('n_bond', loose.n_bond, 0),
  ):
    wrong = (sizes < least) | (sizes > _MOST)
    if wrong.any():
      graph = int(np.argmax(wrong))
      raise errors.UserError(
        f'{where(kind, graph, graph)}: it is {sizes[graph]}, expected {least} '
        f'to {_MOST}: {_AGAIN}'
      )
  atoms_of = np.repeat(numbers, loose.n_node)
  bonds_of = np.repeat(numbers, loose.n_bond)
  for kind, values, owners, most in (
    ('atom', loose.nodes, atoms_of, 255),
    ('bond_feature', loose.bond_features, bonds_of, 255),
    ('bond', loose.bonds, bonds_of, loose.n_node[bonds_of][:, None] - 1),
    ('label', loose.labels, numbers, 1),
  ):
    fine = (values >= 0) & (values <= most)
    if values.dtype.kind == 'f':
      fine &= values % 1 == 0
    if kind == 'label':
      fine |= np.isnan(values)
    if not fine.all():
      row, column = np.argwhere(~fine)[0].tolist()
      limit = np.broadcast_to(most, values.shape)[row, column]
      raise errors.UserError(
        f'{where(kind, int(owners[row]), row)}: column {column} is '
        f'{values[row, column]:g}, expected an integer from 0 to {limit}: '
        f'{_AGAIN}'
      )


def joined(parts: Sequence[Graphs]) -> Graphs:
  """The graphs of several parts, one after the other."""
  names = [field.name for field in dataclasses.fields(Graphs)]
  return Graphs(
    **{
      name: np.concatenate([getattr(part, name) for part in parts])
      for name in names
    }
  )


def running_sums(sizes: np.ndarray) -> np.ndarray:
  """Sums of the sizes before each, and of all: (sizes + 1,) int64, read-only.

  >>> running_sums(np.array([3, 1], np.uint16)).tolist()
  [0, 3, 4]
  """
  sums = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
  sums.flags.writeable = False  # Graphs keep them.
  return sums
