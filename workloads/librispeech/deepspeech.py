# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A DeepSpeech-2-like bidirectional LSTM, with an output layer for CTC.

Shapes: B utterances, F frames, M mel bands, D width, H = D / 2 units of one
direction, 2 directions, G = 4 H gates.

Reference: Amodei et al., 2016, https://arxiv.org/abs/1512.02595.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from workloads.librispeech import (
  data,
  modules,
  recurrence,
  spec_augment,
  workload,
)

_GATES = 'ifgo'


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and choices of a DeepSpeech model.

  Attributes:
    vocabulary: labels, the blank included.
    width: features of a frame, D; even.
    channels: of the convolutions that subsample.
    num_lstm_layers: bidirectional LSTM layers.
    num_feed_forward_layers: layers after them.
    activation: of the convolutions and the feed-forward layers.
    residual: whether layers add to their inputs.
    statistics_decay: of the batch norms' running statistics, per step.
    layer_norm: LayerNorm in place of every batch norm, and none before the
      output layer.
    feed_forward_dropout: rate of the feed-forward layers in training, whatever
      rate the call asks for, as in the benchmark's residual models; None if
      they follow the call, as the first dropout always does.
  """

  vocabulary: int = 1_024
  width: int = 512
  channels: int = 512
  num_lstm_layers: int = 6
  num_feed_forward_layers: int = 3
  activation: modules.Activation = nn.relu
  residual: bool = True
  statistics_decay: float = 0.999
  layer_norm: bool = False
  feed_forward_dropout: float | None = 0.1


class DeepSpeech(nn.Module):
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
    config = self.config
    rate = feed_forward_rate = dropout_rate if train else 0.0
    if train and config.feed_forward_dropout is not None:
      feed_forward_rate = config.feed_forward_dropout
    subsample = modules.Subsample(
      config.width, config.channels, config.activation
    )
    x, paddings = subsample(features, paddings)
    x = modules.dropout(self, x, rate)
    for _ in range(config.num_lstm_layers):
      y = BatchRNN(config)(x, paddings, train)
      x = x + y if config.residual else y
    for _ in range(config.num_feed_forward_layers):
      y = FeedForwardModule(config)(x, paddings, train, feed_forward_rate)
      x = x + y if config.residual else y
    if not config.layer_norm:
      x = modules.LayerNorm()(x)
    return modules.dense(config.vocabulary)(x), paddings


class BatchRNN(nn.Module):
  """Norm and a bidirectional LSTM."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings, train):
    """(B, F, D) to (B, F, D)."""
    x = _norm(self.config, x, paddings, train)
    return LSTM(self.config.width // 2)(x, paddings)


class FeedForwardModule(nn.Module):
  """Norm, affine layer, activation, dropout."""

  config: Config

  @nn.compact
  def __call__(self, x, paddings, train, rate):
    """(B, F, D) to (B, F, D)."""
    x = _norm(self.config, x, paddings, train)
    x = self.config.activation(modules.dense(self.config.width)(x))
    return modules.dropout(self, x * (1.0 - paddings[:, :, None]), rate)


def _norm(config, x, paddings, train):
  """The norm of the model; call it in a compact method."""
  if config.layer_norm:
    return modules.LayerNorm()(x)
  norm = modules.BatchNorm(config.statistics_decay)
  return norm(x, paddings, train)


class LSTM(nn.Module):
  """Holds the two directions under the name that the parameters have."""

  units: int

  @nn.compact
  def __call__(self, x, paddings):
    """(B, F, D) to (B, F, 2 H)."""
    return Bidirectional(self.units, name='LSTM')(x, paddings)


class Bidirectional(nn.Module):
  """Both directions of an LSTM layer, as one recurrence over stacked arrays.

  The backward direction reads the real frames in reverse, then the padding in
  reverse; its outputs go back to where they belong.
  """

  units: int

  @nn.compact
  def __call__(self, x_BxFxD, paddings):
    """(B, F, D) to (B, F, 2 H)."""
    x_FxBxD = jnp.swapaxes(x_BxFxD, 0, 1)
    num_frames = x_FxBxD.shape[0]
    length = jnp.sum(1.0 - paddings, axis=1).astype(jnp.int32)
    position = num_frames - 1 - jnp.arange(num_frames)
    mirror = ((position[:, None] + length) % num_frames)[:, :, None]
    mirrored_FxBxD = jnp.take_along_axis(x_FxBxD, mirror, axis=0)
    forward = LSTMSequenceEncoder(self.units)(x_FxBxD)
    backward = LSTMSequenceEncoder(self.units)(mirrored_FxBxD)
    inputs_Fx2xBxG = jnp.stack([forward[0], backward[0]], axis=1)
    kernels_2xHxG = jnp.stack([forward[1], backward[1]])
    h_Fx2xBxH = recurrence.hidden_states(inputs_Fx2xBxG, kernels_2xHxG)
    h_FxBxD = jnp.concatenate(
      [h_Fx2xBxH[:, 0], jnp.take_along_axis(h_Fx2xBxH[:, 1], mirror, axis=0)],
      axis=-1,
    )
    return jnp.swapaxes(h_FxBxD, 0, 1)


class LSTMSequenceEncoder(nn.Module):
  """One direction; holds its cell under the name that the parameters have."""

  units: int

  @nn.compact
  def __call__(self, x):
    """What its cell returns."""
    return Cell(self.units, name='cell')(x)


class Cell(nn.Module):
  """Input part of the gates for all frames at once, and recurrent kernel."""

  units: int

  @nn.compact
  def __call__(self, x):
    """(..., D) to (..., G), and the kernel (H, G)."""
    inputs = [
      Weights(self.units, nn.initializers.lecun_normal(), name=f'i{gate}')
      for gate in _GATES
    ]
    hidden = [
      Weights(self.units, nn.initializers.orthogonal(), True, name=f'h{gate}')
      for gate in _GATES
    ]
    input_kernel = jnp.concatenate([w(x.shape[-1])[0] for w in inputs], -1)
    kernel, bias = (
      jnp.concatenate(parts, -1)
      for parts in zip(*[w(self.units) for w in hidden])
    )
    return x @ input_kernel + bias, kernel


class Weights(nn.Module):
  """Weights of one gate."""

  units: int
  kernel_init: nn.initializers.Initializer
  use_bias: bool = False

  @nn.compact
  def __call__(self, num_inputs):
    """Kernel (inputs, units), and bias (units,) or None."""
    kernel = self.param('kernel', self.kernel_init, (num_inputs, self.units))
    if not self.use_bias:
      return kernel, None
    return kernel, self.param('bias', nn.initializers.zeros, (self.units,))


FULL = workload.Settings(
  model=DeepSpeech(Config()),
  model_name='DeepSpeech 2',
  source='Amodei et al. 2016, arXiv:1512.02595',
  corpus=data.LIBRISPEECH,
  masks=spec_augment.Masks(time=10, frequency=2),
  batch_size=256,
  eval_batch_size=256,
)
TANH = dataclasses.replace(FULL, model=DeepSpeech(Config(activation=jnp.tanh)))
NO_RESNET = dataclasses.replace(
  FULL, model=DeepSpeech(Config(residual=False, feed_forward_dropout=None))
)
NORM_AND_SPEC_AUG = dataclasses.replace(
  FULL,
  model=DeepSpeech(Config(layer_norm=True)),
  masks=spec_augment.Masks(time=15, frequency=4),
  eval_batch_size=128,
)
MINI = dataclasses.replace(
  FULL,
  model=DeepSpeech(
    Config(
      vocabulary=data.COMMANDS.sizes.vocabulary,
      width=128,
      channels=16,
      statistics_decay=0.99,
      num_lstm_layers=3,
      num_feed_forward_layers=1,
      feed_forward_dropout=None,
    )
  ),
  model_name='DeepSpeech 2, narrow',
  corpus=data.COMMANDS,
  masks=spec_augment.Masks(time=2, frequency=1),
  batch_size=8,
  eval_batch_size=80,
)
