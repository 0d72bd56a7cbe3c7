# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the devices at hand can do at most, measured."""

from __future__ import annotations

import statistics

import jax
import jax.numpy as jnp

from jaxperf import mesh as mesh_lib
from jaxperf.trial import stopwatch

_SIDES = {'cpu': 2048}  # Of the matrices; elsewhere:
_SIDE = 8192
_REPEATS = 5


def flops_per_s(mesh: jax.sharding.Mesh) -> float:
  """Operations per second of all devices at once, in products of matrices.

  Float32, at the precision that is in force; a multiplication and an addition
  are two operations. The median of five products on each device.

  Args:
    mesh: of the devices.
  """
  side = _SIDES.get(mesh.devices.flat[0].platform, _SIDE)
  shape = (mesh.size, side, side)
  split = mesh_lib.split(mesh)
  given = jax.jit(lambda: jnp.full(shape, 1 / side), out_shardings=split)()
  product = jax.jit(
    lambda x: jnp.einsum('dij,djk->dik', x, x), out_shardings=split
  )
  watch = stopwatch.Stopwatch(counts_compilation=False)
  jax.block_until_ready(product(given))
  seconds = []
  for _ in range(_REPEATS):
    before = watch.seconds()['train']
    watch.switch('train')
    watch.switch('setup', after=product(given))
    seconds.append(watch.seconds()['train'] - before)
  return 2 * mesh.size * side**3 / statistics.median(seconds)
