# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Blocks, inverse roots, and their distribution over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from baselines import caspr, shampoo, shampoo_jax
from baselines.parts import blocking, matrix_roots
from jaxperf import mesh


def _array(seed, *shape):
  rng = np.random.default_rng(seed)
  return jnp.asarray(rng.standard_normal(shape), jnp.float32)


@pytest.mark.parametrize(
  ('shape', 'merged'),
  [
    ((64, 3, 7, 7), (192, 49)),
    ((1, 1), (1,)),
    ((), (1,)),
    ((2048, 1, 3), (2048, 3)),
  ],
)
def test_neighbouring_axes_merge_up_to_the_limit(shape, merged):
  assert blocking.merge_axes(shape, 1024) == merged


def test_joining_undoes_splitting():
  tree = {'a': _array(0, 5, 7), 'b': _array(1, 3, 4, 5), 'c': _array(2, 2)}
  blocks = blocking.make_blocking(
    [(1, 0), (2, 1, 0), (0,)], [(7, 5), (20, 3), None], block_size=3
  )
  stacks = blocks.split(tree)
  assert {x.shape[1:] for x in stacks} == set(blocks.groups)
  joined = blocks.join(stacks, tree)
  jax.tree.map(np.testing.assert_array_equal, joined, tree)


@pytest.mark.parametrize('order', [2, 4, 6])
def test_both_roots_are_inverse_roots(order):
  x = _array(order, 3, 6, 9)
  matrices = jnp.einsum('nir,njr->nij', x, x)
  for root in (matrix_roots.eigh_root(1e-8), matrix_roots.newton_root(1e-8)):
    roots = np.asarray(root(matrices, matrices, order), np.float64)
    powers = np.linalg.matrix_power(roots, order)
    identity = powers @ np.asarray(matrices, np.float64)
    np.testing.assert_allclose(
      identity, np.eye(6)[None].repeat(3, 0), atol=2e-3
    )


def test_a_root_that_cannot_be_had_keeps_the_previous_one():
  matrices = jnp.stack([jnp.eye(3), jnp.full((3, 3), jnp.nan)])
  previous = jnp.stack([7 * jnp.eye(3)] * 2)
  for root in (matrix_roots.eigh_root(0.0), matrix_roots.newton_root(1e-6)):
    roots = root(matrices, previous, 2)
    np.testing.assert_allclose(roots[0], jnp.eye(3), atol=1e-5)
    np.testing.assert_array_equal(roots[1], previous[1])


def _rules(run_mesh):
  small = {'block_size': 4, 'precondition_every': 2, 'mesh': run_mesh}
  return {
    'shampoo': shampoo.shampoo(0.1, 0.9, 0.9, 1e-2, **small),
    'caspr': caspr.caspr(0.1, 0.9, 0.9, 1e-2, start=2, **small),
    'shampoo_jax': shampoo_jax.shampoo_jax(
      0.1, 0.9, 0.9, eps=1e-2, max_axis=99, start=2, **small
    ),
  }


def _train(tx, params, steps=5, place=lambda state: state):
  state = place(jax.jit(tx.init)(params))
  update = jax.jit(tx.update)
  for t in range(steps):
    grads = jax.tree.map(lambda p, t=t: jnp.sin(3 * p + t), params)
    updates, state = update(grads, state, params)
    params = optax.apply_updates(params, updates)
  return params, state


def test_blocks_of_different_arrays_do_not_see_each_other():
  rule = _rules(None)['shampoo']
  tree = {'a': _array(0, 8, 6), 'b': _array(1, 4, 8), 'c': _array(2, 5)}
  together, _ = _train(rule, tree)
  for name, x in tree.items():
    alone, _ = _train(rule, {name: x})
    np.testing.assert_allclose(
      alone[name], together[name], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
  'name',
  [
    'shampoo',
    pytest.param('caspr', marks=pytest.mark.slow),
    pytest.param('shampoo_jax', marks=pytest.mark.slow),
  ],
)
def test_blocks_on_eight_devices_train_as_on_one(name):
  params = {'kernel': _array(0, 32, 24), 'bias': _array(1, 6)}
  alone, _ = _train(_rules(None)[name], params)
  devices = mesh.make_mesh()
  shardings = lambda state: blocking.state_sharding(state, devices)  # noqa: E731
  shared, state = _train(
    _rules(devices)[name],
    jax.device_put(params, mesh.replicated(devices)),
    place=lambda state: jax.device_put(state, shardings(state)),
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
    alone,
    shared,
  )
  stacks = [x for x in jax.tree.leaves(state) if x.ndim == 3]
  assert stacks
  for stack in stacks:
    assert stack.addressable_shards[0].data.shape[0] == len(stack) // 8


def test_sharded_state_takes_a_seventh_of_the_memory():
  devices = mesh.make_mesh()
  params = {
    f'layer{i}': {'kernel': (1024, 4096), 'scale': (1024,)} for i in range(8)
  }
  params['embedding'] = (8192, 1024)
  params = jax.tree.map(
    lambda s: jax.ShapeDtypeStruct(s, jnp.float32),
    params,
    is_leaf=lambda x: isinstance(x, tuple),
  )
  tx = shampoo.shampoo(0.1, momentum=0.5, mesh=devices)
  state = jax.eval_shape(tx.init, params)
  shardings = blocking.state_sharding(state, devices)

  def size(shape):
    return 4 * np.prod(shape)

  total = sum(size(x.shape) for x in jax.tree.leaves(state))
  local = jax.tree.map(
    lambda x, s: size(s.shard_shape(x.shape)), state, shardings
  )
  assert sum(jax.tree.leaves(local)) <= total / 7


def test_a_huge_table_is_never_preconditioned():
  tx = shampoo.scale_by_shampoo(graft='sgd', b1=0.0)
  state = jax.eval_shape(
    tx.init, {'table': jax.ShapeDtypeStruct((1_000_000, 2), jnp.float32)}
  )
  assert state.factors == []
  assert state.v['table'].shape == (1_000_000, 2)
