# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The update rules of the reference trajectories, from their settings."""

import jax.numpy as jnp
import optax

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
  lamb,
  muon,
  muon_torch,
  nadamw,
  sam,
  schedule_free_adamw,
  schedule_free_adamw_weighted,
  schedule_free_prodigy,
  shampoo,
  shampoo_jax,
)
from baselines.parts import schedules

LEAVES = ('W', 'K', 'b', 's')  # Of the problem's parameters.
_AS_GIVEN = lambda ndim: tuple(range(ndim))  # noqa: E731


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
    for name in LEAVES
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
RULES = {  # Name of a row -> from its settings to the transformation.
  'nadamw': lambda s: nadamw.nadamw(**s),
  'nadamw_warmup_cosine': _nadamw_warmup_cosine,
  'adamw': lambda s: optax.adamw(**s),
  'momentum': lambda s: heavy_ball.momentum(**s),
  'nesterov': lambda s: heavy_ball.momentum(**s),
  'nesterov_linear_decay': _nesterov_linear_decay,
  'lamb': lambda s: lamb.lamb(**s),
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
