# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and metrics of image classification.

Shapes: B images, C classes.
"""

import jax
import jax.numpy as jnp

from jaxperf import workload

METRIC_NAMES = ('accuracy', 'loss')


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
