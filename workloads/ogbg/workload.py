# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Properties of molecules with a graph network, its variants, a mini task."""

import dataclasses
import functools
import math
import pathlib
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph
import optax

from jaxperf import workload
from workloads import param_kinds
from workloads.ogbg import data as ogbg_data
from workloads.ogbg import metrics, model, packing

DEFAULT_DROPOUT = 0.1


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one molecule workload is made of.

  Attributes:
    description: for tables and records.
    model: the graph network.
    batch_size: training graphs in a step, at most.
    eval_batch_size: evaluation graphs in a batch, at most.
    data: makes the real batches, of the folder of all prepared data.
  """

  description: workload.Description
  model: model.GraphNetwork
  batch_size: int
  eval_batch_size: int
  data: Callable[[pathlib.Path | None], workload.Data]


FULL = Settings(
  description=workload.Description(
    task='molecular property prediction',
    dataset='ogbg-molpcba',
    model='graph network',
    loss='sigmoid cross entropy',
    num_train=350_343,
    num_eval_train=ogbg_data.EVAL_TRAIN,
    num_validation=43_793,
    num_test=43_793,
    default_dropout=DEFAULT_DROPOUT,
    uses_label_smoothing=True,
    source='Hu et al. 2020, arXiv:2005.00687; Battaglia et al. 2018, '
    'arXiv:1806.01261',
  ),
  model=model.GraphNetwork(model.Config()),
  batch_size=512,
  eval_batch_size=32_768,
  data=ogbg_data.prepared,
)
GELU = dataclasses.replace(
  FULL, model=model.GraphNetwork(model.Config(activation=nn.gelu))
)
SILU = dataclasses.replace(
  FULL, model=model.GraphNetwork(model.Config(activation=nn.silu))
)
MODEL_SIZE = dataclasses.replace(
  FULL,
  model=model.GraphNetwork(
    model.Config(latent=128, hidden=(256, 256), steps=3)
  ),
)
MINI = dataclasses.replace(
  FULL,
  description=dataclasses.replace(
    FULL.description,
    dataset='B3DB and RDKit molecules',
    model='graph network, narrow',
    num_train=14_919,
    num_eval_train=ogbg_data.MINI_EVAL_TRAIN,
    num_validation=1_864,
    num_test=1_866,
  ),
  model=model.GraphNetwork(
    model.Config(num_tasks=65, latent=48, hidden=(48,), steps=3)
  ),
  batch_size=64,
  eval_batch_size=512,
  data=ogbg_data.mini,
)


def build(
  name: str, settings: Settings, *, data: str | pathlib.Path | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: `FULL`, `MINI` or a variant.
    data: `'fake'` for random graphs; the folder of all prepared data, or None
      for the usual one, for the real ones.
  """
  if data == 'fake':
    num_tasks = settings.model.config.num_tasks
    chosen = ogbg_data.fake(num_tasks, settings.description.num_eval_train)
  else:
    chosen = settings.data(data)
  init, apply = model_functions(settings.model)
  return workload.Workload(
    name=name,
    description=settings.description,
    init=init,
    apply=apply,
    loss=loss,
    evaluate=functools.partial(evaluate, apply),
    finish=finish,
    data=chosen,
    param_kinds=param_kinds.by_path,
    # What the benchmark declares; the loss is a sum of sigmoid cross entropies.
    loss_kind=workload.LossKind.SOFTMAX_CROSS_ENTROPY,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
    metric_names=('accuracy', 'loss', 'mean_average_precision'),
    batch_shards=packing.NUM_SHARDS,
  )


def model_functions(module: model.GraphNetwork):
  """The contract's `init` and `apply` of a graph network."""

  def init(key):
    _, params_key = jax.random.split(key)
    return module.init(params_key, _dummy_graph(), train=False)['params'], {}

  def apply(
    params,
    model_state,
    batch,
    key,
    *,
    train,
    update_stats=True,
    dropout_rate=None,
  ):
    rate = DEFAULT_DROPOUT if dropout_rate is None else dropout_rate

    def logits(graphs, key):
      return module.apply(
        {'params': params},
        graphs,
        train=train,
        dropout_rate=rate,
        rngs={'dropout': key} if train else None,
      )

    # Each shard is a problem of its own: nothing crosses from one to another.
    keys = jax.random.split(key, len(batch['targets'])) if train else None
    return jax.vmap(logits)(batch['inputs'], keys), model_state

  return init, apply


def loss(logits, batch, *, label_smoothing=0.0) -> workload.Loss:
  r"""Sigmoid cross entropy over the known labels; `n_valid` counts labels.

  With label smoothing a, :math:`y \leftarrow (1 - a) y + a / T`, T the number
  of tasks, as if they were classes: so does the benchmark.

  Args:
    logits: (8, G, T).
    batch: `targets` (8, G, T); `weights` (8, G, T), optional.
    label_smoothing: a.
  """
  targets = batch['targets']
  weights = batch.get('weights')
  known = jnp.ones_like(targets) if weights is None else weights
  targets = jnp.where(known > 0, targets, 0)  # Whatever was there, even NaN.
  targets = (1 - label_smoothing) * targets
  targets += label_smoothing / targets.shape[-1]
  losses = optax.sigmoid_binary_cross_entropy(logits, targets)
  losses = jnp.where(known > 0, losses, 0)
  return workload.Loss(losses.sum(), known.sum(), losses)


def finish(sums, rows) -> dict[str, float]:
  """Metrics over the known labels; NaN where there are none."""
  count = float(sums['num_labels']) or math.nan
  return {
    'accuracy': float(sums['num_correct']) / count,
    'loss': float(sums['loss']) / count,
    'mean_average_precision': metrics.mean_average_precision(
      rows['logits'], rows['targets'], rows['weights'] > 0
    ),
  }


def evaluate(apply, params, model_state, batch, key):
  """The contract's `evaluate`, of a model's `apply`; one row is a graph."""
  logits, _ = apply(params, model_state, batch, key, train=False)
  summed, n_valid, _ = loss(logits, batch)
  targets, weights = batch['targets'], batch['weights']
  correct = ((logits > 0) == (targets > 0)) * weights
  sums = {
    'loss': summed,
    'num_correct': correct.sum(),
    'num_labels': n_valid,
  }
  rows = {
    'logits': logits,
    'targets': targets,
    'weights': weights,
    'valid': real_graphs(batch['inputs'].n_node),
  }
  return sums, rows


def real_graphs(n_node: jax.Array) -> jax.Array:
  """Whether a graph is real; the last non-empty one of a shard is padding."""
  return jnp.cumsum(n_node, axis=-1) < n_node.sum(axis=-1, keepdims=True)


def _dummy_graph() -> jraph.GraphsTuple:
  """One node with an edge to itself, for the shapes of the parameters."""
  return jraph.GraphsTuple(
    nodes=jnp.ones((1, packing.NODE_FEATURES)),
    edges=jnp.ones((1, packing.EDGE_FEATURES)),
    senders=jnp.zeros(1, jnp.int32),
    receivers=jnp.zeros(1, jnp.int32),
    n_node=jnp.ones(1, jnp.int32),
    n_edge=jnp.ones(1, jnp.int32),
    globals=None,
  )
