# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that several models share."""

import flax.linen as nn
import jax
import jax.numpy as jnp


def dropout(
  module: nn.Module, x: jax.Array, rate: float | jax.Array, *, train: bool
) -> jax.Array:
  """Zeroes each element with probability `rate`, divides the rest by 1 - rate.

  Unlike `flax.linen.Dropout`, the rate may be a traced value.

  Args:
    module: the calling module; its random stream `'dropout'` is used, unless
      nothing can be dropped.
    x: array of any shape.
    rate: in [0, 1); a Python number or a traced scalar.
    train: whether to drop anything at all.
  """
  if not train or (isinstance(rate, (int, float)) and rate == 0):
    return x
  keep = 1.0 - rate
  kept = jax.random.bernoulli(module.make_rng('dropout'), keep, x.shape)
  return jnp.where(kept, x / keep, 0).astype(x.dtype)
