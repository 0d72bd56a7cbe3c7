# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Adafactor with momentum, as in the PAX library.

References:
  Shazeer and Stern, `Adafactor: Adaptive Learning Rates with Sublinear Memory
  Cost <https://arxiv.org/abs/1804.04235>`_, 2018
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission as submission_lib
from jaxperf import tuning


class Quantized(NamedTuple):
  """int8 values, and one scale for each column (all axes but the first)."""

  values: jax.Array
  scale: jax.Array


class Factors(NamedTuple):
  """Averages of g^2 over the last axis (`row`) and the second last (`column`).

  Arrays with less than two axes have the whole average in `row`; `column` is
  empty.
  """

  row: jax.Array
  column: jax.Array | tuple[()]


class AdafactorState(NamedTuple):
  """Number of updates, a tree of `Factors`, and momentum."""

  count: jax.Array
  factors: optax.Updates
  momentum: optax.Updates


def adafactor(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.99,
  weight_decay: float = 0.0,
  momentum_dtype: Any = jnp.int8,
) -> optax.GradientTransformation:
  r"""Factored second moments, a clipped step and momentum over the step.

  With :math:`G = g^2 + 10^{-30}` and
  :math:`\beta_{2,t} = \beta_2 (1 - \beta_2^{t-1}) / (1 - \beta_2^t)`, the last
  two axes of G are averaged to row and column means r and c,

  .. math::
    x &= g / \sqrt{r / \mathrm{mean}(r)} / \sqrt{c} \\
    x &\leftarrow x / \max(1, \mathrm{rms}(x)) \\
    m &\leftarrow \beta_1 m + (1 - \beta_1) \eta x \\
    \theta &\leftarrow \theta - m - \eta \lambda \theta

  `optax.adafactor` has another decay, factors other axes, multiplies the step
  by the parameter's scale and the decay not by the rate.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: decay of the momentum.
    b2: limit of the decay of second moments.
    weight_decay: λ, multiplied by the rate.
    momentum_dtype: int8 carries m, of arrays with axes, rounded to 127 steps
      a column; float32 does not.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate, b1=b1, b2=b2, weight_decay=weight_decay
  )
  if jnp.dtype(momentum_dtype) not in (jnp.int8, jnp.float32):
    raise ValueError(
      f'momentum_dtype is {momentum_dtype}, allowed are int8 and float32'
    )
  rate = learning_rate if callable(learning_rate) else lambda _: learning_rate
  int8 = jnp.dtype(momentum_dtype) == jnp.int8

  def store(m):
    return _quantize(m) if int8 and m.ndim else m

  def init(params):
    # XLA takes minutes to quantize zeros, since it evaluates constants itself.
    momentum = jax.eval_shape(lambda p: jax.tree.map(store, p), params)
    return AdafactorState(
      jnp.zeros([], jnp.int32),
      jax.tree.map(_zero_factors, params),
      optax.tree.zeros_like(momentum),
    )

  def update(updates, state, params):
    eta = rate(state.count)
    count = optax.safe_increment(state.count)
    decay = b2 * (1 - b2**state.count) / (1 - b2**count)
    factors = jax.tree.map(
      lambda g, f: _average(g, f, decay), updates, state.factors
    )
    x = jax.tree.map(_precondition, updates, factors)
    m = jax.tree.map(
      lambda x, m: b1 * _load(m) + (1 - b1) * eta * x, x, state.momentum
    )
    step = jax.tree.map(lambda m, p: -m - eta * weight_decay * p, m, params)
    return step, AdafactorState(count, factors, jax.tree.map(store, m))

  return optax.GradientTransformation(init, update)


def _zero_factors(p):
  if p.ndim < 2:
    return Factors(jnp.zeros_like(p), ())
  return Factors(jnp.zeros_like(p[..., 0]), jnp.zeros_like(p[..., 0, :]))


def _average(g, factors, decay):
  square = jnp.square(g) + 1e-30
  if g.ndim < 2:
    return Factors(decay * factors.row + (1 - decay) * square, ())
  return Factors(
    decay * factors.row + (1 - decay) * square.mean(-1),
    decay * factors.column + (1 - decay) * square.mean(-2),
  )


def _precondition(g, factors):
  row, column = factors
  if g.ndim < 2:
    x = g / jnp.sqrt(row)
  else:
    row = row / row.mean(-1, keepdims=True)
    x = g / jnp.sqrt(row)[..., None] / jnp.sqrt(column)[..., None, :]
  return x / jnp.maximum(1.0, jnp.sqrt(jnp.mean(jnp.square(x))))


def _quantize(m):
  scale = jnp.abs(m).max(0) / 127
  values = jnp.round(m / jnp.where(scale > 0, scale, 1.0))
  return Quantized(values.astype(jnp.int8), scale)


def _load(m):
  if isinstance(m, Quantized):
    return m.values.astype(m.scale.dtype) * m.scale
  return m


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, int(hps.warmup_factor * run.step_hint), run.step_hint
  )
  return adafactor(
    schedule, b1=1 - hps.one_minus_beta1, weight_decay=hps.weight_decay
  )


# The search spaces of the benchmark paper.
_PAPER = {
  'learning_rate': tuning.Range(1e-4, 1e-2, 'log'),
  'one_minus_beta1': tuning.Range(1e-2, 0.45, 'log'),
  'weight_decay': tuning.Range(1e-3, 1.0, 'log'),
  'warmup_factor': 0.05,
  'label_smoothing': tuning.Choice((0.1, 0.2)),
  'dropout_rate': tuning.Choice((0.0, 0.1)),
}
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.SearchSpace(**_PAPER),
  batch_size=batch_sizes.BASELINE,
)
paper_fixed_beta1 = dataclasses.replace(
  submission,
  tuning=tuning.SearchSpace(**{**_PAPER, 'one_minus_beta1': 0.1}),
)
