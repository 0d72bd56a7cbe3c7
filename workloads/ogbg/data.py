# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecules as graphs, packed greedily into eight shards of fixed shape.

A batch holds 8 shards whatever the number of devices, so that it does not
depend on them. With b = batch size / 8, a shard has room for b graphs, 26 b
nodes and 56 b edges; what is left over belongs to one padding graph, which has
a node of its own, and the remaining graphs are empty.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from jaxperf import errors, input_pipeline
from jaxperf import workload as workload_lib
from workloads import mini_data

NUM_SHARDS = 8
NODE_FEATURES, EDGE_FEATURES = 9, 3
MINI_EVAL_TRAIN = 1_000
_NODES_PER_GRAPH, _EDGES_PER_GRAPH = 26, 56
_FAKE_GRAPHS = 1_000


class Graph(NamedTuple):
  """One molecule with n atoms and e bonds, each bond in both directions.

  Attributes:
    nodes: (n, 9) float32.
    edges: (2e, 3) float32.
    senders: (2e,) int32.
    receivers: (2e,) int32.
    targets: (T,) float32, 0 or 1, NaN if unknown.
  """

  nodes: np.ndarray
  edges: np.ndarray
  senders: np.ndarray
  receivers: np.ndarray
  targets: np.ndarray


def both_directions(node_features, edge_features, bonds, targets) -> Graph:
  """The graph of a molecule whose (e, 2) bonds are listed once."""
  begin, end = np.asarray(bonds, np.int32).T
  return Graph(
    nodes=np.asarray(node_features, np.float32),
    edges=np.concatenate([edge_features, edge_features], dtype=np.float32),
    senders=np.concatenate([begin, end]),
    receivers=np.concatenate([end, begin]),
    targets=np.asarray(targets, np.float32),
  )


def pack(
  stream: Iterable[tuple[Graph, Any]], size: int
) -> Iterator[tuple[list[Graph], Any]]:
  """Groups consecutive graphs, each as large as a shard can hold.

  Args:
    stream: graphs, each with the position in the stream after it.
    size: b, see the top of this file.

  Yields:
    The graphs of a shard and the position after the last one.

  Raises:
    UserError: if a graph fits in no shard.
  """
  limits = np.array([1, _NODES_PER_GRAPH, _EDGES_PER_GRAPH]) * size
  shard, used, position = [], np.zeros(3, int), None
  for graph, next_position in stream:
    needed = np.array([1, len(graph.nodes), len(graph.edges)])
    if shard and np.any(used + needed > limits):
      yield shard, position
      shard, used = [], np.zeros(3, int)
    if np.any(needed > limits):
      raise errors.UserError(
        f'a graph with {needed[1]} nodes and {needed[2]} edges exceeds the '
        f'{limits[1]} nodes and {limits[2]} edges of a shard: use a larger '
        f'batch size than {size * NUM_SHARDS}.'
      )
    shard.append(graph)
    used, position = used + needed, next_position
  if shard:
    yield shard, position


def pad_shard(shard: Sequence[Graph], size: int, num_tasks: int) -> dict:
  """A shard's arrays, `inputs`, `targets` and `weights`, padded."""
  num_nodes, num_edges, num_graphs = _shape(size)
  spare_nodes = num_nodes - sum(len(graph.nodes) for graph in shard)
  spare_edges = num_edges - sum(len(graph.edges) for graph in shard)
  padding = Graph(
    nodes=np.zeros((spare_nodes, NODE_FEATURES), np.float32),
    edges=np.zeros((spare_edges, EDGE_FEATURES), np.float32),
    senders=np.zeros(spare_edges, np.int32),
    receivers=np.zeros(spare_edges, np.int32),
    targets=np.full(num_tasks, np.nan, np.float32),
  )
  graphs = [*shard, padding]
  n_node = np.zeros(num_graphs, np.int32)
  n_edge = np.zeros(num_graphs, np.int32)
  n_node[: len(graphs)] = [len(graph.nodes) for graph in graphs]
  n_edge[: len(graphs)] = [len(graph.edges) for graph in graphs]
  first_node = np.repeat(np.cumsum(n_node) - n_node, n_edge).astype(np.int32)
  labels = np.full((num_graphs, num_tasks), np.nan, np.float32)
  labels[: len(graphs)] = [graph.targets for graph in graphs]
  return {
    'inputs': jraph.GraphsTuple(
      nodes=np.concatenate([graph.nodes for graph in graphs]),
      edges=np.concatenate([graph.edges for graph in graphs]),
      senders=np.concatenate([g.senders for g in graphs]) + first_node,
      receivers=np.concatenate([g.receivers for g in graphs]) + first_node,
      n_node=n_node,
      n_edge=n_edge,
      globals=None,
    ),
    'targets': np.nan_to_num(labels, nan=0.0),
    'weights': (~np.isnan(labels)).astype(np.float32),
  }


