# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The Conformer encoder, with an output layer for CTC.

Shapes: B utterances, F frames, M mel bands, D width, H heads, C = D / H.

Positions are absolute, and a learned vector scales the queries of attention.

Reference: Gulati et al., 2020, https://arxiv.org/abs/2005.08100.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from workloads import layers
from workloads.librispeech import data, modules, spec_augment, workload

_KERNEL_INIT = nn.initializers.glorot_uniform()
_SOFTPLUS_SCALE = 1.442695041


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and choices of a Conformer.

  Attributes:
    vocabulary: labels, the blank included.
    width: features of a frame, D.
    channels: of the convolutions that subsample.
    num_blocks: blocks.
    num_heads: attention heads of a block.
    feed_forward: width of the feed-forward modules' hidden layer.
    kernel_size: frames that the depthwise convolution spans.
    activation: of the feed-forward and convolution modules.
    attention_temperature: factor on what attention returns (not on its
      scores).
    statistics_decay: of the batch norms' running statistics, per step.
    normalise_blocks: whether a LayerNorm ends each block.
  """

  vocabulary: int = 1_024
  width: int = 512
  channels: int = 512
  num_blocks: int = 4
  num_heads: int = 8
  feed_forward: int = 2_048
  kernel_size: int = 5
  activation: modules.Activation = nn.swish
  attention_temperature: float = 1.0
  statistics_decay: float = 0.999
  normalise_blocks: bool = True


class Conformer(nn.Module):
  """Features to the logits of labels, 25 frames a second."""

  config: Config

  @nn.compact
  def __call__(
    self,
    features: jax.Array,
    paddings: jax.Array,
    *,
    train: bool,
    dropout_rate: float | jax.Array,
  ) -> tuple[jax.Array, jax.Array]:
    """Logits and their paddings.

    Args:
      features: (B, F, M).
      paddings: (B, F).
      train: whether dropout is on, and batch norms use the batch.
      dropout_rate: rate in training.

    Returns:
      Logits (B, ceil(F / 4), vocabulary), arbitrary on padding, and paddings.
    """
    rate = dropout_rate if train else 0.0
    config = self.config
    subsample = modules.Subsample(config.width, config.channels)
    x, paddings = subsample(features, paddings)
    x = modules.dropout(self, x + positions(x.shape[1], config.width), rate)
    for _ in range(config.num_blocks):
      x = ConformerBlock(config)(x, paddings, train, rate)
    x = modules.LayerNorm()(x)
    return modules.dense(config.vocabulary)(x), paddings


def positions(num_frames: int, width: int) -> np.ndarray:
  """Sines, then cosines, of width / 2 frequencies from 1 to 1e-4, (F, D)."""
  half = width // 2
  frequencies = np.exp(-np.log(10_000.0) * np.arange(half) / (half - 1))
  angles = np.arange(num_frames)[:, None] * frequencies
  return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)


class ConformerBlock(nn.Module):
  """Half a feed-forward step, attention, convolution, half a step again."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings, train, rate):
    """(B, F, D) to (B, F, D)."""
    config = self.config
    x = x + 0.5 * FeedForwardModule(config)(x, paddings, rate)
    x = x + MultiHeadedSelfAttention(config)(x, paddings, rate)
    x = x + ConvolutionBlock(config)(x, paddings, train, rate)
    x = x + 0.5 * FeedForwardModule(config)(x, paddings, rate)
    return modules.LayerNorm()(x) if config.normalise_blocks else x


class FeedForwardModule(nn.Module):
  """LayerNorm and a two-layer perceptron on every frame."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings, rate):
    """(B, F, D) to (B, F, D)."""
    real = 1.0 - paddings[:, :, None]
    hidden = modules.dense(self.config.feed_forward)(modules.LayerNorm()(x))
    hidden = modules.dropout(self, self.config.activation(hidden), rate) * real
    return modules.dropout(
      self, modules.dense(x.shape[-1])(hidden) * real, rate
    )


class MultiHeadedSelfAttention(nn.Module):
  """LayerNorm, attention over all real frames, dropout."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings, rate):
    """(B, F, D) to (B, F, D)."""
    y = MultiHeadDotProductAttention(self.config)(
      modules.LayerNorm()(x), paddings
    )
    return modules.dropout(self, y, rate)


