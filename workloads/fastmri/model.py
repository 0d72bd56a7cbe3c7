# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""U-Net that turns one image into another.

Shapes: B images, HxW pixels, C channels.

References:
  Ronneberger et al., U-Net: Convolutional networks for biomedical image
  segmentation, MICCAI 2015.
  Zbontar et al., fastMRI: An open dataset and benchmarks for accelerated MRI,
  2018.
"""

import dataclasses
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from workloads import convolution, layers


def leaky_relu(x: jax.Array) -> jax.Array:
  """Leaky ReLU that divides negative values by 5."""
  return nn.leaky_relu(x, negative_slope=0.2)


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and variants of the model.

  Attributes:
    channels: of the first level; twice as many on each further one.
    num_pools: levels below the first one.
    activation: after each normalisation.
    layer_norm: LayerNorm over (H, W, C) with scale and bias in the convolution
      blocks, where others have instance normalisation without parameters.
  """

  channels: int = 32
  num_pools: int = 4
  activation: Callable[[jax.Array], jax.Array] = leaky_relu
  layer_norm: bool = False


class UNet(nn.Module):
  """Images (B, H, W) to images (B, H, W)."""

  config: Config

  @nn.compact
  def __call__(self, images, *, train: bool, dropout_rate=0.0):
    """The reconstructions; the input is not added to them."""
    config = self.config
    x = images[..., None]
    widths = [config.channels * 2**i for i in range(config.num_pools + 1)]
    stored = []
    for width in widths[:-1]:
      x = ConvBlock(config, width)(x, train, dropout_rate)
      stored.append(x)
      x = nn.avg_pool(x, (2, 2), strides=(2, 2))
    x = ConvBlock(config, widths[-1])(x, train, dropout_rate)
    for width in reversed(widths[:-1]):
      other = stored.pop()
      x = _grown(TransposeConvBlock(config, width)(x), other.shape)
      x = jnp.concatenate([x, other], axis=-1)
      x = ConvBlock(config, width)(x, train, dropout_rate)
    return convolution.Conv(1, (1, 1))(x)[..., 0]


class ConvBlock(nn.Module):
  """Twice a 3x3 convolution, normalisation, activation, dropout."""

  config: Config
  features: int

  @nn.compact
  def __call__(self, x, train, dropout_rate):
    """(B, H, W, C) to (B, H, W, features)."""
    for _ in range(2):
      x = convolution.Conv(self.features, (3, 3), use_bias=False)(x)
      if self.config.layer_norm:
        x = nn.LayerNorm(reduction_axes=(1, 2, 3))(x)
      else:
        x = _instance_norm(x)
      x = self.config.activation(x)
      # Whole channels are dropped.
      ones = jnp.ones((x.shape[0], 1, 1, self.features), x.dtype)
      x = x * layers.dropout(self, ones, dropout_rate, train=train)
    return x


class TransposeConvBlock(nn.Module):
  """Transposed 2x2 convolution, instance normalisation, activation."""

  config: Config
  features: int

  @nn.compact
  def __call__(self, x):
    """(B, H, W, C) to (B, 2 H, 2 W, features)."""
    x = ConvTranspose(self.features, name='ConvTranspose_0')(x)
    return self.config.activation(_instance_norm(x))


class ConvTranspose(nn.Module):
  """Transposed 2x2 convolution with stride 2, as one matrix product.

  Each pixel becomes 2x2 pixels of its own. The parameters are those of
  `flax.linen.ConvTranspose`, whose gradient takes much longer on a CPU.
  """

  features: int

  @nn.compact
  def __call__(self, x):
    """(B, H, W, C) to (B, 2 H, 2 W, features)."""
    batch, height, width, channels = x.shape
    kernel = self.param(
      'kernel',
      nn.initializers.lecun_normal(),
      (2, 2, channels, self.features),
    )
    y = jnp.einsum('bhwc,ijcf->bhiwjf', x, kernel[::-1, ::-1])
    return y.reshape(batch, 2 * height, 2 * width, self.features)


def _instance_norm(x: jax.Array) -> jax.Array:
  """Zero mean and unit variance over H and W."""
  return nn.InstanceNorm(epsilon=1e-5, use_scale=False, use_bias=False)(x)


def _grown(x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  """One more row or column by reflection, where pooling had dropped one."""
  missing = [(0, shape[i] - x.shape[i]) for i in (1, 2)]
  return jnp.pad(x, [(0, 0), *missing, (0, 0)], mode='reflect')
