# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Decoder-only Transformer with rotary positions and normalised queries.

Shapes: B sequences, T positions, L longest sequence, D width, H heads, C
channels of a head, M inner width of the MLP, V vocabulary. No biases, no
dropout.

References:
  Su et al., RoFormer: enhanced transformer with rotary position embedding,
    2021.
  Henry et al., Query-key normalization for Transformers, 2020.
  Zhang and Sennrich, Root mean square layer normalization, 2019.
"""

import dataclasses
import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from workloads import layers

_EPSILON = 1e-6
_THETA = 500_000.0
_STDDEV = 0.02


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes of the model; the defaults are the full-size ones.

  Attributes:
    vocab_size: V.
    width: D.
    mlp_width: of the MLPs, rounded up to a multiple of 256: M.
    num_heads: H.
    depth: blocks.
    max_length: L.
    by_head: whether attention takes one head after another and, to compute a
      gradient, computes its weights anew. The H weights (B, T, T) of all
      blocks are most of the memory of a step at full size; this is for 2 %
      more FLOP.
  """

  vocab_size: int = 50_257
  width: int = 1024
  mlp_width: int = 4096
  num_heads: int = 8
  depth: int = 12
  max_length: int = 1024
  by_head: bool = True


class LanguageModel(nn.Module):
  """Tokens (B, T) to logits (B, T, V) of the token after each."""

  config: Config

  @nn.compact
  def __call__(self, inputs):
    """The whole model; T at most L."""
    config = self.config
    embed = layers.TiedEmbedding(
      config.vocab_size,
      config.width,
      nn.initializers.normal(_STDDEV),
      name='embed',
    )
    x = embed(inputs)
    for number in range(config.depth):
      x = Block(config, name=f'blocks_{number}')(x)
    return embed.logits(nn.RMSNorm(_EPSILON, name='out_ln')(x))


class Block(nn.Module):
  """Attention and MLP, each added to its input."""

  config: Config

  @nn.compact
  def __call__(self, x):
    """One block, (B, T, D) to (B, T, D)."""
    x = x + CausalAttn(self.config)(nn.RMSNorm(_EPSILON)(x))
    return x + Mlp(self.config)(nn.RMSNorm(_EPSILON)(x))


class CausalAttn(nn.Module):
  """Attention to this position and those before; the name is in the paths.

  Queries and keys have length 1; one learned factor scales all their products.
  """

  config: Config

  @nn.compact
  def __call__(self, x):
    """Attention, (B, T, D) to (B, T, D)."""
    config = self.config
    heads = config.num_heads
    project = functools.partial(
      layers.DenseGeneral,
      (heads, config.width // heads),
      use_bias=False,
      kernel_init=nn.initializers.normal(_STDDEV),
    )
    length = config.max_length
    scale = self.param(
      'attn_scale',
      nn.initializers.constant(math.log2(length * length - length)),
      (),
    )
    rotary = rotary_table(length, config.width // heads)
    attend = functools.partial(attended, scale=scale, rotary=rotary)
    if config.by_head:
      attend = _by_head(attend)
    x_BxTxHxC = attend(
      project(name='query')(x), project(name='key')(x), project(name='value')(x)
    )
    return nn.Dense(
      config.width,
      use_bias=False,
      kernel_init=nn.initializers.normal(_deep(config)),
      name='attn_out_proj',
    )(x_BxTxHxC.reshape(x.shape))


class Mlp(nn.Module):
  """Two dense layers, the first of them gated by a sigmoid."""

  config: Config

  @nn.compact
  def __call__(self, x):
    """One MLP, (B, T, D) to (B, T, D)."""
    config = self.config
    inner = 256 * -(-config.mlp_width // 256)
    normal = nn.initializers.normal
    dense = functools.partial(nn.Dense, use_bias=False)
    h = dense(2 * inner, kernel_init=normal(_STDDEV))(x)
    return dense(config.width, kernel_init=normal(_deep(config)))(_gated(h))


def attended(queries, keys, values, scale, rotary):
  """The values of this position and those before, weighted, (B, T, H, C).

  Args:
    queries: (B, T, H, C), neither turned nor normalised, as are `keys`.
    keys: (B, T, H, C).
    values: (B, T, H, C).
    scale: of the products of queries and keys.
    rotary: from `rotary_table`.
  """
  queries = _unit(rotated(queries, rotary))
  keys = _unit(rotated(keys, rotary))
  scores = scale * jnp.einsum('bthc,bshc->bhts', queries, keys)
  past = np.tri(scores.shape[-1], dtype=bool)
  scores = jnp.where(past, scores, jnp.finfo(scores.dtype).min)
  return jnp.einsum('bhts,bshc->bthc', jax.nn.softmax(scores), values)


def _gated(h):
  """The first half of the channels times the sigmoid of the second."""
  h, gate = jnp.split(h, 2, axis=-1)
  return h * jax.nn.sigmoid(gate)


def _by_head(attend):
  """`attend` for one head after another; its gradient keeps no weights."""

  @jax.checkpoint
  def attend_one(arrays_BxTxC):
    return attend(*(x[:, :, None] for x in arrays_BxTxC))[:, :, 0]

  def attend_all(*arrays_BxTxHxC):
    by_head = tuple(jnp.moveaxis(x, 2, 0) for x in arrays_BxTxHxC)
    # A loop, since compilers merge what two passes compute alike outside one.
    return jnp.moveaxis(jax.lax.map(attend_one, by_head), 0, 2)

  return attend_all


def rotary_table(length: int, channels: int) -> np.ndarray:
  """Cosine and sine of each position and pair of channels, (L, C / 2, 2)."""
  exponents = np.arange(0, channels, 2, dtype=np.float32) / channels
  frequencies = 1 / np.float32(_THETA) ** exponents
  angles = np.arange(length, dtype=np.float32)[:, None] * frequencies
  return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def rotated(x: jax.Array, table: np.ndarray) -> jax.Array:
  """Each pair of neighbouring channels turned by the angle of its position.

  Args:
    x: (B, T, H, C).
    table: from `rotary_table`, at least T long.
  """
  cosine, sine = np.moveaxis(table[: x.shape[1], None], -1, 0)
  a, b = x[..., ::2], x[..., 1::2]
  turned = jnp.stack([a * cosine - b * sine, b * cosine + a * sine], axis=-1)
  return turned.reshape(x.shape)


def _unit(x: jax.Array) -> jax.Array:
  """Vectors of length 1."""
  return x / (jnp.linalg.norm(x, axis=-1, keepdims=True) + _EPSILON)


def _deep(config: Config) -> float:
  """Standard deviation of what is added to the residual stream."""
  return _STDDEV / math.sqrt(2 * config.depth)
