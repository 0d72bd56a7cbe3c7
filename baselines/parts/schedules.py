# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Learning-rate schedules of the published submissions: step -> rate.

All are functions of the 0-based step, for `optax.scale_by_learning_rate`.
They differ in small things that matter: whether the first update has rate 0,
and what happens after the horizon.

Most examples have peak 1, two steps of warm-up and a horizon of six.
"""

from __future__ import annotations

import jax.numpy as jnp
import optax

_FLOOR = 1e-10  # Where two of the schedules begin or end, instead of 0.


def warmup_cosine(
  peak: float, warmup_steps: int, horizon: float
) -> optax.Schedule:
  r"""Linear from 0, then a cosine to 0, which stays.

  .. math:: \eta_s = \eta s / W \ (s < W), \quad
    \tfrac{\eta}{2} (1 + \cos(\pi \min(s - W, C) / C)), \ C = \max(H - W, 1)

  The first update has rate 0 if there is a warm-up.

  Args:
    peak: the largest rate.
    warmup_steps: W, steps of warm-up.
    horizon: H, the step at which the rate is 0.

  >>> rate = warmup_cosine(1.0, 2, 6)
  >>> [round(float(rate(step)), 2) for step in range(8)]
  [0.0, 0.5, 1.0, 0.85, 0.5, 0.15, 0.0, 0.0]
  """
  cosine = optax.cosine_decay_schedule(peak, max(horizon - warmup_steps, 1))
  return _after_warmup(peak, warmup_steps, cosine)


def warmup_linear(
  peak: float,
  warmup_steps: int,
  horizon: int,
  decay_steps_factor: float,
  end_factor: float,
) -> optax.Schedule:
  """Linear from 0, then linear to `peak * end_factor`, which stays.

  Args:
    peak: the largest rate.
    warmup_steps: steps of warm-up.
    horizon: steps of warm-up, decay and the constant rest.
    decay_steps_factor: part of the steps after warm-up that decay.
    end_factor: last rate as a fraction of the peak.

  >>> rate = warmup_linear(1.0, 2, 6, decay_steps_factor=0.5, end_factor=0.2)
  >>> [round(float(rate(step)), 2) for step in range(8)]
  [0.0, 0.5, 1.0, 0.6, 0.2, 0.2, 0.2, 0.2]
  """
  decay_steps = int((horizon - warmup_steps) * decay_steps_factor)
  decay = optax.linear_schedule(peak, peak * end_factor, max(decay_steps, 1))
  return _after_warmup(peak, warmup_steps, decay)


def warmup_rebounding_cosine(
  peak: float, warmup_steps: int, horizon: float
) -> optax.Schedule:
  """Like `warmup_cosine`, but from 1e-10 and never clamped.

  After the horizon the cosine goes on, so the rate climbs back to the peak: the
  behaviour of a sequence of schedulers in PyTorch.

  Args:
    peak: the largest rate.
    warmup_steps: steps of warm-up.
    horizon: step of the first minimum; may be fractional.

  >>> rate = warmup_rebounding_cosine(1.0, 2, 6)
  >>> [round(float(rate(step)), 2) for step in range(8)]
  [0.0, 0.5, 1.0, 0.85, 0.5, 0.15, 0.0, 0.15]
  """
  period = horizon - warmup_steps

  def schedule(step):
    rise = _FLOOR + (1 - _FLOOR) * step / max(warmup_steps, 1)
    angle = jnp.pi * (step - warmup_steps) / period
    fall = 0.5 * (1 + jnp.cos(angle))
    return peak * jnp.where(step < warmup_steps, rise, fall)

  return schedule


def peak_first_cyclic_cosine(
  peak: float, warmup_steps: int, horizon: int, cycles: int = 1
) -> optax.Schedule:
  """Cycles of linear warm-up and cosine, each `horizon / cycles` long.

  The published loop writes the rate after the update, so the first update of
  the run has the full peak rate. Each cycle has the whole warm-up.

  Args:
    peak: the largest rate.
    warmup_steps: steps of warm-up in every cycle.
    horizon: steps of all cycles; afterwards the rate is 1e-10.
    cycles: how many.

  >>> rate = peak_first_cyclic_cosine(1.0, 2, 6)
  >>> [round(float(rate(step)), 2) for step in range(8)]
  [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 0.0, 0.0]
  """
  period = horizon / cycles

  def schedule(step):
    rate = jnp.asarray(_FLOOR, jnp.float32)
    for cycle in reversed(range(cycles)):
      k = step - cycle * period
      rise = _FLOOR + (peak - _FLOOR) * k / max(warmup_steps, 1)
      angle = jnp.pi * (k - warmup_steps) / (period - warmup_steps)
      fall = _FLOOR + 0.5 * (peak - _FLOOR) * (1 + jnp.cos(angle))
      inside = jnp.where(k <= warmup_steps, rise, fall)
      rate = jnp.where(k <= period, inside, rate)
    return jnp.where(step == 0, peak, rate)

  return schedule


def warmup_constant(peak: float, warmup_steps: int) -> optax.Schedule:
  """`peak * min((step + 1) / warmup_steps, 1)`, so the first rate is not 0.

  >>> rate = warmup_constant(1.0, 2)
  >>> [float(rate(step)) for step in range(4)]
  [0.5, 1.0, 1.0, 1.0]
  """

  def schedule(step):
    if warmup_steps == 0:
      return jnp.asarray(peak, jnp.float32)
    return peak * jnp.minimum((step + 1) / warmup_steps, 1.0)

  return schedule


def _after_warmup(peak, warmup_steps, schedule):
  """Puts a linear warm-up from 0 before a schedule."""
  if warmup_steps == 0:
    return schedule
  warmup = optax.linear_schedule(0.0, peak, warmup_steps)
  return optax.join_schedules([warmup, schedule], [warmup_steps])
