# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What prepared molecules should hold."""

import pathlib
import time
from collections.abc import Iterator, Mapping

import numpy as np

from jaxperf import prepared
from workloads.ogbg import graphs as graphs_lib
from workloads.ogbg import storage

PUBLISHED = {'train': 350_343, 'validation': 43_793, 'test': 43_793}
_BATCH, _EVAL_BATCH, _SEED = 512, 32_768, 0


def findings(
  published: Mapping[str, int],
  folder: pathlib.Path,
  manifest: prepared.Manifest,
  deep: bool = False,
) -> Iterator[tuple[bool, str]]:
  """Counts, values and first batches; see `Dataset.check`.

  Nothing more if `deep`: all graphs are looked at anyway.

  Args:
    published: graphs of each split.
    folder: of the data set.
    manifest: of the folder.
    deep: ignored.
  """
  described = {file.name: file.counts for file in manifest.files}
  splits = {split: storage.read(folder, split) for split in storage.SPLITS}
  for split, graphs in splits.items():
    found, wrong = graphs.counts(), _wrong_values(graphs)
    expected = described[storage.file_name(split)]
    fine = found == expected and found['graphs'] == published[split]
    yield fine, _counted(split, found, expected, published[split])
    yield not wrong, f'{split}: {wrong or "labels, bonds and sizes are sound"}'
    if wrong:
      return
  largest = max(int(graphs.n_node.max()) for graphs in splits.values())
  yield True, f'largest molecule: {largest} atoms'
  yield from _first_batches(splits)


def _counted(split, found, expected, published: int) -> str:
  """Counts of a split, and what they should be."""
  known, positive = found['known_labels'], found['positive_labels']
  text = (
    f'{split}: {found["graphs"]:,} graphs, {found["atoms"]:,} atoms, '
    f'{found["bonds"]:,} bonds, {known:,} known labels, {positive:,} positive'
  )
  if found['graphs'] != published:
    text += f', expected {published:,} graphs'
  return text + (f', expected {dict(expected)}' if found != expected else '')


def _wrong_values(graphs: graphs_lib.Graphs) -> str:
  """What is wrong with the arrays of a split; empty if nothing is."""
  for name, array, sizes in (
    ('nodes', graphs.nodes, graphs.n_node),
    ('bonds', graphs.bonds, graphs.n_bond),
    ('bond_features', graphs.bond_features, graphs.n_bond),
  ):
    if len(array) != sizes.sum(dtype=np.int64):
      return f'{name} has {len(array):,} rows, its graphs {sizes.sum():,}'
  if graphs.labels.shape != (len(graphs), storage.NUM_TASKS):
    return f'labels have the shape {graphs.labels.shape}'
  if graphs.labels.max(initial=0) > graphs_lib.UNKNOWN:
    return f'a label is {graphs.labels.max()}, expected at most 2, for unknown'
  atoms = np.repeat(graphs.n_node, graphs.n_bond)[:, None]
  if ((graphs.bonds < 0) | (graphs.bonds >= atoms)).any():
    return 'a bond joins an atom that its graph has not'
  return ''


def _first_batches(splits) -> Iterator[tuple[bool, str]]:
  """Reads the first batches, as a run does."""
  from workloads.ogbg import data, packing  # Need JAX.

  began = time.perf_counter()
  batch, taken = next(data.training(splits['train'], _SEED, _BATCH))
  seconds = time.perf_counter() - began
  yield _described(
    f'first training batch of seed {_SEED}',
    batch,
    packing.shard_size(_BATCH),
    f', {seconds:.3f} s, {taken / seconds:,.0f} graphs/s',
  )
  size = packing.shard_size(_EVAL_BATCH)
  for split in ('validation', 'test'):
    batch = next(data.evaluating(splits[split], _EVAL_BATCH))
    yield _described(f'first {split} batch', batch, size)


def _described(what: str, batch, size: int, more='') -> tuple[bool, str]:
  """How full a batch is and what its labels are."""
  inputs, weights = batch['inputs'], batch['weights']
  # The last graph with nodes is padding, the other ones are real.
  real = (inputs.n_node > 0).sum(axis=1) - 1
  padding = real[:, None]
  nodes = np.take_along_axis(inputs.n_node, padding, 1)[:, 0]
  edges = np.take_along_axis(inputs.n_edge, padding, 1)[:, 0]
  nodes, edges = inputs.nodes.shape[1] - nodes, inputs.edges.shape[1] - edges
  known, positive = weights.sum(), batch['targets'].sum()
  fine = bool(known > 0 and (batch['targets'] <= weights).all())
  return fine, (
    f'{what}: {real.sum():,} graphs in {len(real)} shards of {size:,}; nodes '
    f'{nodes.tolist()} of {inputs.nodes.shape[1] - 1:,}, edges '
    f'{edges.tolist()} of {inputs.edges.shape[1]:,}; {known:,.0f} known labels,'
    f' {100 * positive / max(known, 1):.1f} % of them positive{more}'
  )
