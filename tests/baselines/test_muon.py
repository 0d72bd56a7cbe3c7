# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Many matrices made orthogonal, over devices, against each alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from baselines import muon
from jaxperf import mesh
from jaxperf.costs import hlo

SHAPES = [(6, 4), (4, 6), (6, 4), (5, 5), (6, 4), (5, 5)]


def matrices():
  keys = jax.random.split(jax.random.key(0), len(SHAPES))
  return [jax.random.normal(k, shape) for k, shape in zip(keys, SHAPES)]


@pytest.mark.parametrize('devices', [None, 1, 8])
@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize('elements', [1, 50, 2**20])
def test_all_at_once_gives_what_each_alone_gives(
  monkeypatch, dtype, elements, devices
):
  monkeypatch.setattr(muon, '_ELEMENTS', elements)
  shared = devices and mesh.make_mesh(jax.devices()[:devices])
  given = matrices()
  if shared:
    given = jax.device_put(given, mesh.replicated(shared))
  found = jax.jit(lambda x: muon.orthogonalize_all(x, dtype, shared))(given)
  for u, x in zip(found, matrices(), strict=True):
    np.testing.assert_allclose(
      u, muon.orthogonalize(x, dtype), rtol=1e-4, atol=1e-5
    )


def test_each_device_computes_its_share_and_gets_the_rest():
  devices = mesh.make_mesh()
  given = jax.device_put([jnp.ones((64, 32))] * 8, mesh.replicated(devices))
  program = jax.jit(lambda x: muon.orthogonalize_all(x, mesh=devices)).lower(
    given
  )
  text = program.compile().as_text()
  assert hlo.collective_bytes(text) == {'all-gather': 8 * 64 * 32 * 4}
