# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that both speech models use.

Shapes: B utterances, F frames, D features. Paddings (B, F) are 1 where padded.
"""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from workloads import convolution, layers

Activation = Callable[[jax.Array], jax.Array]
_KERNEL_INIT = nn.initializers.glorot_uniform()

# Evaluation passes the rate 0.0, which drops nothing and needs no key.
dropout = functools.partial(layers.dropout, train=True)


def dense(features: int) -> nn.Dense:
  """An affine layer with Glorot uniform kernel; call it in a compact method."""
  return nn.Dense(features, kernel_init=_KERNEL_INIT)


class LayerNorm(nn.Module):
  """x̂ (1 + scale) + bias over the last axis, with scale and bias from zero."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """(..., D) to (..., D)."""
    scale = self.param('scale', nn.initializers.zeros, x.shape[-1:])
    bias = self.param('bias', nn.initializers.zeros, x.shape[-1:])
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean(jnp.square(x - mean), axis=-1, keepdims=True)
    normal = (x - mean) * jax.lax.rsqrt(variance + 1e-6)
    return normal * (1.0 + scale) + bias


class BatchNorm(nn.Module):
  """Batch norm over the real frames of the global batch.

  With mean μ and biased variance v of the real frames, (x - μ) (1 + scale) /
  sqrt(v + 1e-3) + bias, and zero on the padding. A batch moves the running
  values by 1 - decay of the way.
  """

  decay: float

  @nn.compact
  def __call__(
    self, x: jax.Array, paddings: jax.Array, train: bool
  ) -> jax.Array:
    """(B, F, D) to (B, F, D); outside training the running values serve."""
    shape = x.shape[-1:]
    scale = self.param('scale', nn.initializers.zeros, shape)
    bias = self.param('bias', nn.initializers.zeros, shape)
    running_mean = self.variable('batch_stats', 'mean', jnp.zeros, shape)
    running_var = self.variable('batch_stats', 'var', jnp.ones, shape)
    real = 1.0 - paddings[:, :, None]
    if train:
      count = jnp.maximum(jnp.sum(real), 1.0)
      mean = jnp.sum(x * real, axis=(0, 1)) / count
      variance = jnp.sum(jnp.square(x - mean) * real, axis=(0, 1)) / count
      for running, value in ((running_mean, mean), (running_var, variance)):
        running.value = self.decay * running.value + (1.0 - self.decay) * value
    else:
      mean, variance = running_mean.value, running_var.value
    factor = (1.0 + scale) * jax.lax.rsqrt(variance + 1e-3)
    return ((x - mean) * factor + bias) * real


class Subsample(nn.Module):
  """Two strided convolutions and an affine layer: 4 times fewer frames.

  Which frames a convolution aligns with depends on the parity of their number,
  so utterances must be padded to the length that the benchmark uses.
  """

  width: int
  channels: int
  activation: Activation = nn.relu

  @nn.compact
  def __call__(
    self, features: jax.Array, paddings: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    """Frames (B, ceil(F / 4), D) and their paddings."""
    x = features[..., None]
    for i in range(2):
      x = convolution.Conv(
        self.channels,
        kernel_size=(3, 3),
        strides=(2, 2),
        kernel_init=_KERNEL_INIT,
        name=f'Conv2dSubsampling_{i}',
      )(x)
      paddings = paddings[:, ::2]
      x = self.activation(x) * (1.0 - paddings[:, :, None, None])
    return dense(self.width)(x.reshape(*x.shape[:2], -1)), paddings
