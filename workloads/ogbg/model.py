# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A graph network that updates edges, nodes and one global state in turn.

Shapes: N nodes, E edges, G graphs, T tasks.

References:
  Battaglia et al. 2018, Relational inductive biases, deep learning, and graph
  networks. https://arxiv.org/abs/1806.01261
"""

import dataclasses
import itertools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from workloads import layers


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes of a graph network.

  Attributes:
    num_tasks: outputs, and width of the global state at the start.
    latent: width of the first embeddings of nodes and edges.
    hidden: widths of every update network.
    steps: rounds of message passing, each with weights of its own.
    activation: of the update networks.
  """

  num_tasks: int = 128
  latent: int = 256
  hidden: tuple[int, ...] = (256,)
  steps: int = 5
  activation: Callable[[jax.Array], jax.Array] = nn.relu


class GraphNetwork(nn.Module):
  """Message passing on one shard of graphs, then a linear decoder."""

  config: Config

  @nn.compact
  def __call__(
    self, graphs: jraph.GraphsTuple, *, train: bool, dropout_rate=0.0
  ) -> jax.Array:
    """Logits (G, T) of graphs that lie one after the other.

    A round, with sums over the edges that leave or enter a node, and over the
    nodes and edges of a graph:

      e <- MLP([e, v_sender, v_receiver, u])
      v <- MLP([v, sum e sent, sum e received, u])
      u <- MLP([sum v, sum e, u])

    Args:
      graphs: `nodes` (N, 9), `edges` (E, 3), `senders` and `receivers` (E,),
        `n_node` and `n_edge` (G,) that add up to N and E.
      train: whether dropout acts.
      dropout_rate: after every activation.
    """
    config = self.config
    num_nodes, num_edges = len(graphs.nodes), len(graphs.edges)
    num_graphs = len(graphs.n_node)

    def mlp(*parts):
      for width in config.hidden:
        x = config.activation(nn.LayerNorm()(Dense(width)(*parts)))
        x = layers.dropout(self, x, dropout_rate, train=train)
        parts = ((x, None),)
      return x

    graph_of_node = _owners(graphs.n_node, num_nodes)
    graph_of_edge = _owners(graphs.n_edge, num_edges)
    senders, receivers = graphs.senders, graphs.receivers
    u = jnp.zeros((num_graphs, config.num_tasks), graphs.nodes.dtype)
    v = nn.Dense(config.latent, name='node_embedding')(graphs.nodes)
    e = nn.Dense(config.latent, name='edge_embedding')(graphs.edges)
    for _ in range(config.steps):
      e = mlp((e, None), (v, senders), (v, receivers), (u, graph_of_edge))
      sent = jax.ops.segment_sum(e, senders, num_nodes)
      received = jax.ops.segment_sum(e, receivers, num_nodes)
      v = mlp((v, None), (sent, None), (received, None), (u, graph_of_node))
      nodes_sum = jax.ops.segment_sum(v, graph_of_node, num_graphs, True)
      edges_sum = jax.ops.segment_sum(e, graph_of_edge, num_graphs, True)
      u = mlp((nodes_sum, None), (edges_sum, None), (u, None))
    return nn.Dense(config.num_tasks)(u)


class Dense(nn.Module):
  r"""A dense layer on the concatenation of features that are looked up.

  With W cut into one W_k for each part, :math:`y = b + \sum_k (x_k W_k)[i_k]`
  equals :math:`b + [x_1[i_1], x_2[i_2], ...] W`. A graph has fewer nodes than
  edges, so that half the work is saved. The parameters are those of
  `flax.linen.Dense`.
  """

  width: int

  @nn.compact
  def __call__(self, *parts: tuple[jax.Array, jax.Array | None]) -> jax.Array:
    """Result (M, width) of pairs of features x_k and indices i_k (M,) or None.

    None takes the rows as they are.
    """
    ends = list(itertools.accumulate(x.shape[-1] for x, _ in parts))
    kernel = self.param(
      'kernel', nn.initializers.lecun_normal(), (ends[-1], self.width)
    )
    result = self.param('bias', nn.initializers.zeros, (self.width,))
    for (x, index), w in zip(parts, jnp.split(kernel, ends[:-1])):
      projected = x @ w
      result += projected if index is None else projected[index]
    return result


def _owners(counts: jax.Array, total: int) -> jax.Array:
  """Index of the graph that each node (or edge) belongs to, (total,)."""
  graphs = jnp.arange(len(counts))
  return jnp.repeat(graphs, counts, total_repeat_length=total)
