# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Cross entropy of tokens, for the workloads whose targets are ids."""

import jax
import jax.numpy as jnp


@jax.custom_jvp
def of_tokens(
  logits: jax.Array, targets: jax.Array, label_smoothing: float | jax.Array
) -> jax.Array:
  r"""Cross entropy of each target token, (B, T).

  .. math:: \ell = -\sum_v s_v \ln \mathrm{softmax}(x)_v, \quad
     s = (1 - \alpha) \, \mathrm{onehot}(y) + \alpha / V

  Its derivative is written out: that of each sum by itself holds an array of
  the size of the logits.

  Args:
    logits: (B, T, V).
    targets: ids (B, T); one outside the vocabulary has no one-hot part.
    label_smoothing: alpha.
  """
  return _loss(_sums(logits, targets), label_smoothing)


@of_tokens.defjvp
def _of_tokens_jvp(primals, tangents):
  r""":math:`d\ell = (m \, \mathrm{softmax}(x) - s)^T dx`, m the sum of s."""
  logits, targets, label_smoothing = primals
  d_logits, _, d_label_smoothing = tangents
  sums = _sums(logits, targets)
  normaliser, _, _, has_target = sums
  mass = label_smoothing + (1 - label_smoothing) * has_target
  softmax = jnp.exp(logits - normaliser[..., None])
  smooth = label_smoothing / logits.shape[-1]
  weights = jnp.where(_is_target(logits, targets), 1 - label_smoothing, 0.0)
  slope = mass[..., None] * softmax - weights - smooth
  tangent = jnp.sum(slope * d_logits, axis=-1)
  by_smoothing = _loss(sums, 1.0) - _loss(sums, 0.0)
  return (
    _loss(sums, label_smoothing),
    tangent + by_smoothing * d_label_smoothing,
  )


def _is_target(logits, targets):
  return targets[..., None] == jnp.arange(logits.shape[-1])


def _sums(logits, targets):
  """Normaliser, mean, logit of the target, whether it is in the vocabulary."""
  # Sums of logits, not of log-probabilities: takes half the time on a CPU.
  is_target = _is_target(logits, targets)
  return (
    jax.nn.logsumexp(logits, axis=-1),
    logits.mean(axis=-1),
    jnp.sum(jnp.where(is_target, logits, 0.0), axis=-1),
    is_target.any(axis=-1),
  )


def _loss(sums, label_smoothing):
  normaliser, mean, at_target, has_target = sums
  per_token = label_smoothing * (normaliser - mean)
  return per_token + (1 - label_smoothing) * jnp.where(
    has_target, normaliser - at_target, 0.0
  )
