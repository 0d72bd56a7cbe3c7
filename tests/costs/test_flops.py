# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import jax
import jax.numpy as jnp
import pytest

from jaxperf.costs import flops


def test_a_matrix_product_takes_two_operations_for_each_pair():
  a, b = jnp.ones((5, 3, 7)), jnp.ones((5, 7, 11))
  assert flops.of_function(jnp.matmul, a, b) == 2 * 5 * 3 * 7 * 11


def test_a_loop_counts_as_often_as_it_runs():
  def function(x, ws):
    return jax.lax.scan(lambda x, w: (jnp.tanh(x @ w), None), x, ws)[0].sum()

  x, ws = jnp.ones((2, 8)), jnp.ones((10, 8, 8))
  once = 2 * 2 * 8 * 8
  assert flops.of_function(function, x, ws) == 10 * once
  # Backwards there are two products, for x and for w.
  assert flops.of_function(jax.grad(function, 1), x, ws) == 3 * 10 * once


def test_of_the_branches_of_a_condition_the_largest_counts():
  def function(flag, x):
    return jax.lax.cond(flag, lambda x: x, lambda x: x @ x @ x, x)

  expected = 2 * 2 * 4**3
  assert flops.of_function(function, True, jnp.ones((4, 4))) == expected


def _convolution(**options):
  def function(x, kernel):
    return jax.lax.conv_general_dilated(
      x, kernel, dimension_numbers=('NHWC', 'HWIO', 'NHWC'), **options
    ).sum()

  return function


@pytest.mark.parametrize(
  'options',
  [
    {'window_strides': (1, 1), 'padding': 'SAME'},
    {'window_strides': (2, 3), 'padding': 'SAME'},
    {'window_strides': (1, 2), 'padding': 'VALID', 'rhs_dilation': (2, 1)},
    {'window_strides': (1, 1), 'padding': [(1, 2)] * 2, 'lhs_dilation': (2, 3)},
    {'window_strides': (2, 2), 'padding': 'SAME', 'feature_group_count': 2},
  ],
)
@pytest.mark.parametrize('gradient', [False, True])
def test_convolutions_take_what_xla_counts(options, gradient):
  groups = options.get('feature_group_count', 1)
  x, kernel = jnp.ones((2, 9, 11, 4)), jnp.ones((3, 5, 4 // groups, 6))
  function = _convolution(**options)
  if gradient:
    function = jax.value_and_grad(function, (0, 1))
  lowered = jax.jit(function).lower(x, kernel)
  # XLA counts the final sum and fills, too: a few operations an element.
  ours = flops.of_function(function, x, kernel)
  theirs = lowered.cost_analysis()['flops']
  assert ours <= theirs <= ours + 4 * (x.size + kernel.size + 2 * 18 * 33 * 6)