class MultiHeadDotProductAttention(nn.Module):
  """Attention; a learned vector scales the queries, besides 1 / sqrt(C)."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings):
    """(B, F, D) to (B, F, D)."""
    config = self.config
    heads = (config.num_heads, config.width // config.num_heads)
    query_BxFxHxC, key_BxFxHxC, value_BxFxHxC = (
      layers.DenseGeneral(heads, kernel_init=_KERNEL_INIT, name=name)(x)
      for name in ('query', 'key', 'value')
    )
    query_BxFxHxC = QueryScaler()(query_BxFxHxC) / np.sqrt(heads[1])
    scores_BxHxFxF = jnp.einsum('bqhc,bkhc->bhqk', query_BxFxHxC, key_BxFxHxC)
    real = paddings < 0.5
    # A padded query sees no frame at all, hence all of them alike.
    visible = (real[:, :, None] & real[:, None, :])[:, None]
    weights_BxHxFxF = nn.softmax(
      jnp.where(visible, scores_BxHxFxF, jnp.finfo(jnp.float32).min)
    )
    y = jnp.einsum('bhqk,bkhc->bqhc', weights_BxHxFxF, value_BxFxHxC)
    y = y * config.attention_temperature
    return layers.DenseGeneral(
      (config.width,), in_axes=2, kernel_init=_KERNEL_INIT, name='out'
    )(y)


class QueryScaler(nn.Module):
  """Multiplies by softplus(scale) / ln 2, which is 1 at the start."""

  @nn.compact
  def __call__(self, x):
    """(..., C) to (..., C)."""
    scale = self.param('scale', nn.initializers.zeros, x.shape[-1:])
    return x * (_SOFTPLUS_SCALE * nn.softplus(scale))


class ConvolutionBlock(nn.Module):
  """Gated linear unit, depthwise convolution over time, batch norm."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings, train, rate):
    """(B, F, D) to (B, F, D)."""
    width = self.config.width
    x = modules.LayerNorm()(x)
    x = modules.dense(width)(x) * nn.sigmoid(modules.dense(width)(x))
    x = x * (1.0 - paddings[:, :, None])
    x = DepthwiseConv(self.config.kernel_size, name='Conv_0')(x)
    norm = modules.BatchNorm(self.config.statistics_decay)
    x = norm(x, paddings, train)
    x = modules.dense(width)(self.config.activation(x))
    return modules.dropout(self, x, rate)


class DepthwiseConv(nn.Module):
  """Convolves each feature over time, as a sum of shifted products.

  Every backend fuses that; grouped convolutions are slow on some.
  """

  kernel_size: int

  @nn.compact
  def __call__(self, x):
    """(B, F, D) to (B, F, D)."""
    size = self.kernel_size
    kernel = self.param('kernel', _KERNEL_INIT, (size, 1, x.shape[-1]))
    left = (size - 1) // 2
    padded = jnp.pad(x, ((0, 0), (left, size - 1 - left), (0, 0)))
    num_frames = x.shape[1]
    return sum(padded[:, i : i + num_frames] * kernel[i] for i in range(size))


FULL = workload.Settings(
  model=Conformer(Config()),
  model_name='Conformer',
  source='Gulati et al. 2020, arXiv:2005.08100',
  corpus=data.LIBRISPEECH,
  masks=spec_augment.Masks(time=10, frequency=2),
  batch_size=256,
  eval_batch_size=256,
)
ATTENTION_TEMPERATURE = dataclasses.replace(
  FULL, model=Conformer(Config(attention_temperature=1.6))
)
LAYERNORM = dataclasses.replace(
  FULL, model=Conformer(Config(normalise_blocks=False))
)
GELU = dataclasses.replace(FULL, model=Conformer(Config(activation=nn.gelu)))
MINI = dataclasses.replace(
  FULL,
  model=Conformer(
    Config(
      vocabulary=data.COMMANDS.sizes.vocabulary,
      width=96,
      channels=16,
      statistics_decay=0.99,
      num_blocks=2,
      num_heads=4,
      feed_forward=384,
    )
  ),
  model_name='Conformer, narrow',
  corpus=data.COMMANDS,
  masks=spec_augment.Masks(time=2, frequency=1),
  batch_size=8,
  eval_batch_size=80,
)
