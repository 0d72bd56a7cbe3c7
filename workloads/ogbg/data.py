# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecules as graphs, packed greedily into eight shards of fixed shape.

A batch holds 8 shards whatever the number of devices, so that it does not
depend on them. With b = batch size / 8, a shard has room for b graphs, 26 b
nodes and 56 b edges; what is left over belongs to one padding graph, which has
a node of its own, and the remaining graphs are empty.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from jaxperf import data, errors, workload
from workloads.mini_data import molecules as molecules_lib

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
  max_nodes, max_edges = _NODES_PER_GRAPH * size, _EDGES_PER_GRAPH * size
  shard, num_nodes, num_edges, position = [], 0, 0, None
  for graph, next_position in stream:
    nodes, edges = len(graph.nodes), len(graph.edges)
    full = (
      len(shard) == size
      or num_nodes + nodes > max_nodes
      or num_edges + edges > max_edges
    )
    if shard and full:
      yield shard, position
      shard, num_nodes, num_edges = [], 0, 0
    if nodes > max_nodes or edges > max_edges:
      raise errors.UserError(
        f'a graph with {nodes} nodes and {edges} edges exceeds the '
        f'{max_nodes} nodes and {max_edges} edges of a shard: use a larger '
        f'batch size than {size * NUM_SHARDS}.'
      )
    shard.append(graph)
    num_nodes, num_edges = num_nodes + nodes, num_edges + edges
    position = next_position
  if shard:
    yield shard, position


def pad_shards(
  shards: Sequence[Sequence[Graph]], size: int, num_tasks: int
) -> dict:
  """`inputs`, `targets` and `weights` of shards, padded and stacked."""
  batch = jax.tree.map(
    lambda x: np.zeros((len(shards), *x.shape[1:]), x.dtype),
    element_spec(num_tasks, size * NUM_SHARDS),
  )
  for i, shard in enumerate(shards):
    _fill(jax.tree.map(operator.itemgetter(i), batch), shard)
  return batch


def _fill(arrays: dict, shard: Sequence[Graph]) -> None:
  """Writes the graphs of a shard into its arrays, which are zero."""
  graphs, count = arrays['inputs'], len(shard)
  n_node = [len(graph.nodes) for graph in shard]
  n_edge = [len(graph.edges) for graph in shard]
  num_nodes, num_edges = sum(n_node), sum(n_edge)
  graphs.n_node[: count + 1] = [*n_node, len(graphs.nodes) - num_nodes]
  graphs.n_edge[: count + 1] = [*n_edge, len(graphs.edges) - num_edges]
  first = np.cumsum(graphs.n_node) - graphs.n_node
  # The edges of the padding graph join its first node to itself.
  graphs.senders[:] = graphs.receivers[:] = np.repeat(first, graphs.n_edge)
  if not shard:
    return
  np.concatenate([g.nodes for g in shard], out=graphs.nodes[:num_nodes])
  np.concatenate([g.edges for g in shard], out=graphs.edges[:num_edges])
  graphs.senders[:num_edges] += np.concatenate([g.senders for g in shard])
  graphs.receivers[:num_edges] += np.concatenate([g.receivers for g in shard])
  labels = np.stack([graph.targets for graph in shard])
  known = ~np.isnan(labels)
  arrays['targets'][:count] = np.where(known, labels, 0)
  arrays['weights'][:count] = known


def graph_data(
  load: Callable[[str], Sequence[Graph]], num_tasks: int, num_eval_train: int
) -> workload.Data:
  """Batches of graphs held in memory.

  The cursor is the number of graphs taken since the start of the first epoch.

  Args:
    load: graphs of a split.
    num_tasks: T.
    num_eval_train: training graphs that an evaluation covers, the first ones.
  """

  def train(seed, batch_size, cursor):
    size, graphs = _shard_size(batch_size), load('train')
    order = data.shuffled_indices(seed, len(graphs), 1, cursor)
    stream = ((graphs[index.item()], taken) for index, taken in order)
    return _batches(stream, size, num_tasks)

  def evaluation(split, batch_size):
    size, graphs = _shard_size(batch_size), load(split)
    if split == 'train':
      graphs = graphs[:num_eval_train]
    stream = ((graph, None) for graph in graphs)
    return (batch for batch, _ in _batches(stream, size, num_tasks))

  return data.from_whole_batches(
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
  rng = np.random.Generator(np.random.PCG64(workload.SPLITS.index(split)))

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
    for split, molecules in molecules_lib.splits().items()
  }


def _batches(stream, size: int, num_tasks: int):
  """Batches of eight shards, the last one filled up with empty shards."""
  shards = []
  for shard, position in pack(stream, size):
    shards.append(shard)
    if len(shards) == NUM_SHARDS:
      yield pad_shards(shards, size, num_tasks), position
      shards = []
  if shards:
    shards += [[]] * (NUM_SHARDS - len(shards))
    yield pad_shards(shards, size, num_tasks), position


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
