# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Update rules against reference trajectories on a small problem."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from baselines import (
  adafactor,
  adamg,
  ademamix,
  amos,
  caspr,
  cautious_nadamw,
  diloco,
  generalized_adam,
  heavy_ball,
  muon,
  muon_torch,
  nadamw,
  sam,
  schedule_free_adamw,
  schedule_free_adamw_weighted,
  schedule_free_prodigy,
  schedules,
  shampoo,
  shampoo_jax,
)
from tests import reference

pytestmark = pytest.mark.parity

_DATA = reference.arrays('optimizers')
_META = json.loads(str(_DATA['meta_json']))
_STEPS = _META['steps']
_AS_GIVEN = lambda ndim: tuple(range(ndim))  # noqa: E731
_LEAVES = ('W', 'K', 'b', 's')


def _read(prefix):
  return {name: jnp.asarray(_DATA[f'{prefix}/{name}']) for name in _LEAVES}


def _noise():
  """The part of the gradient that does not depend on the parameters."""
  f0, f1, f2 = _META['constants']['f']
  steps, start, parts = np.arange(1, max(_STEPS) + 1), 0, {}
  for name in _LEAVES:
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
    for name in _LEAVES:
      parity.close(
        f'{row} {kind}{step} {name}',
        trajectory[name][step - 1],
        expected[name],
        atol=scale * _tolerance(row, step),
      )


def _nadamw_warmup_cosine(s):
  schedule = schedules.warmup_cosine(s['lr'], s['warmup_steps'], s['step_hint'])
  return nadamw.nadamw(
    schedule, s['b1'], s['b2'], weight_decay=s['weight_decay']
  )


def _nesterov_linear_decay(s):
  schedule = schedules.warmup_linear(
    s['lr'],
    s['warmup_steps'],
    s['step_hint'],
    s['decay_steps_factor'],
    s['end_factor'],
  )
  return heavy_ball.momentum(
    schedule, s['momentum'], s['weight_decay'], nesterov=True
  )


def _adafactor(s):
  return adafactor.adafactor(
    s['lr'],
    s['beta1'],
    weight_decay=s['weight_decay'],
    momentum_dtype=jnp.int8 if s['int8'] else jnp.float32,
  )


def _sam(s):
  s = dict(s)
  rho = s.pop('rho')
  return sam.sam(optax.adamw(**s), rho)


def _nadamp(s):
  return nadamw.nadamw(**{k: v for k, v in s.items() if k != 'nesterov'})


def _generalized_adam(s):
  s = {k: v for k, v in s.items() if k != 'nesterov'}
  return generalized_adam.generalized_adam(**s)


def _lion(s):
  b1, b2 = s['betas']
  return optax.lion(s['lr'], b1, b2, weight_decay=s['weight_decay'])


def _ademamix(s):
  return ademamix.ademamix(
    s['lr'],
    *s['betas'],
    alpha=s['alpha'],
    weight_decay=s['weight_decay'],
    ramp_steps=s['alpha_warmup'],
  )


def _amos(s):
  scales = {
    name: amos.Scale(tuple(s['shapes'][name]), s['etas'][name])
    for name in _LEAVES
  }
  rule = amos.amos(
    scales, s['xi'], s['warmup'], s['beta1'], s['beta2'], s['l2'], s['style']
  )
  if s['clip'] is None:
    return rule
  return optax.chain(optax.clip_by_global_norm(s['clip']), rule)


def _diloco(s):
  inner = optax.adamw(s['lr'], s['beta1'], s['beta2'], weight_decay=s['wd'])
  return diloco.diloco(inner, s['sync'], s['rho'], s['mu'])


def _muon_jax(s):
  return muon.split_matrices(
    muon.muon(s['lr'], s['beta'], s['wd'], s['mult'], nesterov=s['nesterov']),
    nadamw.nadamw(s['lr'], s['b1'], s['b2'], weight_decay=s['pair_wd']),
  )


def _torch_nadam(s):
  return optax.chain(
    muon_torch.scale_by_torch_nadam(*s['betas'], s['eps']),
    optax.add_decayed_weights(s['weight_decay']),
    optax.scale_by_learning_rate(s['lr']),
  )


def _muon_torch(s):
  matrices, others = s['muon'], s['adam']
  matrices = muon_torch.torch_muon(
    matrices['lr'],
    matrices['beta'],
    matrices['weight_decay'],
    nesterov=matrices['nesterov'],
    axes=_AS_GIVEN,
  )
  if s['kind'] == 'nadam':
    return muon.split_matrices(matrices, _torch_nadam(others))
  adamw = optax.adamw(
    others['lr'], *others['betas'], weight_decay=others['weight_decay']
  )
  return muon.split_matrices(matrices, adamw)


def _schedule_free(**options):
  def make(s):
    return schedule_free_adamw.schedule_free_adamw(
      schedules.warmup_constant(s['lr'], s['warmup_steps']),
      *s['betas'],
      weight_decay=s['weight_decay'],
      **options,
    )

  return make


def _weighted(s):
  return schedule_free_adamw_weighted.schedule_free_adamw_weighted(
    schedules.warmup_constant(s['lr'], s['warmup_steps']),
    *s['betas'],
    weight_decay=s['weight_decay'],
    state_dtype=_dtype(s),
  )


def _prodigy(s):
  return schedule_free_prodigy.schedule_free_prodigy(
    schedules.warmup_constant(1.0, s['warm']),
    weight_decay=s['weight_decay'],
    d0=s['d0'],
    state_dtype=_dtype(s),
  )


