# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Update rules against reference trajectories on a small problem."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from baselines import diloco, schedule_free_adamw
from tests import reference
from tests.baselines import reference_rules

pytestmark = pytest.mark.parity

_DATA = reference.arrays('optimizers')
_META = json.loads(str(_DATA['meta_json']))
_STEPS = _META['steps']


def _read(prefix):
  return {
    name: jnp.asarray(_DATA[f'{prefix}/{name}'])
    for name in reference_rules.LEAVES
  }


def _noise():
  """The part of the gradient that does not depend on the parameters."""
  f0, f1, f2 = _META['constants']['f']
  steps, start, parts = np.arange(1, max(_STEPS) + 1), 0, {}
  for name in reference_rules.LEAVES:
    shape = _DATA[f'problem/p0/{name}'].shape
    index = start + np.arange(np.prod(shape, dtype=int)).reshape(shape)
    start += index.size
    t = steps.reshape(-1, *[1] * len(shape))
    parts[name] = (f0 * np.sin(f1 * t + f2 * index)).astype(np.float32)
  return parts


def _trajectory(tx, eval_params):
  """Parameters after each update, and what would be evaluated."""
  tx = optax.with_extra_args_support(tx)
  curvature, params = _read('problem/A'), _read('problem/p0')

  def step(carry, noise):
    params, state = carry

    def grad_fn(params, update_stats=False):
      grad = jax.tree.map(lambda a, p, n: a * p + n, curvature, params, noise)
      return jnp.float32(0), grad, {}

    value, grad, _ = grad_fn(params)
    updates, state = tx.update(
      grad, state, params, value=value, grad=grad, grad_fn=grad_fn
    )
    params = optax.apply_updates(params, updates)
    return (params, state), (params, eval_params(state, params, {})[0])

  _, (trained, evaluated) = jax.jit(
    lambda: jax.lax.scan(step, (params, tx.init(params)), _noise())
  )()
  return jax.tree.map(np.asarray, (trained, evaluated))


def _raw(opt_state, params, model_state):
  return params, model_state


def _tolerance(row, step):
  """The tolerances that come with the reference numbers, in max-norm."""
  name, setting = row.split('/')
  late = step == 100
  if name == 'adafactor_int8_momentum' and late:
    return 2e-2
  if name in ('shampoo_jax_intended', 'caspr', 'shampoo_pytorch'):
    return 2e-4 if late else 2e-5
  if name.startswith('sf_prodigy') and setting == 'a' and step >= 10:
    return 2e-3 if name.endswith('f32') else {10: 2e-2, 100: np.inf}[step]
  if name == 'sf_prodigy_bf16' and setting == 'b' and step >= 10:
    return {10: 1e-4, 100: 1e-3}[step]
  if name == 'muon_torch_bf16':
    return 2e-2 if late else 1e-3
  return 1e-4 if late else 1e-5


def _compare(parity, row, trajectory, kind='step'):
  for step in _STEPS:
    expected = _read(f'{row}/{kind}{step}')
    scale = max(float(jnp.abs(x).max()) for x in expected.values())
    for name in reference_rules.LEAVES:
      parity.close(
        f'{row} {kind}{step} {name}',
        trajectory[name][step - 1],
        expected[name],
        atol=scale * _tolerance(row, step),
      )


@pytest.mark.parametrize('name', sorted(reference_rules.RULES))
def test_trajectory_follows_the_reference(name, parity):
  rows = [r for r in _META['settings'] if r.split('/')[0] == name]
  assert rows
  for row in rows:
    tx = reference_rules.RULES[name](_META['settings'][row])
    if name == 'diloco':
      trained, evaluated = _trajectory(tx, diloco.eval_params)
      _compare(parity, row, trained)
      _compare(parity, row, evaluated, 'eval_step')
    elif name.startswith('sf_'):
      _, average = _trajectory(tx, schedule_free_adamw.eval_params)
      _compare(parity, row, average)
    else:
      trained, _ = _trajectory(tx, _raw)
      _compare(parity, row, trained)


def test_every_reference_row_has_a_rule():
  names = {row.split('/')[0] for row in _META['settings']} - {'schedules'}
  assert names == set(reference_rules.RULES)
