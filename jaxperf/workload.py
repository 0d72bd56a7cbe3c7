# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The Workload contract: a training problem as pure functions over pytrees.

A workload is a value, not a class to inherit from. It never mentions flax:
the shipped models are linen modules, but any pure functions fit. Targets and
budgets are not here, they belong to the rule set (`jaxperf.rules`).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax

PyTree = Any
Batch = Mapping[str, Any]
Cursor = Any  # Small integers; None is the start of the stream.
SPLITS = ('train', 'validation', 'test')


class LossKind(enum.StrEnum):
  """What a loss compares, as far as a training algorithm may know."""

  SOFTMAX_CROSS_ENTROPY = 'softmax_cross_entropy'
  SIGMOID_CROSS_ENTROPY = 'sigmoid_cross_entropy'
  MEAN_SQUARED_ERROR = 'mean_squared_error'
  CTC_LOSS = 'ctc_loss'
  MEAN_ABSOLUTE_ERROR = 'mean_absolute_error'


class ParamKind(enum.StrEnum):
  """What a parameter is for; the kinds of the AlgoPerf benchmark."""

  WEIGHT = 'weight'
  BIAS = 'bias'
  CONV_WEIGHT = 'conv_weight'
  BATCH_NORM_SCALE = 'batch_norm_scale'
  BATCH_NORM_BIAS = 'batch_norm_bias'
  LAYER_NORM_SCALE = 'layer_norm_scale'
  LAYER_NORM_BIAS = 'layer_norm_bias'
  EMBEDDING = 'embedding'
  ATTENTION_Q = 'attention_q'
  ATTENTION_K = 'attention_k'
  ATTENTION_V = 'attention_v'
  ATTENTION_OUT = 'attention_out'
  ATTENTION_QKV = 'attention_qkv'
  ATTENTION_KV = 'attention_kv'
  ATTENTION_BIAS = 'attention_bias'


class Loss(NamedTuple):
  """A batch's loss: the sum, what to divide it by, and its parts.

  Attributes:
    summed: scalar, sum of the losses of the real examples.
    n_valid: scalar, what `summed` is divided by to get the mean loss (real
      examples, known labels or target tokens: the workload's page says).
    per_example: losses before summing, zero where masked.
  """

  summed: jax.Array
  n_valid: jax.Array
  per_example: jax.Array


@dataclasses.dataclass(frozen=True)
class Description:
  """What people (never algorithms) may know about a workload.

  Attributes:
    task: what is learnt, e.g. `'click-through-rate prediction'`.
    dataset: where the examples come from.
    model: name of the model.
    loss: name of the loss, for tables.
    num_train: examples in the training split.
    num_eval_train: training examples that one evaluation covers.
    num_validation: examples in the validation split.
    num_test: examples in the test split; 0 if there is none.
    default_dropout: dropout rate if a submission gives none; None if the
      model has no dropout.
    uses_label_smoothing: whether the loss follows `label_smoothing`.
    source: papers or benchmark pages that define it.
  """

  task: str
  dataset: str
  model: str
  loss: str
  num_train: int
  num_eval_train: int
  num_validation: int
  num_test: int
  default_dropout: float | None = None
  uses_label_smoothing: bool = False
  source: str = ''

  @property
  def splits(self) -> tuple[str, ...]:
    """The splits that are evaluated."""
    return SPLITS if self.num_test else ('train', 'validation')


class Data(NamedTuple):
  """Batches of one workload, as numpy arrays on the host.

  Attributes:
    train: `(seed, batch_size, cursor=None, rows=None) -> iterator of (batch,
      cursor)`. Endless. The cursor that comes with a batch restores the stream
      right after that batch; `None` starts it. The same arguments give the same
      batches, whatever the number of devices.
    evaluation: `(split, batch_size, rows=None) -> iterator of batches` over one
      pass of `'train'` (a fixed slice of it), `'validation'` or, if there are
      examples of it, `'test'`. All
      batches have the same shapes; padded examples carry weight 0.
    element_spec: `(batch_size, split=None) -> batch` of
      `jax.ShapeDtypeStruct`: a training batch, or an evaluation batch if a
      split is named.
    check: `()`; raises `errors.UserError` if there is no data to be had, so
      that a run is refused before it writes or computes anything.
    identity: `() -> {name: text}`, what the numbers in a batch mean depends on,
      e.g. the hash of a tokenizer. It is recorded, and a trial that began with
      another one is not resumed. Asked for after `check`.

  With `rows=(first, last)`, half-open, streams give these rows alone of each
  batch, along the leading axis of its arrays; positions and cursors stay those
  of the whole. They are asked for where several processes share a batch, so
  that each reads its part; where there is one, functions without `rows` do.
  """

  train: Callable[..., Iterator[tuple[Batch, Cursor]]]
  evaluation: Callable[..., Iterator[Batch]]
  element_spec: Callable[..., Batch]
  check: Callable[[], None] = lambda: None
  identity: Callable[[], Mapping[str, str]] = dict


class Workload(NamedTuple):
  """A training problem, as pure functions over pytrees.

  Attributes:
    name: the workload's name in `workloads` and in the rule sets.
    description: for tables and records.
    init: `(key) -> params, model_state`. `model_state` is a dict, empty where
      the model keeps no running statistics.
    apply: `(params, model_state, batch, key, *, train, update_stats=True,
      dropout_rate=None) -> outputs, model_state`.
      `train` is a static bool. `dropout_rate` None stands for the workload's
      default; it may be a traced scalar. With `update_stats` False the model
      state comes back unchanged. Batch norms use running statistics where
      `train` is False.
    loss: `(outputs, batch, *, label_smoothing=0.0) -> Loss`.
    evaluate: `(params, model_state, batch, key) -> sums, rows`. `sums` is a
      dict of scalars that are added over batches. `rows` is a dict of arrays
      with the same leading axis (or axes, as `rows['valid']` has), for metrics
      that are no sums; empty if there are none. If not empty it
      holds `'valid'`, bool, and rows with False are dropped before `finish`.
    finish: `(sums, rows) -> {metric: float}` on the host, from float64 sums
      and rows of all batches concatenated.
    data: a `Data`.
    param_kinds: `(params) -> tree` of `ParamKind`, same structure.
    loss_kind: a `LossKind`.
    default_batch_size: examples in a training batch, over all devices.
    eval_batch_size: examples in an evaluation batch, over all devices.
    batch_shards: size of the leading axis of each array in a batch, if that is
      not the batch size: graph batches are packed in a fixed number of shards.
    metric_names: keys of what `finish` returns.
  """

  name: str
  description: Description
  init: Callable[..., tuple[PyTree, PyTree]]
  apply: Callable[..., tuple[PyTree, PyTree]]
  loss: Callable[..., Loss]
  evaluate: Callable[..., tuple[dict, dict]]
  finish: Callable[[Mapping, Mapping], dict[str, float]]
  data: Data
  param_kinds: Callable[[PyTree], PyTree]
  loss_kind: LossKind
  default_batch_size: int
  eval_batch_size: int
  metric_names: tuple[str, ...]
  batch_shards: int | None = None
