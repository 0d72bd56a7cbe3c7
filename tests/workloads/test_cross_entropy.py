# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The cross entropy of tokens and its derivatives against optax's."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from workloads import cross_entropy, layers

VOCAB = 7
LOGITS = 3 * jax.random.normal(jax.random.key(0), (2, 5, VOCAB))
# The last two have no one-hot part.
TARGETS = np.array([[0, 1, 2, 3, 4], [6, 6, 5, VOCAB, -1]])


def ours(logits, alpha):
  return jnp.sum(cross_entropy.of_tokens(logits, TARGETS, alpha) ** 2)


def expected(logits, alpha):
  smoothed = (1 - alpha) * jax.nn.one_hot(TARGETS, VOCAB) + alpha / VOCAB
  return jnp.sum(optax.softmax_cross_entropy(logits, smoothed) ** 2)


@pytest.mark.parametrize('alpha', [0.0, 0.1])
@pytest.mark.parametrize(
  'derivative',
  [
    lambda f: jax.grad(f, argnums=(0, 1)),
    lambda f: jax.jacfwd(f, argnums=(0, 1)),
    jax.hessian,
    lambda f: jax.jit(jax.grad(f)),
  ],
  ids=['reverse', 'forward', 'second', 'compiled'],
)
def test_derivatives(derivative, alpha):
  chex.assert_trees_all_close(
    derivative(ours)(LOGITS, alpha),
    derivative(expected)(LOGITS, alpha),
    rtol=1e-5,
    atol=1e-4,
  )


def test_tied_table_has_a_hessian_vector_product():
  layer = layers.TiedEmbedding(VOCAB, 4, jax.nn.initializers.normal(1.0))
  tokens = np.array([[1, 2, 3]])
  table = jax.random.normal(jax.random.key(1), (VOCAB, 4))
  params = {'params': {'embedding': table}}

  def ours(params):
    y = layer.apply(params, tokens)
    return jnp.sum(jnp.tanh(layer.apply(params, y, method='logits')))

  def expected(params):
    table = params['params']['embedding']
    return jnp.sum(jnp.tanh(table[tokens] @ table.T))

  chex.assert_trees_all_close(
    *(jax.jvp(jax.grad(f), (params,), (params,))[1] for f in (ours, expected)),
    rtol=1e-4,
    atol=1e-5,
  )
