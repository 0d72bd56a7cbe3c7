# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What Shampoo takes on the Transformer, read from programs that never run."""

import dataclasses
import inspect
import math
import re

import jax
import pytest

from baselines import shampoo
from baselines.parts import matrix_roots
from jaxperf import mesh
from jaxperf.costs import flops
from jaxperf.running import config as config_lib
from jaxperf.trial import compiled, gradients
from tests import planned

pytestmark = pytest.mark.slow

_INTERVAL = 100  # Updates between two refreshes, as published.
_BATCH_SIZE = 128
# Eigenvalues and vectors of a symmetric matrix of side d take 9 d^3 operations
# (Golub and Van Loan, Matrix Computations, section 8.3); counters see an opaque
# call.
_EIGH = 9


def _training(devices):
  config = config_lib.make_config(
    {
      'submissions': ('baselines.shampoo',),
      'workloads': ('wmt',),
      'rules': 'v0.5',
      'ruleset': 'external',
      'data': 'fake',
    }
  )
  training = planned.training(config)
  assert training.run.batch_size == _BATCH_SIZE
  devices = mesh.make_mesh(jax.devices()[:devices])
  return dataclasses.replace(
    training, run=dataclasses.replace(training.run, mesh=devices)
  )


def _matrices(state):
  """Factors and roots: the preconditioner comes first in the chain."""
  return state.opt_state[0].factors, state.opt_state[0].roots


def _orders(factors):
  """Published: twice the number of axes of the block."""
  return [[2 * len(of_stack)] * len(of_stack) for of_stack in factors]


def _refresh(factors, roots):
  root = matrix_roots.eigh_root(1e-8)
  return matrix_roots.refresh(root, factors, roots, _orders(factors))


def _counted_by_the_compiler(function, *arguments):
  return jax.jit(function).lower(*arguments).cost_analysis()['flops']


@pytest.mark.parametrize('count', [_counted_by_the_compiler, flops.of_function])
def test_an_update_takes_a_tenth_of_the_gradient_at_most(count):
  options = inspect.signature(shampoo.scale_by_shampoo).parameters
  assert options['precondition_every'].default == _INTERVAL
  training = _training(1)
  state = compiled.abstract_state(training)

  def gradient(params, batch):
    key = jax.random.key(0)
    return gradients.make_gradients(training, {}, batch, key).grad_fn(params)

  step = count(gradient, state.params, compiled.abstract_batch(training))
  # Of the branches of a condition both take the larger: the refresh.
  update = count(
    training.optimizer().update, state.params, state.opt_state, state.params
  )
  factors, roots = _matrices(state)
  products = count(_refresh, factors, roots)
  assert 0 < products < update < step
  decompositions = sum(
    _EIGH * len(x) * x.shape[-1] ** 3 for x in jax.tree.leaves(factors)
  )
  refresh = products + decompositions
  amortised = update - products + refresh / _INTERVAL
  assert amortised <= 0.1 * step


def test_roots_of_one_size_and_order_are_one_batch():
  training = _training(8)
  state = compiled.abstract_state(training)
  jaxpr = jax.make_jaxpr(training.optimizer().update)(
    state.params, state.opt_state, state.params
  )
  factors, _ = _matrices(state)
  kinds, stacks = set(), 0
  for of_stack, orders in zip(factors, _orders(factors)):
    stacks += len(of_stack)
    kinds |= {(x.shape[-1], order) for x, order in zip(of_stack, orders)}
  assert len(re.findall(r'= eigh\[', str(jaxpr))) == len(kinds) < stacks


def test_state_on_eight_devices_takes_a_seventh_of_the_memory_of_one():
  def bytes_per_device(devices):
    state = compiled.abstract_state(_training(devices)).opt_state
    return sum(
      math.prod(x.sharding.shard_shape(x.shape)) * x.dtype.itemsize
      for x in jax.tree.leaves(state)
    )

  assert bytes_per_device(8) <= bytes_per_device(1) / 7
