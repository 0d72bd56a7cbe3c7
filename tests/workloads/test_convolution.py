# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Convolutions and pooling against those of flax, with their derivatives."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workloads import convolution


def of_shape(*shape, seed=0):
  return jax.random.normal(jax.random.key(seed), shape)


def value_and_slopes(module, variables, x):
  def total(variables, x):
    return jnp.sin(module.apply(variables, x)).sum()

  return jax.value_and_grad(total, argnums=(0, 1))(variables, x)


@pytest.mark.parametrize('use_bias', [True, False])
@pytest.mark.parametrize(
  ('sides', 'size', 'stride', 'padding'),
  [
    ((9, 7), 3, 2, 'SAME'),
    ((8, 6), 3, 2, 'SAME'),
    ((8, 6), 3, 1, 'SAME'),
    ((7, 6), 3, 3, 'SAME'),
    ((16, 14), 7, 2, 3),
    ((8, 5), 1, 2, 'SAME'),
    ((8, 5), 1, 1, 'SAME'),
  ],
)
@pytest.mark.parametrize('large', [1, 10**6])
def test_values_and_gradients_are_those_of_flax(
  monkeypatch, sides, size, stride, padding, large, use_bias
):
  monkeypatch.setattr(convolution, '_LARGE', large)
  monkeypatch.setattr(convolution, '_PRODUCT', large)
  words = {
    'features': 5,
    'kernel_size': (size, size),
    'strides': (stride, stride),
  }
  words |= {'padding': padding, 'use_bias': use_bias}
  ours, theirs = convolution.Conv(**words), nn.Conv(**words)
  x = of_shape(2, *sides, 4)
  variables = theirs.init(jax.random.key(1), x)
  jax.tree.map(
    np.testing.assert_array_equal, variables, ours.init(jax.random.key(1), x)
  )
  jax.tree.map(
    lambda one, other: np.testing.assert_allclose(
      one, other, rtol=1e-4, atol=1e-4
    ),
    value_and_slopes(ours, variables, x),
    value_and_slopes(theirs, variables, x),
  )


def test_the_gradient_has_a_derivative(monkeypatch):
  monkeypatch.setattr(convolution, '_LARGE', 1)
  monkeypatch.setattr(convolution, '_PRODUCT', 1)
  x, kernel = of_shape(2, 8, 6, 20), of_shape(3, 3, 20, 4, seed=1)
  pads = ((0, 1), (0, 1))

  def along(convolve):
    def slope(kernel):
      return jax.grad(lambda k: jnp.sin(convolve(x, k)).sum())(kernel)

    return jax.jvp(slope, (kernel,), (jnp.ones_like(kernel),))[1]

  def plain(x, kernel):
    return jax.lax.conv_general_dilated(
      x, kernel, (2, 2), pads, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )

  np.testing.assert_allclose(
    along(lambda x, k: convolution.convolve(x, k, (2, 2), pads)),
    along(plain),
    rtol=1e-3,
    atol=1e-3,
  )


@pytest.mark.parametrize('height', [8, 9])
def test_pooling_is_that_of_flax_also_where_values_are_equal(height):
  x = jnp.round(2 * of_shape(2, height, 10, 3))
  weights = of_shape(2, (height + 1) // 2, 5, 3, seed=1)

  def results(pool):
    return jax.value_and_grad(lambda x: (pool(x) * weights).sum())(x)

  def theirs(x):
    return nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))

  ours, expected = results(convolution.max_pool), results(theirs)
  np.testing.assert_allclose(ours[0], expected[0], rtol=1e-5)
  np.testing.assert_allclose(ours[1], expected[1], rtol=1e-5, atol=1e-6)


def test_pooling_keeps_what_is_not_a_number():
  for place in range(3):
    x = jnp.zeros((1, 4, 4, 1)).at[0, 0, place].set(jnp.nan)
    assert jnp.isnan(convolution.max_pool(x)).any()
