# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Encoder-decoder Transformer whose layers also decode token by token.

Shapes: B sentences (or packed rows), S source and T target positions, K beams,
D width, V vocabulary.

While decoding, the K beams of a sentence stand where the T target positions
stand in training: embedding, cross-attention, MLP and output layer are the same
code, and the encoded source is never repeated. Only self-attention differs,
each beam looks at its own past.

References:
  Vaswani et al., Attention is all you need, NeurIPS 2017.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from workloads import layers
from workloads.wmt import blocks


class Transformer(nn.Module):
  """Tokens (B, S), (B, T) to logits (B, T, V) of the next target token."""

  config: blocks.Config

  def setup(self):
    """The parts, under the names that the parameter paths have."""
    config = self.config
    self.embedding = layers.TiedEmbedding(
      config.vocab_size,
      config.width,
      nn.initializers.normal(1.0),
      name='shared_embedding',
    )
    self.encoder = Encoder(config)
    self.decoder = Decoder(config)

  def __call__(
    self,
    inputs,
    targets,
    inputs_position=None,
    targets_position=None,
    inputs_segmentation=None,
    targets_segmentation=None,
    dropout_rate=0.0,
  ):
    """Logits of each target token given the source and the tokens before it.

    Args:
      inputs: source ids (B, S), 0 is padding.
      targets: target ids (B, T), not shifted.
      inputs_position: (B, S), for packed rows; a running index by default.
      targets_position: (B, T), likewise.
      inputs_segmentation: (B, S) number of the pair in a packed row; without
        it a row is one pair.
      targets_segmentation: (B, T), likewise.
      dropout_rate: of every dropout; 0 in evaluation.
    """
    encoded = self._encode(
      inputs, inputs_position, inputs_segmentation, dropout_rate
    )
    source = _Side(inputs, inputs_segmentation)
    target = _Side(targets, targets_segmentation)
    causal = np.tri(targets.shape[1], dtype=bool)
    y = self._embed(
      jnp.pad(targets[:, :-1], ((0, 0), (1, 0))), targets_position
    )
    y = self.decoder(
      y,
      encoded,
      _mask(target, target) & causal,
      _mask(target, source),
      dropout_rate,
    )
    return self._logits(y)

  def start_decoding(self, inputs, num_beams: int):
    """What decoding needs: an empty cache, and the encoded source.

    Args:
      inputs: source ids (B, S).
      num_beams: K.

    Returns:
      The cache, a tree of arrays (B, K, H, max_length, C), zero; and a tuple of
      the keys and values of each layer's cross-attention, (B, H, S, C).
    """
    config = self.config
    encoded = self._encode(inputs, None, None, 0.0)
    heads, channels = config.num_heads, config.width // config.num_heads
    past = jnp.zeros(
      (len(inputs), num_beams, heads, config.max_length, channels)
    )
    cache = ((past, past),) * config.depth
    return cache, self.decoder.memories(encoded)

  def decode(self, tokens, cache, memories, inputs, index):
    """Logits (B, K, V) after `tokens` (B, K) at position `index`.

    Returns:
      The logits and the cache that includes `tokens`.
    """
    position = jnp.full(tokens.shape, index)
    y = self._with_positions(self.embedding.look_up(tokens), position)
    y, cache = self.decoder.step(y, cache, memories, inputs > 0, index)
    return self.embedding.few_logits(self._scaled(y)), cache

  def _encode(self, inputs, position, segmentation, dropout_rate):
    side = _Side(inputs, segmentation)
    x = self._embed(inputs, position)
    return self.encoder(x, _mask(side, side), dropout_rate)

  def _embed(self, tokens, position):
    if position is None:
      position = np.arange(tokens.shape[1])
    return self._with_positions(self.embedding(tokens), position)

  def _with_positions(self, x, position):
    positions = positional_encoding(self.config.max_length, self.config.width)
    return x + jnp.asarray(positions)[position]

  def _logits(self, y):
    return self.embedding.logits(self._scaled(y))

  def _scaled(self, y):
    # Before the product: the logits are the largest array that there is.
    return y / np.float32(np.sqrt(self.config.width))


class Encoder(nn.Module):
  """Embedded source (B, S, D) and mask (B, S, S) to (B, S, D)."""

  config: blocks.Config

  @nn.compact
  def __call__(self, x, mask, dropout_rate):
    """Encodes a row; `mask` says which position may attend to which."""
    x = blocks.dropout(self, x, dropout_rate)
    for i in range(self.config.depth):
      x = blocks.EncoderLayer(self.config, name=f'encoderblock_{i}')(
        x, mask, dropout_rate
      )
    if self.config.post_ln:
      return x
    return nn.LayerNorm(blocks.EPSILON, name='encoder_layernorm')(x)


class Decoder(nn.Module):
  """Embedded, shifted targets (B, T, D) and encoded source to (B, T, D)."""

  config: blocks.Config

  def setup(self):
    """The parts, under the names that the parameter paths have."""
    self.blocks = [
      blocks.DecoderLayer(self.config, name=f'encoderdecoderblock_{i}')
      for i in range(self.config.depth)
    ]
    if not self.config.post_ln:
      self.norm = nn.LayerNorm(blocks.EPSILON, name='encoderdecoder_layernorm')

  def __call__(self, y, encoded, self_mask, cross_mask, dropout_rate):
    """Masks are (B, T, T) and (B, T, S)."""
    y = blocks.dropout(self, y, dropout_rate)
    for block, memory in zip(self.blocks, self.memories(encoded)):
      y = block(y, memory, self_mask, cross_mask, dropout_rate)
    return self._finish(y)

  def memories(self, encoded):
    """Keys and values of the cross-attention of each layer."""
    return tuple(block.memory(encoded) for block in self.blocks)

  def step(self, y, cache, memories, source_mask, index):
    """One position, (B, K, D), and the cache that includes it."""
    grown = []
    for block, memory, past in zip(self.blocks, memories, cache):
      y, past = block.step(y, past, memory, source_mask, index)
      grown.append(past)
    return self._finish(y), tuple(grown)

  def _finish(self, y):
    return y if self.config.post_ln else self.norm(y)


def positional_encoding(length: int, width: int) -> np.ndarray:
  """Sinusoids (length, width), float32, computed in float64.

  With omega_i = 10000^(-i / (width / 2 - 1)), row t is the sines of t omega and
  then their cosines.
  """
  omega = np.exp(np.arange(width // 2) * -np.log(10_000) / (width // 2 - 1))
  angles = np.arange(length)[:, None] * omega
  return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)


class _Side(NamedTuple):
  """Source or target of a batch: ids, and their segments in packed rows."""

  tokens: jax.Array
  segmentation: jax.Array | None


def _mask(queries: _Side, keys: _Side):
  """Which target may attend to which source, (B, T, S): real, same segment."""
  mask = (queries.tokens > 0)[:, :, None] & (keys.tokens > 0)[:, None]
  if queries.segmentation is None:
    return mask
  return mask & (queries.segmentation[:, :, None] == keys.segmentation[:, None])
