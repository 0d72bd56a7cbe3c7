# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Random booleans, the same as those of `jax.random`, faster on a CPU.

References:
  Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011: the
  generator threefry2x32.
"""

import functools
import math

import jax
import jax.numpy as jnp

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def draw(
  key: jax.Array, p: float | jax.Array, shape: tuple[int, ...]
) -> jax.Array:
  """`jax.random.bernoulli(key, p, shape)`, bit for bit.

  JAX runs the generator as a loop of copies on a CPU; there it is written out
  here, as one chain of elementwise operations, which becomes one kernel. Other
  platforms, other generators and arrays of 2^32 elements get that of JAX.

  Args:
    key: of `jax.random`, of either kind.
    p: probability of True; a number or a scalar.
    shape: of the result.
  """
  typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
  generator = str(jax.random.key_impl(key))
  p = jnp.float32(p)
  if (
    generator != 'threefry2x32'
    or not jax.config.jax_threefry_partitionable
    or math.prod(shape) >= 2**32
  ):
    return jax.random.bernoulli(key, p, shape)
  data = jax.random.key_data(key) if typed else key
  return jax.lax.platform_dependent(
    data,
    p,
    cpu=functools.partial(_written_out, shape=shape),
    default=lambda data, p: jax.random.bernoulli(
      jax.random.wrap_key_data(data, impl='threefry2x32'), p, shape
    ),
  )


def _written_out(key, p, shape):
  """As `jax.random.bernoulli` draws: uniform numbers of 23 bits below p."""
  place = jnp.zeros(shape, jnp.uint32)
  stride = 1
  for axis in reversed(range(len(shape))):
    index = jax.lax.broadcasted_iota(jnp.uint32, shape, axis)
    place += index * jnp.uint32(stride)
    stride *= shape[axis]
  high, low = _threefry(key[0], key[1], jnp.zeros_like(place), place)
  mantissa = (high ^ low) >> 9 | jnp.uint32(0x3F800000)
  uniform = jax.lax.bitcast_convert_type(mantissa, jnp.float32) - 1.0
  return uniform < p


def _threefry(key_0, key_1, x_0, x_1):
  """threefry2x32 with 20 rounds; all uint32."""
  keys = key_0, key_1, key_0 ^ key_1 ^ jnp.uint32(_PARITY)
  x_0, x_1 = x_0 + keys[0], x_1 + keys[1]
  for block in range(5):
    for rotation in _ROTATIONS[block % 2]:
      x_0 += x_1
      x_1 = (x_1 << rotation) | (x_1 >> (32 - rotation))
      x_1 ^= x_0
    x_0 += keys[(block + 1) % 3]
    x_1 += keys[(block + 2) % 3] + jnp.uint32(block + 1)
  return x_0, x_1
