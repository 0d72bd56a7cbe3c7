# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sums over arrays that are computed first."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def of_squares(x: jax.Array) -> jax.Array:
  """The sum of squares, as a product of the array with itself.

  On a CPU, XLA computes what it sums element by element where that is more than
  a product, e.g. a quotient or a comparison; a product is given the array.

  >>> float(of_squares(jnp.array([[3.0], [4.0]])))
  25.0
  """
  return jnp.tensordot(x, x, x.ndim, precision=jax.lax.Precision.HIGHEST)
