# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a GPU computes, against a CPU in the same process, in full float32."""

import jax
import numpy as np
import pytest

import workloads
from baselines import muon
from jaxperf import mesh
from jaxperf.trial import compiled
from tests import tiny
from workloads import bernoulli, convolution

pytestmark = pytest.mark.gpu
_MINI = [name for name in workloads.TABLE if name.startswith('mini_')]


@pytest.fixture(autouse=True)
def full_precision():
  """Without TF32, which has 10 bits."""
  with jax.default_matmul_precision('highest'):
    yield


def _device(platform):
  try:
    return jax.devices(platform)[0]
  except RuntimeError:
    pytest.skip(f'JAX finds no {platform}: set JAX_PLATFORMS=cuda,cpu')


def _on(platform, function, *arguments):
  """The result of a compiled function on one device, as NumPy arrays."""
  placed = jax.device_put(arguments, _device(platform))
  return jax.tree.map(np.asarray, jax.jit(function)(*placed))


def _on_both(function, *arguments):
  return _on('gpu', function, *arguments), _on('cpu', function, *arguments)


@pytest.mark.parametrize('strides', [(1, 1), (2, 2)])
def test_convolutions_and_their_gradients(strides):
  keys = jax.random.split(jax.random.key(0))
  x = jax.random.normal(keys[0], (2, 16, 12, 64))
  kernel = jax.random.normal(keys[1], (3, 3, 64, 64)) / 24

  def slopes(x, kernel):
    y = convolution.convolve(x, kernel, strides, ((1, 1), (1, 1)))
    return y, jax.grad(
      lambda x, k: convolution.convolve(x, k, strides, ((1, 1), (1, 1))).sum(),
      (0, 1),
    )(x, kernel)

  gpu, cpu = _on_both(slopes, x, kernel)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3),
    gpu,
    cpu,
  )


def test_masks_of_dropout_are_the_same_bits():
  def mask(data):
    key = jax.random.wrap_key_data(data)
    return bernoulli.draw(key, 0.1, (1000, 77))

  gpu, cpu = _on_both(mask, jax.random.key_data(jax.random.key(1)))
  np.testing.assert_array_equal(gpu, cpu)


def test_orthogonal_matrices():
  given = [jax.random.normal(jax.random.key(0), (48, 32))] * 3
  gpu, cpu = _on_both(muon.orthogonalize_all, given)
  np.testing.assert_allclose(gpu, cpu, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('name', _MINI)
def test_the_first_steps_of_a_workload(name):
  found = {}
  for platform in ('gpu', 'cpu'):
    training = tiny.make_training(
      workload=workloads.build(name, data='fake'), devices=[_device(platform)]
    )
    state = compiled.initial_state(training)
    step = compiled.compile_functions(training, state).step
    stream = training.workload.data.train(0, training.run.batch_size, None)
    scalars = []
    for _ in range(3):
      batch, _ = next(stream)
      state, row = step(state, mesh.place_batch(batch, training.run.mesh))
      scalars.append([float(row['loss']), float(row['grad_norm'])])
    found[platform] = scalars
  np.testing.assert_allclose(found['gpu'], found['cpu'], rtol=1e-3)
