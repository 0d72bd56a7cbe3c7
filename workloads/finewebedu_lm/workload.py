# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Language modelling: a decoder-only Transformer on educational web pages."""

import dataclasses
import functools
import math
import pathlib
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxperf import workload
from workloads import cross_entropy, param_kinds
from workloads.finewebedu_lm import data as data_lib
from workloads.finewebedu_lm import model as model_lib


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one language workload is made of.

  Attributes:
    description: for tables and records.
    model: the Transformer.
    batch_size: training sequences in a step.
    eval_batch_size: sequences in a batch of an evaluation.
    data: makes the real batches, of the number of ids, the length of sequences,
      and the folder of all prepared data.
  """

  description: workload.Description
  model: model_lib.LanguageModel
  batch_size: int
  eval_batch_size: int
  data: Callable[[int, int, pathlib.Path | None], workload.Data]


FULL = Settings(
  description=workload.Description(
    task='language modelling of educational web pages',
    dataset='FineWeb-Edu, sample of 10 billion tokens',
    model='decoder-only Transformer, 12 layers of 1024',
    loss='softmax cross entropy',
    num_train=8_749_870,
    num_eval_train=10_000,
    num_validation=100_000,
    num_test=0,
    uses_label_smoothing=True,
    source='AlgoPerf 1.0; Penedo et al. 2024, arXiv:2406.17557',
  ),
  model=model_lib.LanguageModel(model_lib.Config()),
  batch_size=64,
  eval_batch_size=256,
  data=functools.partial(data_lib.prepared, 'benchmark'),
)
CLEAN = dataclasses.replace(
  FULL, data=functools.partial(data_lib.prepared, 'clean')
)

MINI = dataclasses.replace(
  FULL,
  description=dataclasses.replace(
    FULL.description,
    task='language modelling of help pages',
    dataset='LibreOffice help pages',
    model='decoder-only Transformer, 2 layers of 64',
    num_train=5_922,
    num_eval_train=data_lib.MINI_EVALUATED['train'],
    num_validation=data_lib.MINI_EVALUATED['validation'],
    num_test=data_lib.MINI_EVALUATED['test'],
  ),
  model=model_lib.LanguageModel(
    model_lib.Config(
      vocab_size=4000,
      width=64,
      mlp_width=256,
      num_heads=2,
      depth=2,
      max_length=64,
      by_head=False,
    )
  ),
  batch_size=8,
  eval_batch_size=64,
  data=data_lib.mini,
)


def build(
  name: str, settings: Settings, *, data: str | pathlib.Path | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: of this module.
    data: `'fake'` for random tokens; the folder of all prepared data, or None
      for the usual one, for the real ones.
  """
  config = settings.model.config
  if data == 'fake':
    batches = data_lib.fake(config.vocab_size, config.max_length)
  else:
    batches = settings.data(config.vocab_size, config.max_length, data)
  return workload.Workload(
    name=name,
    description=settings.description,
    init=functools.partial(_init, settings.model),
    apply=functools.partial(_apply, settings.model),
    loss=loss,
    evaluate=functools.partial(_evaluate, settings.model),
    finish=_finish,
    data=batches,
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.SOFTMAX_CROSS_ENTROPY,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
    metric_names=('loss', 'ppl'),
  )


def loss(logits, batch, *, label_smoothing=0.0) -> workload.Loss:
  """Cross entropy of each token, times its weight.

  Args:
    logits: (B, T, V).
    batch: `targets` (B, T); `weights` (B, T), optional.
    label_smoothing: of the targets, see `cross_entropy.of_tokens`.

  Returns:
    `per_example` is (B, T), one loss a token; `n_valid` the sum of the weights.
  """
  targets = batch['targets']
  weights = batch.get('weights')
  if weights is None:
    weights = jnp.ones(targets.shape)
  per_token = weights * cross_entropy.of_tokens(
    logits, targets, label_smoothing
  )
  return workload.Loss(per_token.sum(), weights.sum(), per_token)


def _init(model, key):
  """Parameters, and an empty model state."""
  params_key, _ = jax.random.split(key)
  tokens = jnp.ones((1, model.config.max_length), jnp.int32)
  return model.init(params_key, tokens)['params'], {}


def _apply(
  model,
  params,
  model_state,
  batch,
  key,
  *,
  train,
  update_stats=True,
  dropout_rate=None,
):
  """Logits (B, T, V), and the model state as it was; there is no dropout."""
  del key, train, update_stats, dropout_rate
  return model.apply({'params': params}, batch['inputs']), model_state


def _evaluate(model, params, model_state, batch, key):
  """Sums over the tokens; there are no rows."""
  logits, _ = _apply(model, params, model_state, batch, key, train=False)
  summed, tokens, _ = loss(logits, batch)
  return {'loss': summed, 'tokens': tokens}, {}


def _finish(sums, rows) -> dict[str, float]:
  """Mean loss of the tokens, and its exponential, the perplexity."""
  del rows
  mean = float(sums['loss']) / max(float(sums['tokens']), 1.0)
  # Beyond what a float can hold it is infinite, as it is in the benchmark.
  return {'loss': mean, 'ppl': math.exp(mean) if mean < 700 else math.inf}
