# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of molecules: prepared ones, those that ship, random graphs.

See `packing` for what a batch is.
"""

import functools
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from jaxperf import data, workload
from workloads.mini_data import files
from workloads.mini_data import molecules as molecules_lib
from workloads.ogbg import graphs as graphs_lib
from workloads.ogbg import packing, storage

# Training graphs that one evaluation covers, the first ones.
EVAL_TRAIN, MINI_EVAL_TRAIN = 43_793, 1_000
_FAKE_GRAPHS = 1_000

Load = Callable[[str], graphs_lib.Graphs]


def prepared(data_dir: pathlib.Path | None = None) -> workload.Data:
  """The molecules that `jaxperf data prepare` has made.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(lambda: storage.open_splits(data_dir))

  def check():
    opened()

  return graph_data(
    lambda split: opened()(split), storage.NUM_TASKS, EVAL_TRAIN
  )._replace(check=check)


def mini(_: pathlib.Path | None = None) -> workload.Data:
  """The molecules that ship."""
  num_tasks = len(molecules_lib.tasks())
  return graph_data(mini_graphs, num_tasks, MINI_EVAL_TRAIN)


def fake(num_tasks: int, num_eval_train: int) -> workload.Data:
  """Random graphs, over and over."""
  load = functools.partial(fake_graphs, num_tasks)
  return graph_data(load, num_tasks, num_eval_train)


def graph_data(
  load: Load, num_tasks: int, num_eval_train: int
) -> workload.Data:
  """Batches of graphs held in memory.

  The cursor is the number of graphs taken since the start of the first epoch.

  Args:
    load: graphs of a split.
    num_tasks: T.
    num_eval_train: training graphs that an evaluation covers, the first ones.
  """

  def train(seed, batch_size, cursor=None, rows=None):
    return training(load('train'), seed, batch_size, cursor, rows)

  def evaluation(split, batch_size, rows=None):
    most = num_eval_train if split == 'train' else None
    return evaluating(load(split), batch_size, rows, most)

  return workload.Data(
    train, evaluation, functools.partial(element_spec, num_tasks)
  )


def element_spec(num_tasks: int, batch_size: int, split: str | None = None):
  """Shapes of a batch, in training and evaluation alike."""
  return packing.spec(num_tasks, packing.shard_size(batch_size))


def training(
  graphs: graphs_lib.Graphs,
  seed: int,
  batch_size: int,
  cursor: int | None = None,
  rows: packing.Rows | None = None,
) -> Iterator[tuple[data.Batch, int]]:
  """Endless batches and cursors; see `workload.Data.train`.

  The epochs come one after the other: a shard may hold the end of one and the
  start of the next.
  """
  size, count, taken = packing.shard_size(batch_size), len(graphs), cursor or 0
  epoch, offset = divmod(taken, count)
  indices = data.epoch_order(seed, epoch, count)[offset:]
  while True:
    while len(indices) < batch_size:  # No batch holds more graphs.
      epoch += 1
      order = data.epoch_order(seed, epoch, count)
      indices = np.concatenate([indices, order])
    order, start = packing.ordered(graphs, indices), 0
    while start + batch_size <= len(indices):
      bounds = packing.bounds(order, start, size)
      taken, start = taken + bounds[-1] - start, bounds[-1]
      yield packing.batch(graphs, order, bounds, size, rows), taken
    indices = indices[start:]


def evaluating(
  graphs: graphs_lib.Graphs,
  batch_size: int,
  rows: packing.Rows | None = None,
  most: int | None = None,
) -> Iterator[data.Batch]:
  """One pass over the graphs, or the first ones, in stored order."""
  size = packing.shard_size(batch_size)
  order = packing.ordered(graphs, np.arange(len(graphs))[:most])
  start = 0
  while start < len(order.indices):
    bounds = packing.bounds(order, start, size)
    yield packing.batch(graphs, order, bounds, size, rows)
    start = bounds[-1]


@functools.cache
def fake_graphs(num_tasks: int, split: str) -> graphs_lib.Graphs:
  """Random graphs that fit in the smallest shard, some labels unknown."""
  rng = np.random.Generator(np.random.PCG64(workload.SPLITS.index(split)))
  most_nodes, most_edges = packing.NODES_PER_GRAPH, packing.EDGES_PER_GRAPH

  def graph():
    num_nodes = rng.integers(14, most_nodes, endpoint=True)
    num_bonds = rng.integers(num_nodes, most_edges // 2, endpoint=True)
    return graphs_lib.Loose(
      np.array([num_nodes]),
      np.array([num_bonds]),
      rng.integers(8, size=(num_nodes, packing.NODE_FEATURES)),
      bond_features=rng.integers(4, size=(num_bonds, packing.EDGE_FEATURES)),
      bonds=rng.integers(num_nodes, size=(num_bonds, 2)),
      labels=rng.choice(
        [0.0, 1.0, np.nan], size=(1, num_tasks), p=[0.8, 0.1, 0.1]
      ),
    )

  parts = zip(*[graph() for _ in range(_FAKE_GRAPHS)])
  return graphs_lib.compact(graphs_lib.Loose(*map(np.concatenate, parts)))


def mini_graphs(split: str) -> graphs_lib.Graphs:
  """The molecules that ship, of one split."""
  return _mini_graphs()[split]


@functools.cache
def _mini_graphs() -> dict[str, graphs_lib.Graphs]:
  graphs = {
    split: graphs_lib.compact(
      graphs_lib.Loose(
        n_node=molecules.n_node,
        n_bond=molecules.n_bond,
        nodes=molecules.node_features,
        bonds=molecules.edge_index,
        bond_features=molecules.edge_features,
        labels=molecules.labels,
      )
    )
    for split, molecules in molecules_lib.splits().items()
  }
  return files.frozen(graphs)
