# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Random booleans against those of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workloads import bernoulli


@pytest.mark.parametrize('shape', [(), (7,), (3, 5, 7), (128, 33)])
@pytest.mark.parametrize('p', [0.1, 0.9, 1.0, np.float32(0.3)])
@pytest.mark.parametrize('make', [jax.random.key, jax.random.PRNGKey])
def test_they_are_those_of_jax(make, p, shape):
  drawn = jax.jit(bernoulli.draw, static_argnums=2)(make(3), p, shape)
  expected = jax.random.bernoulli(make(3), p, shape)
  np.testing.assert_array_equal(drawn, expected)


def test_they_are_those_of_jax_for_many_keys_and_a_traced_p():
  keys = jax.random.split(jax.random.key(0), 4)

  def drawn(draw):
    return jax.vmap(lambda key, p: draw(key, p, (50, 6)))(
      keys, jnp.linspace(0.1, 0.9, 4)
    )

  np.testing.assert_array_equal(
    drawn(bernoulli.draw), drawn(jax.random.bernoulli)
  )


def test_other_generators_are_left_alone():
  key = jax.random.key(0, impl='rbg')
  np.testing.assert_array_equal(
    bernoulli.draw(key, 0.5, (40,)), jax.random.bernoulli(key, 0.5, (40,))
  )


def test_on_a_cpu_it_is_one_kernel_without_a_loop():
  program = jax.jit(lambda key: bernoulli.draw(key, 0.5, (40_000,)))
  text = program.lower(jax.random.key(0)).compile().as_text()
  assert ' while(' not in text
