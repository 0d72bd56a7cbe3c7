# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that several models share."""

import functools
import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxperf import mesh
from workloads import bernoulli


class TiedEmbedding(nn.Module):
  """The vectors of tokens, for inputs and for the output layer.

  Attributes:
    vocab_size: V.
    width: D.
    init: initializer of the table.
  """

  vocab_size: int
  width: int
  init: Callable

  def setup(self):
    """The table (V, D), and a copy (N, V, D) for each of N devices."""
    shape = (self.vocab_size, self.width)
    self.embedding = self.param('embedding', self.init, shape)
    self.copies = mesh.per_device(self.embedding)

  def __call__(self, tokens):
    """(B, T) to (B, T, D); N must divide B, here and below."""
    tokens_NxBxT = self._split(tokens)
    take = jax.vmap(functools.partial(jnp.take, axis=0))
    return take(self.copies, tokens_NxBxT).reshape(*tokens.shape, -1)

  def logits(self, y):
    """Products (B, T, V) of `y` (B, T, D) with the vector of each token."""
    products = _products(self._split(y), self.copies)
    return products.reshape(*y.shape[:-1], -1)

  def look_up(self, tokens):
    """`__call__` for a few tokens outside of training: no copy is made."""
    return jnp.take(self.embedding, tokens, axis=0)

  def few_logits(self, y):
    """`logits` of a few rows outside of training, (B, K, D) to (B, K, V).

    The table comes first in the product, so that none is made transposed.
    """
    return jnp.moveaxis(jnp.einsum('vd,bkd->vbk', self.embedding, y), 0, -1)

  def _split(self, x):
    return x.reshape(len(self.copies), -1, *x.shape[1:])


@jax.custom_vjp
def _products(y, table):
  """(N, B, T, D) and (N, V, D) to (N, B, T, V).

  The table's gradient is summed up as (D, V): the usual order transposes the
  logits' gradient, and so holds a second array of their size.
  """
  return jnp.einsum('nbtd,nvd->nbtv', y, table)


def _products_forward(y, table):
  # Not `_products`: the gradient shall have derivatives of every mode.
  return jnp.einsum('nbtd,nvd->nbtv', y, table), (y, table)


def _products_backward(operands, slope):
  y, table = operands
  table_slope = jnp.einsum('nbtd,nbtv->ndv', y, slope).swapaxes(1, 2)
  return jnp.einsum('nbtv,nvd->nbtd', slope, table), table_slope


_products.defvjp(_products_forward, _products_backward)


class DenseGeneral(nn.Module):
  """`flax.linen.DenseGeneral` on the last axes, as one product of matrices.

  Products of arrays with more axes leave the kernel's gradient transposed, and
  whatever reads it next is slow.

  Attributes:
    features: axes of the output that replace those of the input.
    in_axes: how many of the input's last axes are summed over.
    use_bias: whether a bias is added.
    kernel_init: initializer of the kernel as a matrix.
  """

  features: tuple[int, ...]
  in_axes: int = 1
  use_bias: bool = True
  kernel_init: Callable = nn.initializers.lecun_normal()

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """(..., *inputs) to (..., *features)."""
    inputs = x.shape[-self.in_axes :]
    matrix = (math.prod(inputs), math.prod(self.features))
    kernel = self.param(
      'kernel',
      lambda key: self.kernel_init(key, matrix).reshape(
        *inputs, *self.features
      ),
    )
    y = x.reshape(-1, matrix[0]) @ kernel.reshape(matrix)
    y = y.reshape(*x.shape[: -self.in_axes], *self.features)
    if self.use_bias:
      y += self.param('bias', nn.initializers.zeros, self.features)
    return y


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
  kept = bernoulli.draw(module.make_rng('dropout'), keep, x.shape)
  return jnp.where(kept, x / keep, 0).astype(x.dtype)
