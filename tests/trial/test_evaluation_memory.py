# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation on devices without enough memory for a whole batch."""

import jax
import jax.numpy as jnp
import pytest

from jaxperf import mesh
from jaxperf.trial import evaluation
from tests import tiny

PETABYTE = 2**50


def greedy(limit):
  """The tiny workload, evaluated with a petabyte for batches over a limit."""

  def evaluate(params, model_state, batch, key):
    sums, rows = tiny.WORKLOAD.evaluate(params, model_state, batch, key)
    if len(batch['targets']) > limit:
      zeros = jnp.full(PETABYTE, sums['loss'] * 0, jnp.int8)
      # A loop, as XLA knows the result of a single operation on equal numbers.
      enormous = jax.lax.fori_loop(0, 2, lambda i, x: x[::-1], zeros)
      sums |= {'loss': sums['loss'] + enormous[0]}
    return sums, rows

  return tiny.WORKLOAD._replace(evaluate=evaluate)


def metrics(evaluator):
  params, model_state = tiny.WORKLOAD.init(jax.random.key(0))
  return evaluator(params, model_state, jax.random.key(1))


def evaluator(workload, devices=1):
  return evaluation.Evaluator(workload, mesh.make_mesh(jax.devices()[:devices]))


# Whole batches of 16 examples, or 18 on 3 devices, are halved, rounded down.
@pytest.mark.parametrize(
  ('devices', 'limit', 'expected'),
  [(1, 16, 16), (1, 15, 8), (1, 3, 2), (3, 8, 3), (8, 8, 8)],
)
def test_smaller_batches_that_fit_the_memory_give_the_same_metrics(
  devices, limit, expected
):
  scarce = evaluator(greedy(limit), devices)
  plenty = metrics(evaluator(tiny.WORKLOAD))
  assert metrics(scarce) == pytest.approx(plenty, rel=1e-6)
  assert scarce.batch_size == expected


def test_what_fitted_once_is_kept():
  scarce = evaluator(greedy(4))
  metrics(scarce)
  assert scarce.batch_size == 4
  assert metrics(scarce) == pytest.approx(metrics(evaluator(tiny.WORKLOAD)))
  assert scarce.batch_size == 4


@pytest.mark.parametrize(('devices', 'least'), [(1, 1), (8, 8)])
def test_a_memory_error_with_the_smallest_batch_is_raised(devices, least):
  scarce = evaluator(greedy(0), devices)
  with pytest.raises(jax.errors.JaxRuntimeError, match='RESOURCE_EXHAUSTED'):
    metrics(scarce)
  assert scarce.batch_size == least


def test_another_error_is_raised_at_once():
  def evaluate(params, model_state, batch, key):
    def fail(x):
      raise ValueError('no such word')

    wrong = jax.ShapeDtypeStruct((), jnp.float32)
    return {'loss': jax.pure_callback(fail, wrong, key)}, {}

  broken = evaluator(tiny.WORKLOAD._replace(evaluate=evaluate))
  with pytest.raises(jax.errors.JaxRuntimeError, match='no such word'):
    metrics(broken)
  assert broken.batch_size == tiny.WORKLOAD.eval_batch_size
