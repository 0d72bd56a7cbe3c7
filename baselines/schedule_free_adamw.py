# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Schedule-Free AdamW: averages the iterates instead of lowering the rate.

Winner of the 2024 competition in self-tuning, second in external tuning.

References:
  Defazio et al., `The Road Less Scheduled
  <https://arxiv.org/abs/2405.15682>`_, 2024
"""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, leafwise, rounding, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


class ScheduleFreeState(NamedTuple):
  """Scalars, and the iterate z and average of squares v of each parameter."""

  count: jax.Array
  weight_sum: jax.Array
  max_rate: jax.Array
  b1: jax.Array
  z: optax.Params
  v: optax.Updates


def schedule_free_adamw(
  learning_rate: optax.Schedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
  *,
  averaging_power: float = 0.75,
  decay_at_average: bool = True,
  state_dtype: Any = jnp.bfloat16,
) -> optax.GradientTransformation:
  r"""Schedule-Free AdamW; the trained parameters are y, `eval_params` gives x.

  With :math:`\alpha = \eta \sqrt{1 - \beta_2^{k+1}}` and
  :math:`w = (k + 1)^r \max_{j \le k} \eta_j^2`, from k = 0 and x = z,

  .. math::
    v &\leftarrow \beta_2 v + (1 - \beta_2) g(y)^2 \\
    z &\leftarrow z - \alpha g / (\sqrt{v} + \epsilon) - \alpha \lambda x \\
    x &\leftarrow x + (z - x) w / \textstyle\sum w \\
    y &\leftarrow x + (1 - \beta_1) (z - x)

  `optax.contrib.schedule_free_adamw` has another warm-up, corrects ε too,
  decays at y and has r = 0.

  Args:
    learning_rate: function of the 0-based step; usually never falls.
    b1: how far y is from z towards x, in (0, 1).
    b2: decay of the average of squares.
    eps: added to the root of v.
    weight_decay: λ.
    averaging_power: r.
    decay_at_average: whether λ multiplies x (first version) or y (second).
    state_dtype: of v. bfloat16, as published, rounds after each operation.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(interpolation=b1, b2=b2, eps=eps, weight_decay=weight_decay)

  def init(params):
    return ScheduleFreeState(
      count=jnp.zeros([], jnp.int32),
      weight_sum=jnp.zeros([]),
      max_rate=jnp.zeros([]),
      b1=jnp.asarray(b1),
      z=jax.tree.map(jnp.copy, params),
      v=optax.tree.zeros_like(params, dtype=state_dtype),
    )

  def update(updates, state, params):
    count = optax.safe_increment(state.count)
    rate = jnp.maximum(learning_rate(state.count), 1e-8)
    max_rate = jnp.maximum(state.max_rate, rate)
    weight = count**averaging_power * max_rate**2
    weight_sum = state.weight_sum + weight
    alpha = rate * jnp.sqrt(1 - b2**count)

    def leaf(g, y, z, v):
      x = y + (1 - 1 / b1) * (z - y)
      v = rounding.average_square(v, g, b2, state_dtype)
      root = rounding.round_to(jnp.sqrt(v), state_dtype)
      z = z - alpha * g / rounding.round_to(root + eps, state_dtype)
      z = z - alpha * weight_decay * (x if decay_at_average else y)
      x = x + (weight / weight_sum) * (z - x)
      return x + (1 - b1) * (z - x) - y, z, v.astype(state_dtype)

    step, z, v = leafwise.map_leaves(leaf, updates, params, state.z, state.v)
    return step, ScheduleFreeState(count, weight_sum, max_rate, state.b1, z, v)

  return optax.GradientTransformation(init, update)


def eval_params(opt_state, params, model_state):
  """The average (y - (1 - β1) z) / β1, for a state that has `b1` and `z`."""
  x = optax.contrib.schedule_free_eval_params(opt_state, params)
  return x, model_state


def optimizer(hps, run, *, warmup_of: float, **options):
  """Schedule-Free AdamW with a constant rate, from one tuning point.

  Args:
    hps: a tuning point.
    run: of which the step hint is used.
    warmup_of: the part of the step hint that `warmup_factor` is relative to.
    **options: of `schedule_free_adamw`.
  """
  checks.validate(**vars(hps))
  return schedule_free_adamw(
    schedules.warmup_constant(
      hps.learning_rate, int(hps.warmup_factor * run.step_hint * warmup_of)
    ),
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
    **options,
  )


SELF_TUNING = tuning.SelfTuning(
  learning_rate=0.0025,
  one_minus_beta1=0.1,
  beta2=0.9955159689799007,
  weight_decay=0.08121616522670176,
  warmup_factor=0.02,
  label_smoothing=0.2,
)


def stalled(history, run) -> bool:
  """Whether the last evaluations show no progress since the first.

  Past a tenth of the step hint, and with four evaluations or more: the last
  metric gains less than 0.01 on the first, and so do each of the last three on
  the one before.
  """
  if len(history) < 4 or history[-1].step <= 0.1 * run.step_hint:
    return False
  sign = -1 if run.minimize else 1
  first, *_ = values = [sign * e.target_metric for e in history]
  recent = values[-4:]
  gains = [b - a for a, b in itertools.pairwise(recent)]
  return all(gain < 0.01 for gain in (recent[-1] - first, *gains))


def reset_when_stalled(history, run):
  """Starts afresh, at half the rate, whenever training has stalled.

  The published test runs at every new evaluation; running statistics survive.
  """
  if not stalled(history, run):
    return None
  resets = sum(stalled(history[:n], run) for n in range(1, len(history) + 1))
  rate = SELF_TUNING.constants['learning_rate'] * 0.5**resets
  return submission_lib.Restart({'learning_rate': rate}, False)


_NAMES = (
  'learning_rate',
  'one_minus_beta1',
  'beta2',
  'weight_decay',
  'warmup_factor',
  'label_smoothing',
  'dropout_rate',
)
_VALUES = (
  (0.004, 0.1, 0.9955, 0.08, 0.02, 0.4, 0.1),
  (0.003, 0.1, 0.9955, 0.08, 0.02, 0.2, 0.0),
  (0.002, 0.1, 0.9955, 0.08, 0.02, 0.2, 0.0),
  (0.005, 0.1, 0.62918, 0.08, 0.02, 0.4, 0.0),
  (0.001, 0.1, 0.9955, 0.08, 0.02, 0.2, 0.0),
)
submission = submission_lib.Submission(
  optimizer=functools.partial(optimizer, warmup_of=1.0),
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.SCHEDULE_FREE,
  eval_params=eval_params,
)
self_tuning = submission_lib.Submission(
  optimizer=functools.partial(optimizer, warmup_of=0.75),
  tuning=SELF_TUNING,
  batch_size=batch_sizes.SCHEDULE_FREE,
  eval_params=eval_params,
  on_eval=reset_when_stalled,
)
