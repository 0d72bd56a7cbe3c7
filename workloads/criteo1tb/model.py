# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""DLRM: a network for click-through rates, in two forms.

Shapes: B examples, F categorical features, D embedding width.

References:
  Naumov et al. 2019, Deep Learning Recommendation Model for Personalization
  and Recommendation Systems. https://arxiv.org/abs/1906.00091
"""

import dataclasses
import math

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from workloads import layers
from workloads.criteo1tb import features


@dataclasses.dataclass(frozen=True)
class Config:
  """Sizes and choices of a DLRM, residual or not.

  Attributes:
    vocab_size: rows of the one embedding table that all features share.
    embed_dim: width of an embedding.
    bottom: widths of the network over the dense features; in `Dlrm` the last
      one must be `embed_dim`.
    top: widths of the network that ends in the logit.
    layer_norm: normalise after every ReLU and the embeddings; in `Dlrm` only.
    embedding_init_scale: the table starts uniform in [0, this); None stands for
      1 / sqrt(vocab_size).
  """

  vocab_size: int = 32 * 128 * 1024
  embed_dim: int = 128
  bottom: tuple[int, ...] = (512, 256, 128)
  top: tuple[int, ...] = (1024, 1024, 512, 256, 1)
  layer_norm: bool = False
  embedding_init_scale: float | None = None


class Dlrm(nn.Module):
  """Dense network, embeddings, their pairwise products, top network."""

  config: Config

  @nn.compact
  def __call__(self, inputs, *, train: bool, dropout_rate=0.0):
    """Logits (B, 1) of inputs (B, 13 + 26); ids are stored as floats."""
    config = self.config
    dense, ids = _split(inputs)

    def normalized(x):
      return nn.LayerNorm()(x) if config.layer_norm else x

    h_BxD = dense
    for width in config.bottom:
      h_BxD = normalized(nn.relu(_bottom_dense(width)(h_BxD)))
    e_BxFxD = normalized(_embed(self, ids))
    top = jnp.concatenate([h_BxD, _products(h_BxD, e_BxFxD)], axis=1)
    for width in config.top[:-1]:
      top = normalized(nn.relu(_top_dense(width)(top)))
    top = layers.dropout(self, top, dropout_rate, train=train)
    return _top_dense(config.top[-1])(top)


class ResidualDlrm(nn.Module):
  """Residual dense network beside the embeddings, residual top network."""

  config: Config

  @nn.compact
  def __call__(self, inputs, *, train: bool, dropout_rate=0.0):
    """Logits (B, 1) of inputs (B, 13 + 26); ids are stored as floats."""
    config = self.config
    h, ids = _split(inputs)
    for i, width in enumerate(config.bottom):
      branch = nn.relu(_bottom_dense(width)(h))
      h = h + branch if i else branch
    e_BxFxD = _embed(self, ids)
    h = jnp.concatenate([h, e_BxFxD.reshape(len(inputs), -1)], axis=1)
    for i, width in enumerate(config.top[:-1]):
      branch = nn.relu(_top_dense(width)(h))
      if i == len(config.top) - 2:
        branch = layers.dropout(self, branch, dropout_rate, train=train)
      h = h + branch if i else branch
    return _top_dense(config.top[-1])(h)


def _split(inputs):
  """Dense features (B, 13) and integer ids (B, 26)."""
  num_dense = features.NUM_DENSE
  return inputs[:, :num_dense], inputs[:, num_dense:].astype(jnp.int32)


def _products(h_BxD, e_BxFxD):
  """Dot products of all pairs of features, each with itself included."""
  z_BxFxD = jnp.concatenate([h_BxD[:, None], e_BxFxD], axis=1)
  products = jnp.einsum('bid,bjd->bij', z_BxFxD, z_BxFxD)
  rows, columns = np.triu_indices(z_BxFxD.shape[1])
  return products[:, rows, columns]


def _embed(module: nn.Module, ids):
  """Rows of the shared table; ids beyond its end wrap round."""
  config = module.config
  scale = config.embedding_init_scale or 1 / math.sqrt(config.vocab_size)
  table = module.param(
    'embedding_table',
    nn.initializers.uniform(scale),  # One-sided: all entries start >= 0.
    (config.vocab_size, config.embed_dim),
  )
  return table[ids % config.vocab_size]


def _bottom_dense(width: int):
  return nn.Dense(
    width,
    kernel_init=nn.initializers.glorot_uniform(),
    bias_init=nn.initializers.normal(1 / math.sqrt(width)),
  )


def _top_dense(width: int):
  return nn.Dense(
    width,
    kernel_init=nn.initializers.variance_scaling(1.0, 'fan_avg', 'normal'),
    bias_init=nn.initializers.normal(1 / math.sqrt(width)),
  )
