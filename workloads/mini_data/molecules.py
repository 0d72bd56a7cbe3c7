# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecules as graphs, with one measured and 64 computed labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workloads.mini_data import files


class Molecules(NamedTuple):
  """One split, ragged: graph i owns the next n_node[i] and n_bond[i] rows.

  Graphs are in a fixed random order. Every bond is listed once.

  Attributes:
    node_features: (sum of n_node, 9) float32, indices in OGB's encoding:
      atomic number, chirality, degree, formal charge, hydrogens, radical
      electrons, hybridisation, aromatic, in a ring.
    edge_features: (sum of n_bond, 3) float32, indices in OGB's encoding: bond
      type, stereochemistry, conjugated.
    edge_index: (sum of n_bond, 2) int32, the two atoms of a bond, counted
      from 0 in each graph.
    n_node: (G,) int32, atoms.
    n_bond: (G,) int32, bonds.
    labels: (G, 65) float32, 0 or 1, NaN if unknown; the last is measured.
  """

  node_features: np.ndarray
  edge_features: np.ndarray
  edge_index: np.ndarray
  n_node: np.ndarray
  n_bond: np.ndarray
  labels: np.ndarray


def splits() -> dict[str, Molecules]:
  """Molecules with 65 labels: 14,919 / 1,864 / 1,866, split by scaffold.

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  arrays = files.read('molecules')
  n_node = arrays['n_node'].astype(np.int32)
  n_bond = arrays['n_bond'].astype(np.int32)
  nodes = np.ascontiguousarray(arrays['nodes'].T, np.float32)
  bonds = np.ascontiguousarray(arrays['bonds'].T)
  labels = _labels(arrays, len(n_node))
  first_node = np.concatenate([[0], np.cumsum(n_node)])
  first_bond = np.concatenate([[0], np.cumsum(n_bond)])
  splits = {}
  for split, graphs in files.split_slices('molecules').items():
    node_rows = slice(first_node[graphs.start], first_node[graphs.stop])
    bond_rows = slice(first_bond[graphs.start], first_bond[graphs.stop])
    splits[split] = Molecules(
      node_features=nodes[node_rows],
      edge_features=bonds[bond_rows, 2:].astype(np.float32),
      edge_index=bonds[bond_rows, :2].astype(np.int32),
      n_node=n_node[graphs],
      n_bond=n_bond[graphs],
      labels=labels[graphs],
    )
  return splits


def tasks() -> list[str]:
  """Names of the 65 labels, in order."""
  return files.lines(files.read('molecules')['task_names'])


def _labels(arrays: dict[str, np.ndarray], count: int) -> np.ndarray:
  """(G, tasks) float32 from one bit a label and one bit whether it is known."""
  values, known = (
    np.unpackbits(arrays[name], axis=1, count=count).T
    for name in ('label_bits', 'known_bits')
  )
  return np.where(known, values, np.nan).astype(np.float32)