def graph_data(
  load: Callable[[str], Sequence[Graph]], num_tasks: int, num_eval_train: int
) -> workload_lib.Data:
  """Batches of graphs held in memory.

  The cursor is the number of graphs taken since the start of the first epoch.

  Args:
    load: graphs of a split.
    num_tasks: T.
    num_eval_train: training graphs that an evaluation covers, the first ones.
  """

  def train(seed, batch_size, cursor=None):
    size, graphs = _shard_size(batch_size), load('train')
    order = input_pipeline.shuffled_indices(seed, len(graphs), 1, cursor)
    stream = ((graphs[index.item()], taken) for index, taken in order)
    return _batches(stream, size, num_tasks)

  def evaluation(split, batch_size):
    size, graphs = _shard_size(batch_size), load(split)
    if split == 'train':
      graphs = graphs[:num_eval_train]
    stream = ((graph, None) for graph in graphs)
    return (batch for batch, _ in _batches(stream, size, num_tasks))

  return workload_lib.Data(
    train, evaluation, functools.partial(element_spec, num_tasks)
  )


def element_spec(num_tasks: int, batch_size: int, split: str | None = None):
  """Shapes of a batch, in training and evaluation alike."""
  size = _shard_size(batch_size)
  num_nodes, num_edges, num_graphs = _shape(size)

  def spec(dtype, *shape):
    return jax.ShapeDtypeStruct((NUM_SHARDS, *shape), dtype)

  return {
    'inputs': jraph.GraphsTuple(
      nodes=spec(np.float32, num_nodes, NODE_FEATURES),
      edges=spec(np.float32, num_edges, EDGE_FEATURES),
      senders=spec(np.int32, num_edges),
      receivers=spec(np.int32, num_edges),
      n_node=spec(np.int32, num_graphs),
      n_edge=spec(np.int32, num_graphs),
      globals=None,
    ),
    'targets': spec(np.float32, num_graphs, num_tasks),
    'weights': spec(np.float32, num_graphs, num_tasks),
  }


@functools.cache
def fake_graphs(num_tasks: int, split: str) -> list[Graph]:
  """Random graphs that fit in the smallest shard, some labels unknown."""
  rng = np.random.Generator(np.random.PCG64(workload_lib.SPLITS.index(split)))

  def graph():
    num_nodes = rng.integers(14, _NODES_PER_GRAPH, endpoint=True)
    num_bonds = rng.integers(num_nodes, _EDGES_PER_GRAPH // 2, endpoint=True)
    return both_directions(
      rng.integers(8, size=(num_nodes, NODE_FEATURES)),
      rng.integers(4, size=(num_bonds, EDGE_FEATURES)),
      rng.integers(num_nodes, size=(num_bonds, 2)),
      rng.choice([0.0, 1.0, np.nan], size=num_tasks, p=[0.8, 0.1, 0.1]),
    )

  return [graph() for _ in range(_FAKE_GRAPHS)]


def mini_graphs(split: str) -> list[Graph]:
  """The molecules that ship."""
  return _mini_graphs()[split]


@functools.cache
def _mini_graphs() -> dict[str, list[Graph]]:
  def graphs(molecules):
    node_ends = np.cumsum(molecules.n_node)[:-1]
    bond_ends = np.cumsum(molecules.n_bond)[:-1]
    return [
      both_directions(*parts)
      for parts in zip(
        np.split(molecules.node_features, node_ends),
        np.split(molecules.edge_features, bond_ends),
        np.split(molecules.edge_index, bond_ends),
        molecules.labels,
      )
    ]

  return {
    split: graphs(molecules)
    for split, molecules in mini_data.molecules().items()
  }


def _batches(stream, size: int, num_tasks: int):
  """Stacks of eight shards, the last one filled up with empty shards."""
  shards = []
  for shard, position in pack(stream, size):
    shards.append(pad_shard(shard, size, num_tasks))
    if len(shards) == NUM_SHARDS:
      yield _stack(shards), position
      shards = []
  if shards:
    empty = [pad_shard([], size, num_tasks)] * (NUM_SHARDS - len(shards))
    yield _stack(shards + empty), position


def _stack(shards):
  return jax.tree.map(lambda *leaves: np.stack(leaves), *shards)


def _shape(size: int) -> tuple[int, int, int]:
  """Nodes, edges and graphs of a shard, padding included."""
  return _NODES_PER_GRAPH * size + 1, _EDGES_PER_GRAPH * size, size + 1


def _shard_size(batch_size: int) -> int:
  if batch_size % NUM_SHARDS or batch_size < NUM_SHARDS:
    raise errors.UserError(
      f'batch size {batch_size} is not a multiple of {NUM_SHARDS}: graph '
      f'batches are packed in {NUM_SHARDS} shards.'
    )
  return batch_size // NUM_SHARDS
