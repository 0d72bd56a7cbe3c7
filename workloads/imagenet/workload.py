# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Image classification, whatever the model: batches, loss and metrics.

Shapes: B images, C classes.
"""

import dataclasses
import functools
import pathlib

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxperf import workload
from workloads import flax_model, param_kinds
from workloads.imagenet import data as imagenet_data

METRIC_NAMES = ('accuracy', 'loss')


@dataclasses.dataclass(frozen=True)
class Settings:
  """What one image workload is made of.

  Attributes:
    model: the network.
    model_name: for tables.
    source: of the model.
    dataset: where the images come from.
    num_eval_train: training images that one evaluation covers.
    mixup: whether training batches are mixed and have soft labels.
    batch_size: training images in a step.
    eval_batch_size: evaluation images in a batch.
    default_dropout: rate if a submission gives none; None if the model has no
      dropout.
  """

  model: nn.Module
  model_name: str
  source: str
  dataset: imagenet_data.Dataset
  num_eval_train: int
  mixup: bool
  batch_size: int
  eval_batch_size: int
  default_dropout: float | None = None


def build(
  name: str, settings: Settings, *, data: str | pathlib.Path | None = None
) -> workload.Workload:
  """The workload of these settings.

  Args:
    name: of the workload.
    settings: from the file of the model.
    data: `'fake'` for random images; the folder of all prepared data, or None
      for the usual one, for the real ones.
  """
  size = settings.dataset.size
  init, apply = flax_model.functions(
    settings.model, (1, size, size, 3), settings.default_dropout
  )
  return workload.Workload(
    name=name,
    description=_description(settings),
    init=init,
    apply=apply,
    loss=loss,
    evaluate=functools.partial(_evaluate, apply),
    finish=finish,
    data=_data(settings, data),
    param_kinds=param_kinds.by_path,
    loss_kind=workload.LossKind.SOFTMAX_CROSS_ENTROPY,
    default_batch_size=settings.batch_size,
    eval_batch_size=settings.eval_batch_size,
    metric_names=METRIC_NAMES,
  )


def loss(logits, batch, *, label_smoothing=0.0) -> workload.Loss:
  r"""Softmax cross entropy with hard or soft labels.

  With y the one-hot or soft label and a the smoothing,
  :math:`\ell_i = -\sum_c ((1 - a) y_{ic} + a / C) \log p_{ic}`.
  A label outside [0, C) counts as a row of zeros.

  Args:
    logits: (B, C).
    batch: `targets` (B,) integers or (B, C) floats; `weights` (B,), optional.
    label_smoothing: a.

  Returns:
    The loss; `n_valid` is the sum of the weights, `per_example` is (B,).
  """
  targets = batch['targets']
  num_classes = logits.shape[-1]
  if targets.ndim == 1:
    targets = jax.nn.one_hot(targets, num_classes)
  targets = (1 - label_smoothing) * targets + label_smoothing / num_classes
  per_example = -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)
  weights = _weights(batch)
  per_example = per_example * weights
  return workload.Loss(per_example.sum(), weights.sum(), per_example)


def metric_sums(logits, batch) -> dict[str, jax.Array]:
  """What the metrics are made of, summed over the real examples.

  Args:
    logits: (B, C).
    batch: `targets` (B,) integers; `weights` (B,), optional.
  """
  correct = jnp.argmax(logits, axis=-1) == batch['targets']
  summed, n_valid, _ = loss(logits, batch)
  return {
    'loss': summed,
    'num_correct': jnp.sum(correct * _weights(batch)),
    'num_examples': n_valid,
  }


def finish(sums, rows) -> dict[str, float]:
  """Accuracy and mean loss; 0 for a split without examples."""
  count = max(float(sums['num_examples']), 1.0)
  return {
    'accuracy': float(sums['num_correct']) / count,
    'loss': float(sums['loss']) / count,
  }


def _weights(batch) -> jax.Array:
  """The weights of the examples, 1 if the batch has none."""
  ones = jnp.ones(batch['targets'].shape[0], jnp.float32)
  return batch.get('weights', ones)


def _evaluate(apply, params, model_state, batch, key):
  logits, _ = apply(params, model_state, batch, key, train=False)
  return metric_sums(logits, batch), {}


def _description(settings: Settings) -> workload.Description:
  dataset = settings.dataset
  return workload.Description(
    task='image classification',
    dataset=dataset.name,
    model=settings.model_name,
    loss='softmax cross entropy',
    num_train=dataset.num_train,
    num_eval_train=settings.num_eval_train,
    num_validation=dataset.num_validation,
    num_test=dataset.num_test,
    default_dropout=settings.default_dropout,
    uses_label_smoothing=True,
    source=settings.source,
  )


def _data(settings: Settings, data: str | pathlib.Path | None):
  """Fake or real batches."""
  dataset = settings.dataset
  spec = imagenet_data.ImageSpec(
    dataset.size, dataset.num_classes, settings.mixup, settings.num_eval_train
  )
  if data == 'fake':
    return imagenet_data.fake(spec)
  return dataset.batches(spec, data)
