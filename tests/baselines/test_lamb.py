# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import jax
import jax.numpy as jnp
import numpy as np
import optax

from baselines import adamg, lamb


def test_steps_are_those_of_optax_also_where_a_norm_is_0():
  params = {
    'w': jnp.linspace(-1.0, 2.0, 12).reshape(3, 4),
    'zero': jnp.zeros(3),
    'no gradient': jnp.zeros(2),
    'scalar': jnp.float32(0.5),
  }
  ours, theirs = lamb.lamb(0.1), optax.lamb(0.1, eps=1e-8)
  state, other = ours.init(params), theirs.init(params)
  x = y = params
  for step in range(3):
    grads = jax.tree.map(lambda p, t=step: jnp.cos(p + t), params)
    grads['no gradient'] *= 0
    change, state = ours.update(grads, state, x)
    x = optax.apply_updates(x, change)
    change, other = theirs.update(grads, other, y)
    y = optax.apply_updates(y, change)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), x, y)


def test_the_power_of_adamg_is_exact_to_the_last_bits():
  v = np.concatenate([[0.0], np.logspace(-37, 37, 1001)]).astype(np.float32)
  found = adamg.almost_fourth_root(jnp.asarray(v))
  np.testing.assert_allclose(found, v.astype(np.float64) ** 0.24, rtol=3e-7)