def _dtype(s):
  return jnp.float32 if s.get('f32') else jnp.bfloat16


def _adamg(s):
  return adamg.adamg(s['lr'], *s['betas'], weight_decay=s['weight_decay'])


def _shampoo(s):
  return shampoo.shampoo(
    s['lr'],
    *s['betas'],
    eps=s['epsilon'],
    weight_decay=s['weight_decay'],
    momentum=s['momentum'],
    block_size=s['max_preconditioner_dim'],
    precondition_every=s['precondition_frequency'],
    start=s.get('start_preconditioning_step'),
    root_override=s['inv_root_override'],
    graft=s['graft'].lower(),
    nesterov=s['use_nadam'],
    kernel_axes=_AS_GIVEN,
  )


def _shampoo_jax(s):
  intended = {
    'max_axis': s.get('skip_preconditioning_dim_size_gt'),
    'block_size': s.get('block_size'),
    'merge_limit': s.get('merge_small_dims_block_size'),
    'precondition_every': s.get('preconditioning_compute_steps'),
    'start': s.get('start_preconditioning_step'),
    'eps': s.get('matrix_epsilon'),
  }
  return shampoo_jax.shampoo_jax(
    s['lr'],
    s['beta1'],
    s['beta2'],
    s['weight_decay'],
    **(intended if s['fixed'] else {}),
  )


def _caspr(s):
  return caspr.caspr(
    s['lr'],
    s['b1'],
    s['b2'],
    s['matrix_epsilon'],
    s['weight_decay'],
    block_size=s['block_size'],
    precondition_every=s['preconditioning_compute_steps'],
    start=s['start_preconditioning_step'],
  )


_V2 = {
  'averaging_power': 0.0,
  'decay_at_average': False,
  'state_dtype': jnp.float32,
}
_RULES = {
  'nadamw': lambda s: nadamw.nadamw(**s),
  'nadamw_warmup_cosine': _nadamw_warmup_cosine,
  'adamw': lambda s: optax.adamw(**s),
  'momentum': lambda s: heavy_ball.momentum(**s),
  'nesterov': lambda s: heavy_ball.momentum(**s),
  'nesterov_linear_decay': _nesterov_linear_decay,
  'lamb': lambda s: optax.lamb(**s, eps=1e-8),
  'adafactor_int8_momentum': _adafactor,
  'adafactor_f32_momentum': _adafactor,
  'sam_adamw': _sam,
  'generalized_adam': _generalized_adam,
  'nadamp': _nadamp,
  'cautious_nadamw': lambda s: cautious_nadamw.cautious_nadamw(**s),
  'lion': _lion,
  'ademamix': _ademamix,
  'adamg': _adamg,
  'amos_adam': _amos,
  'amos_reduced': _amos,
  'diloco': _diloco,
  'muon_jax': _muon_jax,
  'muon_torch_bf16': _muon_torch,
  'pytorch_nadam': _torch_nadam,
  'sf_adamw_v05_bf16': _schedule_free(),
  'sf_adamw_v05_f32': _schedule_free(state_dtype=jnp.float32),
  'sf_adamw_v2': _schedule_free(**_V2),
  'sf_adamw_weighted_bf16': _weighted,
  'sf_adamw_weighted_f32': _weighted,
  'sf_prodigy_bf16': _prodigy,
  'sf_prodigy_f32': _prodigy,
  'shampoo_pytorch': _shampoo,
  'shampoo_jax_as_published': _shampoo_jax,
  'shampoo_jax_intended': _shampoo_jax,
  'caspr': _caspr,
}


@pytest.mark.parametrize('name', sorted(_RULES))
def test_trajectory_follows_the_reference(name, parity):
  rows = [r for r in _META['settings'] if r.split('/')[0] == name]
  assert rows
  for row in rows:
    tx = _RULES[name](_META['settings'][row])
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
  assert names == set(_RULES)


def _numbers(text):
  """`'lr 0.01, W 15, 2 cycles'` -> {'lr': 0.01, 'W': 15, 'cycles': 2}."""
  pairs = [part.split('(')[0].split() for part in text.split(',')]
  pairs = [p if p[1][0].isdigit() else p[::-1] for p in pairs]
  return {
    name: float(value) if '.' in value else int(value) for name, value in pairs
  }


def _s2_float(lr, f, H):
  return schedules.warmup_rebounding_cosine(lr, int(f * H), H)


_SCHEDULES = {
  'S1': lambda lr, W, H: schedules.warmup_cosine(lr, W, H),
  'S2': lambda lr, W, H: schedules.warmup_rebounding_cosine(lr, W, H),
  'S2_float_horizon': _s2_float,
  'S3': lambda lr, W, T: schedules.peak_first_cyclic_cosine(lr, W, T),
  'S3c': lambda lr, W, T, cycles: schedules.peak_first_cyclic_cosine(
    lr, W, T, cycles
  ),
  'S4': lambda lr, W, H, **factors: schedules.warmup_linear(
    lr, W, H, **factors
  ),
  'S5': lambda lr, f, H: schedules.nested_cosine(lr, f, H),
}


@pytest.mark.parametrize('name', sorted(_SCHEDULES))
def test_schedule_follows_the_reference(name, parity):
  expected = _DATA[f'schedule/{name}']
  text = _META['settings']['schedules'][name]
  numbers = _numbers(text.split(' (W')[0])
  rates = jax.jit(jax.vmap(_SCHEDULES[name](**numbers)))(
    jnp.arange(len(expected))
  )
  parity.close(name, rates, expected, atol=1e-6 * numbers['lr'])
