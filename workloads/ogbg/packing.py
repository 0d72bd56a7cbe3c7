# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs packed greedily into eight shards of fixed shape.

A batch holds 8 shards whatever the number of devices, so that it does not
depend on them. With b = batch size / 8, a shard has room for b graphs, 26 b
nodes and 56 b edges; what is left over belongs to one padding graph, which has
a node of its own, and the remaining graphs are empty.

Where shards end depends on the sizes of graphs alone: a host finds that of
all shards and makes its own.
"""

import operator
from typing import NamedTuple

import jax
import jraph
import numpy as np

from jaxperf import errors
from workloads.ogbg import graphs as graphs_lib

NUM_SHARDS = 8
NODE_FEATURES, EDGE_FEATURES = 9, 3
NODES_PER_GRAPH, EDGES_PER_GRAPH = 26, 56

Rows = tuple[int, int]  # Shards, half-open.


class Order(NamedTuple):
  """Graphs in the order of a stream.

  Attributes:
    indices: (n,) of the graphs.
    nodes: (n + 1,) nodes before each of them, and in all.
    edges: (n + 1,) likewise edges, two a bond.
  """

  indices: np.ndarray
  nodes: np.ndarray
  edges: np.ndarray


def ordered(graphs: graphs_lib.Graphs, indices: np.ndarray) -> Order:
  """These graphs in this order."""
  nodes = graphs_lib.running_sums(graphs.n_node[indices])
  edges = 2 * graphs_lib.running_sums(graphs.n_bond[indices])
  return Order(indices, nodes, edges)


def shard_size(batch_size: int) -> int:
  """Most graphs in a shard, b.

  Raises:
    UserError: if the batch size is not a multiple of 8.
  """
  if batch_size % NUM_SHARDS or batch_size < NUM_SHARDS:
    raise errors.UserError(
      f'batch size {batch_size} is not a multiple of {NUM_SHARDS}: graph '
      f'batches are packed in {NUM_SHARDS} shards.'
    )
  return batch_size // NUM_SHARDS


def bounds(order: Order, start: int, size: int) -> list[int]:
  r"""Where in an order the next eight shards begin and the last one ends.

  A shard that begins at i ends at the largest j with :math:`j - i \le b`,
  nodes[j] - nodes[i] at most 26 b and edges[j] - edges[i] at most 56 b. At the
  end of the order shards are empty.

  Args:
    order: of the graphs.
    start: position of the first graph.
    size: b.

  Returns:
    Nine positions.

  Raises:
    UserError: if a graph fits in no shard.
  """
  found, count = [start], len(order.indices)
  for _ in range(NUM_SHARDS):
    first = found[-1]
    end = min(
      first + size,
      count,
      _last_within(order.nodes, first, NODES_PER_GRAPH * size),
      _last_within(order.edges, first, EDGES_PER_GRAPH * size),
    )
    if end == first < count:
      _refuse(order, first, size)
    found.append(end)
  return found


def _last_within(sums: np.ndarray, first: int, most: int) -> int:
  """The last position up to which sums grow by no more than `most`."""
  return int(np.searchsorted(sums, sums[first] + most, side='right')) - 1


def _refuse(order: Order, index: int, size: int) -> None:
  nodes, edges = (np.diff(x[index : index + 2])[0] for x in order[1:])
  raise errors.UserError(
    f'a graph with {nodes} nodes and {edges} edges exceeds the '
    f'{NODES_PER_GRAPH * size} nodes and {EDGES_PER_GRAPH * size} edges of a '
    f'shard: use a larger batch size than {size * NUM_SHARDS}.'
  )


def spec(num_tasks: int, size: int, shards: int = NUM_SHARDS) -> dict:
  """Shapes of a batch, or of some of its shards."""
  num_nodes, num_edges = NODES_PER_GRAPH * size + 1, EDGES_PER_GRAPH * size
  num_graphs = size + 1

  def array(dtype, *shape):
    return jax.ShapeDtypeStruct((shards, *shape), dtype)

  return {
    'inputs': jraph.GraphsTuple(
      nodes=array(np.float32, num_nodes, NODE_FEATURES),
      edges=array(np.float32, num_edges, EDGE_FEATURES),
      senders=array(np.int32, num_edges),
      receivers=array(np.int32, num_edges),
      n_node=array(np.int32, num_graphs),
      n_edge=array(np.int32, num_graphs),
      globals=None,
    ),
    'targets': array(np.float32, num_graphs, num_tasks),
    'weights': array(np.float32, num_graphs, num_tasks),
  }


def batch(
  graphs: graphs_lib.Graphs,
  order: Order,
  bounds: list[int],
  size: int,
  rows: Rows | None = None,
) -> dict:
  """`inputs`, `targets` and `weights` of shards, padded and stacked.

  Args:
    graphs: all of them.
    order: that the bounds are positions in.
    bounds: of the shards.
    size: b.
    rows: shards that are wanted; all of them if None.
  """
  first, last = rows or (0, NUM_SHARDS)
  arrays = jax.tree.map(
    lambda x: np.zeros(x.shape, x.dtype),
    spec(graphs.labels.shape[1], size, last - first),
  )
  for row, shard in enumerate(range(first, last)):
    chosen = order.indices[bounds[shard] : bounds[shard + 1]]
    _fill(jax.tree.map(operator.itemgetter(row), arrays), graphs, chosen)
  return arrays


def _fill(arrays: dict, graphs: graphs_lib.Graphs, chosen: np.ndarray) -> None:
  """Writes graphs into the arrays of a shard, which are zero."""
  inputs, count = arrays['inputs'], len(chosen)
  n_node = graphs.n_node[chosen].astype(np.int32)
  n_bond = graphs.n_bond[chosen].astype(np.int32)
  num_nodes, num_bonds = int(n_node.sum()), int(n_bond.sum())
  inputs.n_node[:count], inputs.n_edge[:count] = n_node, 2 * n_bond
  inputs.n_node[count] = len(inputs.nodes) - num_nodes
  inputs.n_edge[count] = len(inputs.edges) - 2 * num_bonds
  atoms = _ranges(graphs.first_node[chosen], n_node)
  inputs.nodes[:num_nodes] = graphs.nodes[atoms]
  _fill_edges(inputs, graphs, chosen, n_node, n_bond)
  labels = graphs.labels[chosen]
  arrays['targets'][:count] = labels == 1
  arrays['weights'][:count] = labels != graphs_lib.UNKNOWN


def _fill_edges(inputs, graphs, chosen, n_node, n_bond) -> None:
  """Writes each bond in both directions, those of a graph one after another.

  First all bonds of a graph as they are listed, then all with ends swapped. The
  edges of the padding graph join its first node to itself.
  """
  bonds = _ranges(graphs.first_bond[chosen], n_bond)
  there = _ranges(2 * (np.cumsum(n_bond) - n_bond), n_bond)
  back = there + np.repeat(n_bond, n_bond)
  first = np.repeat(np.cumsum(n_node) - n_node, n_bond).astype(np.int32)
  ends = graphs.bonds[bonds] + first[:, None]
  inputs.senders[2 * len(bonds) :] = n_node.sum()
  inputs.receivers[2 * len(bonds) :] = n_node.sum()
  inputs.senders[there], inputs.receivers[there] = ends.T
  inputs.receivers[back], inputs.senders[back] = ends.T
  features = graphs.bond_features[bonds].astype(np.float32)
  inputs.edges[there] = inputs.edges[back] = features


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
  """The numbers of ranges, one after the other.

  >>> _ranges(np.array([10, 3]), np.array([2, 3])).tolist()
  [10, 11, 3, 4, 5]
  """
  offsets = starts - (np.cumsum(lengths) - lengths)
  return np.repeat(offsets, lengths) + np.arange(lengths.sum())
