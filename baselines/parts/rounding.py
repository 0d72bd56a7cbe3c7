# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Arithmetic of low-precision state: float32, rounded after each operation.

What is rounded so coarsely must be exact before, or values at a tie go the
other way.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp


def round_to(x: jax.Array, dtype: Any) -> jax.Array:
  """The float32 values nearest to x that `dtype` can hold.

  A cast and back may be optimised away; this may not.

  >>> float(round_to(jnp.float32(1.01), jnp.bfloat16))  # 7 bits of mantissa.
  1.0078125
  """
  info = jnp.finfo(dtype)
  return jax.lax.reduce_precision(x, info.nexp, info.nmant)


def average_square(
  v: jax.Array, g: jax.Array, b2: float, dtype: Any
) -> jax.Array:
  """β2 v + (1 - β2) g^2 in float32, rounded to `dtype` after each operation."""
  decayed = round_to(b2 * v.astype(jnp.float32), dtype)
  return round_to(decayed + (1 - b2) * jnp.square(g), dtype)


def bias_correction(decay: float, count: jax.Array) -> jax.Array:
  """1 - decay^count, exact to float32 even where the power is near 1.

  >>> exact = float(bias_correction(1 - 1e-6, jnp.float32(1)))
  >>> f'{exact:.3e}', f'{float(1 - jnp.float32(1 - 1e-6)):.3e}'
  ('1.000e-06', '1.013e-06')
  """
  return -jnp.expm1(count * (math.log(decay) if decay else -math.inf))
