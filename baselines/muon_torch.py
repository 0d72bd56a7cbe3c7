# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Muon as its PyTorch submissions computed it, self-tuning.

Orthogonalisation in bfloat16 on kernels in PyTorch's axis order, and PyTorch's
NAdam or AdamW for the other parameters.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines import muon
from baselines.parts import axis_orders, batch_sizes, checks, schedules
from jaxperf import submission, tuning


class TorchNadamState(NamedTuple):
  """Number of updates, product of momenta, averages of g and g^2."""

  count: jax.Array
  product: jax.Array
  m: optax.Updates
  v: optax.Updates


def scale_by_torch_nadam(
  b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8
) -> optax.GradientTransformation:
  r"""Dozat's Nadam with its momentum schedule, as in `torch.optim.NAdam`.

  With :math:`\mu_t = \beta_1 (1 - 0.96^{0.004 t} / 2)` and
  :math:`\Pi_t = \prod_{i \le t} \mu_i`,

  .. math::
    u = \frac{1}{\sqrt{v / (1 - \beta_2^t)} + \epsilon} \left(
      \frac{1 - \mu_t}{1 - \Pi_t} g
      + \frac{\mu_{t+1}}{1 - \Pi_t \mu_{t+1}} m \right)

  Args:
    b1: decay of the average of gradients.
    b2: decay of the average of squares.
    eps: added to the denominator.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(b1=b1, b2=b2, eps=eps)

  def momentum(step):
    return b1 * (1 - 0.5 * 0.96 ** (0.004 * step))

  def init(params):
    return TorchNadamState(
      count=jnp.zeros([], jnp.int32),
      product=jnp.ones([]),
      m=optax.tree.zeros_like(params),
      v=optax.tree.zeros_like(params),
    )

  def update(updates, state, params=None):
    del params
    count = optax.safe_increment(state.count)
    now, after = momentum(count), momentum(count + 1)
    product = state.product * now
    m = optax.tree.update_moment(updates, state.m, b1, 1)
    v = optax.tree.update_moment(updates, state.v, b2, 2)
    of_g, of_m = (1 - now) / (1 - product), after / (1 - product * after)
    correction = 1 - b2**count
    u = jax.tree.map(
      lambda g, m, v: (of_g * g + of_m * m) / (jnp.sqrt(v / correction) + eps),
      updates,
      m,
      v,
    )
    return u, TorchNadamState(count, product, m, v)

  return optax.GradientTransformation(init, update)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  factor = _FACTORS[hps.schedule](hps, run)

  def rate(step):
    return hps.learning_rate * factor(step)

  def other_rate(step):
    return hps.other_learning_rate * factor(step)

  others = (
    scale_by_torch_nadam(hps.beta1, hps.beta2)
    if hps.others == 'nadam'
    else optax.scale_by_adam(hps.beta1, hps.beta2)
  )
  return muon.split_matrices(
    torch_muon(
      rate,
      hps.momentum,
      hps.weight_decay,
      nesterov=hps.nesterov,
      mesh=run.mesh,
    ),
    optax.chain(
      others,
      optax.add_decayed_weights(hps.other_weight_decay),
      optax.scale_by_learning_rate(other_rate),
    ),
    embedding_names=('embedding', 'embed_tokens'),
  )


def torch_muon(
  learning_rate: optax.ScalarOrSchedule,
  momentum: float = 0.95,
  weight_decay: float = 0.0,
  **options: Any,
) -> optax.GradientTransformation:
  """`muon.muon` in bfloat16 on (out, in, ...) kernels.

  Out / in is the ratio of the first two of these axes, also for convolutions.
  """
  published = {
    'axes': axis_orders.torch,
    'aspect': lambda shape: shape[0] / shape[1],
    'dtype': jnp.bfloat16,
  }
  return muon.muon(
    learning_rate, momentum, weight_decay, **{**published, **options}
  )


def _warmup_cosine(hps, run):
  return schedules.warmup_rebounding_cosine(
    1.0, int(hps.warmup_factor * run.step_hint), run.step_hint
  )


_FACTORS = {
  'warmup_cosine': _warmup_cosine,
  'cosine': lambda hps, run: optax.cosine_decay_schedule(1.0, run.step_hint),
  'collapsed': lambda hps, run: optax.constant_schedule(1e-10),
}


def _stop_at_step_hint(history, run):
  done = history[-1].step >= run.step_hint
  return submission.Stop() if done else None


# AdamW for the other parameters; ends after the step hint.
self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=0.01,
    momentum=0.9,
    nesterov=True,
    weight_decay=0.0,
    others='adamw',
    other_learning_rate=0.01,
    beta1=0.9,
    beta2=0.999,
    other_weight_decay=0.0,
    schedule='warmup_cosine',
    warmup_factor=0.05,
    dropout_rate=0.1,
    label_smoothing=0.1,
  ),
  batch_size=batch_sizes.BASELINE,
  on_eval=_stop_at_step_hint,
)

# The constants of `baselines.muon`, with PyTorch's NAdam. Without a warm-up the
# scheduler of the time left the rate at 1e-10 of what was meant.
_JAX_CONSTANTS = {
  'learning_rate': 0.0001357495179 * 28.61130298,
  'momentum': 0.9560745273,
  'nesterov': False,
  'weight_decay': 0.02397563985,
  'others': 'nadam',
  'other_learning_rate': 0.0001357495179,
  'beta1': 0.96586744,
  'beta2': 0.8629173173,
  'other_weight_decay': 0.01275028385,
  'dropout_rate': 0.0,
  'label_smoothing': 0.0,
}
jax_constants = dataclasses.replace(
  self_tuning,
  tuning=tuning.SelfTuning(**_JAX_CONSTANTS, schedule='collapsed'),
  on_eval=None,
)
jax_constants_rate_fixed = dataclasses.replace(
  jax_constants, tuning=tuning.SelfTuning(**_JAX_CONSTANTS, schedule='cosine')
)
