# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Layers of the Transformer, and its sizes.

Shapes: B sentences (or packed rows), S source and T target positions, K beams,
D width, H heads, C channels of a head, M width of the MLP, V vocabulary.

References:
  Vaswani et al., Attention is all you need, NeurIPS 2017.
"""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from workloads import layers

EPSILON = 1e-6  # Of every LayerNorm.
_GLOROT = nn.initializers.xavier_uniform()


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and variants of the model; the defaults are the full-size base.

  Attributes:
    vocab_size: tokens of both languages.
    width: channels of a token.
    mlp_width: hidden channels of the MLPs.
    num_heads: of each attention.
    depth: layers of the encoder, and of the decoder.
    max_length: longest row, and length of the decoding buffer.
    post_ln: LayerNorm after each residual addition, not before each branch.
    gated: whether the MLPs multiply tanh(W0 h) by W1 h, instead of a ReLU.
    attention_temperature: factor on the input of every query.
  """

  vocab_size: int = 32_000
  width: int = 1024
  mlp_width: int = 1024
  num_heads: int = 16
  depth: int = 6
  max_length: int = 256
  post_ln: bool = False
  gated: bool = False
  attention_temperature: float = 1.0


class EncoderLayer(nn.Module):
  """Self-attention and MLP."""

  config: Config

  @nn.compact
  def __call__(self, x, mask, dropout_rate):
    """One layer, (B, S, D) to (B, S, D)."""
    config = self.config
    attention = MultiHeadDotProductAttention(config)
    norms = [nn.LayerNorm(EPSILON) for _ in range(2)]
    h = _before(config, norms[0], x)
    attended = attention(h, *attention.keys_values(h), mask)
    x = _after(config, norms[0], x, dropout(self, attended, dropout_rate))
    h = MlpBlock(config)(_before(config, norms[1], x), dropout_rate)
    return _after(config, norms[1], x, h)


class DecoderLayer(nn.Module):
  """Self-attention, cross-attention and MLP."""

  config: Config

  def setup(self):
    """The parts, under the names that the parameter paths have."""
    config = self.config
    self.self_attention = MultiHeadDotProductAttention(
      config, name='MultiHeadDotProductAttention_0'
    )
    self.cross_attention = MultiHeadDotProductAttention(
      config, name='MultiHeadDotProductAttention_1'
    )
    self.mlp = MlpBlock(config, name='MlpBlock_0')
    self.norms = [
      nn.LayerNorm(EPSILON, name=f'LayerNorm_{i}') for i in range(3)
    ]

  def __call__(self, y, memory, self_mask, cross_mask, dropout_rate):
    """All positions at once, (B, T, D) to (B, T, D)."""
    h = _before(self.config, self.norms[0], y)
    attended = self.self_attention(
      h, *self.self_attention.keys_values(h), self_mask
    )
    return self._after_self(y, attended, memory, cross_mask, dropout_rate)

  def memory(self, encoded):
    """Keys and values of the cross-attention."""
    return self.cross_attention.keys_values(encoded)

  def step(self, y, past, memory, source_mask, index):
    """One position of all beams; `past`: keys and values (B, K, H, T, C)."""
    h_BxKx1xD = _before(self.config, self.norms[0], y)[:, :, None]
    past = jax.tree.map(
      lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new, index, 3),
      past,
      self.self_attention.keys_values(h_BxKx1xD),
    )
    written = jnp.arange(self.config.max_length) <= index
    attended = self.self_attention(h_BxKx1xD, *past, written[None, None, None])
    attended = attended[:, :, 0]
    y = self._after_self(y, attended, memory, source_mask[:, None], 0.0)
    return y, past

  def _after_self(self, y, attended, memory, cross_mask, dropout_rate):
    config, norms = self.config, self.norms
    y = _after(config, norms[0], y, dropout(self, attended, dropout_rate))
    h = _before(config, norms[1], y)
    attended = self.cross_attention(h, *memory, cross_mask)
    y = _after(config, norms[1], y, dropout(self, attended, dropout_rate))
    h = self.mlp(_before(config, norms[2], y), dropout_rate)
    return _after(config, norms[2], y, h)


class MultiHeadDotProductAttention(nn.Module):
  """Attention without biases; the name is part of the parameter paths."""

  config: Config

  def setup(self):
    """The parts, under the names that the parameter paths have."""
    heads, width = self.config.num_heads, self.config.width
    dense = functools.partial(
      layers.DenseGeneral, use_bias=False, kernel_init=_GLOROT
    )
    self.query = dense((heads, width // heads))
    self.key = dense((heads, width // heads))
    self.value = dense((heads, width // heads))
    self.out = dense((width,), in_axes=2)

  def __call__(self, x, keys, values, mask):
    """Attends from `x` (..., T, D) to the positions with `mask` (..., T, S).

    `keys` and `values` are (..., H, S, C). Where nothing may be attended to,
    the weights are uniform.
    """
    queries = self.query(x * self.config.attention_temperature)
    queries = queries / np.float32(np.sqrt(queries.shape[-1]))
    scores = jnp.einsum('...thc,...hsc->...hts', queries, keys)
    lowest = jnp.finfo(scores.dtype).min
    scores = jnp.where(mask[..., None, :, :], scores, lowest)
    weights = jax.nn.softmax(scores)
    return self.out(jnp.einsum('...hts,...hsc->...thc', weights, values))

  def keys_values(self, x):
    """Keys and values (..., H, S, C) of `x` (..., S, D).

    In this order of axes decoding reads them at every step without a copy.
    """
    return self.key(x).swapaxes(-3, -2), self.value(x).swapaxes(-3, -2)


class MlpBlock(nn.Module):
  """Two dense layers and a ReLU, or three and a gate."""

  config: Config

  @nn.compact
  def __call__(self, x, dropout_rate):
    """One MLP, (..., D) to (..., D)."""
    dense = functools.partial(
      nn.Dense, kernel_init=_GLOROT, bias_init=nn.initializers.normal(1e-6)
    )
    h = dense(self.config.mlp_width)(x)
    if self.config.gated:
      h = jnp.tanh(h) * dense(self.config.mlp_width)(x)
    else:
      h = nn.relu(h)
    h = dense(self.config.width)(dropout(self, h, dropout_rate))
    return dropout(self, h, dropout_rate)


def dropout(module: nn.Module, x: jax.Array, rate: float | jax.Array):
  """Dropout with the key of `module`."""
  return layers.dropout(module, x, rate, train=True)


def _before(config, norm, x):
  """Input of a residual branch."""
  return x if config.post_ln else norm(x)


def _after(config, norm, x, update):
  """Output of a residual branch."""
  return norm(x + update) if config.post_ln else x + update
