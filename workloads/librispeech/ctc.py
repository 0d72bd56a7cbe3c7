# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Connectionist temporal classification: loss and greedy decoding.

Label 0 is the blank. Paddings are 1 where padded, 0 elsewhere, and padding
comes last.

Reference: Graves et al., 2006, https://doi.org/10.1145/1143844.1143891.
"""

import jax
import jax.numpy as jnp
import optax

from jaxperf import workload

Batch = workload.Batch


def loss(
  outputs: tuple[jax.Array, jax.Array],
  batch: Batch,
  *,
  label_smoothing: float = 0.0,
) -> workload.Loss:
  """Negative log-likelihood of the transcripts, in nats.

  An utterance with more labels than frames costs about 1e5, with a finite
  gradient.

  Args:
    outputs: logits (B, F, V), their paddings (B, F).
    batch: `targets`: labels (B, L) and paddings (B, L); `weights` (B,) if any.
    label_smoothing: ignored, the loss has none.

  Returns:
    `summed` and `per_example` (B,), divided by the number of labels of the
    weighted utterances, end symbols included (at least 1).
  """
  del label_smoothing
  logits, logit_paddings = outputs
  labels, label_paddings = batch['targets']
  weights = batch.get('weights', jnp.ones(logits.shape[0]))
  per_example = weights * optax.ctc_loss(
    logits, logit_paddings, labels.astype(jnp.int32), label_paddings
  )
  return workload.Loss(
    jnp.sum(per_example), jnp.maximum(num_labels(batch), 1.0), per_example
  )


def num_labels(batch: Batch) -> jax.Array:
  """Labels of the weighted utterances, end symbols included, a scalar."""
  labels, paddings = batch['targets']
  weights = batch.get('weights', jnp.ones(labels.shape[0]))
  return jnp.sum(weights * jnp.sum(1.0 - paddings, axis=1))


def greedy_decode(logits: jax.Array, paddings: jax.Array) -> jax.Array:
  """Labels of the best path: repeats merged, blanks dropped.

  Args:
    logits: (B, F, V).
    paddings: of the frames, (B, F).

  Returns:
    Labels (B, F) int32, first things first, then zeros.
  """
  best = jnp.argmax(logits, axis=-1).astype(jnp.int32)
  before = jnp.pad(best, ((0, 0), (1, 0)))[:, :-1]
  emitted = (best != before) & (paddings < 0.5)
  labels = jnp.where(emitted, best, 0)
  order = jnp.argsort(labels == 0, axis=1, stable=True)
  return jnp.take_along_axis(labels, order, axis=1)
