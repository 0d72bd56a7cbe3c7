# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Amos: decay and step size from the expected scale of each parameter.

A submission of the 2024 competition (external tuning, seventh).

References:
  Tian and Parikh, `Amos: An Adam-style Optimizer with Adaptive Weight Decay
  towards Model-Oriented Scale <https://arxiv.org/abs/2210.11693>`_, 2022
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from baselines.parts import batch_sizes, checks, leafwise
from jaxperf import submission as submission_lib
from jaxperf import tuning

_TINY = float(np.finfo(np.float32).tiny)
_STYLES = ('adam', 'reduced')


@dataclasses.dataclass(frozen=True)
class Scale:
  """What Amos assumes about one parameter.

  Attributes:
    reduced_shape: shape of its reduced state: 1 in the axes that are averaged,
      `()` for all axes.
    eta: expected scale of its entries after training.
  """

  reduced_shape: tuple[int, ...]
  eta: float


class AmosState(NamedTuple):
  """Number of updates, decay state b, momentum m, (reduced) squares v."""

  count: jax.Array
  b: optax.Updates
  m: optax.Updates
  v: optax.Updates


def amos(
  scales: Any,
  xi: float,
  warmup_steps: float,
  b1: float = 0.9,
  b2: float = 0.999,
  l2: float = 0.0,
  style: str = 'adam',
) -> optax.GradientTransformation:
  r"""Amos, in its two styles.

  Style `'adam'` clips outliers of g against the last v, averages g and g^2,
  and steps along :math:`\tilde g = m / \sqrt{\hat v}`; its state b has the
  reduced shape. Style `'reduced'` keeps v in the reduced shape, a scalar b, and
  averages the step itself instead of g. Both then follow `_step`. The rate is
  :math:`\xi \min(t / W, 1)` at the 1-based update t; there is no other schedule
  and no other weight decay.

  Args:
    scales: tree of `Scale`, the structure of the parameters.
    xi: ξ, relative step size.
    warmup_steps: W.
    b1: decay of the momentum.
    b2: decay of the average of squares.
    l2: strength of the correction for far-off scales.
    style: `'adam'` or `'reduced'`.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(xi=xi, b1=b1, b2=b2, l2=l2)
  if style not in _STYLES:
    raise ValueError(f'style is {style!r}, allowed are {_STYLES}')
  leaf_rule = _adam_leaf if style == 'adam' else _reduced_leaf

  def init(params):
    def zeros(p, scale):
      reduced = jnp.zeros(scale.reduced_shape, p.dtype)
      if style == 'adam':
        return reduced, jnp.zeros_like(p), jnp.zeros_like(p)
      return jnp.zeros([], p.dtype), jnp.zeros_like(p), reduced

    b, m, v = leafwise.map_leaves(zeros, params, scales)
    return AmosState(jnp.zeros([], jnp.int32), b, m, v)

  def update(updates, state, params):
    count = optax.safe_increment(state.count)
    rate = xi * jnp.minimum(count / warmup_steps, 1.0)
    # Scale of the sum v before and after this update; nothing yet at t = 1.
    before = (1 - b2) / jnp.where(count > 1, 1 - b2**state.count, 1.0)
    after = (1 - b2) / (1 - b2**count)

    def leaf(g, p, b, m, v, scale):
      g, square = _clip_outliers(g, before * v, b2)
      return leaf_rule(g, square, p, b, m, v, scale, b1, b2, after, rate, l2)

    step, b, m, v = leafwise.map_leaves(
      leaf, updates, params, state.b, state.m, state.v, scales
    )
    return step, AmosState(count, b, m, v)

  return optax.GradientTransformation(init, update)


def _adam_leaf(g, square, p, b, m, v, scale, b1, b2, after, rate, l2):
  m = b1 * m + (1 - b1) * g
  v = b2 * v + square
  v_hat = after * v
  direction = m / jnp.sqrt(jnp.maximum(v_hat, _TINY))
  size = (1 + b1) / (1 - b1) * _mean(jnp.square(m), scale)
  size = size / jnp.maximum(_mean(v_hat, scale), _TINY)
  step, b = _step(direction, size, p, b, scale, rate, l2, adaptive=True)
  return step, b, m, v


def _reduced_leaf(g, square, p, b, m, v, scale, b1, b2, after, rate, l2):
  square = _mean(square, scale)
  v = b2 * v + square
  v_hat = jnp.maximum(after * v, _TINY)
  direction, size = g / jnp.sqrt(v_hat), square / v_hat
  step, b = _step(direction, size, p, b, scale, rate, l2, adaptive=False)
  m = b1 * m + (1 - b1) * step
  return m, b, m, v


def _clip_outliers(g, v, b2):
  """The gradient and its square, limited to what v could have become alone."""
  square = jnp.square(g)
  excess = square * (1 - b2) / jnp.where(v > 0, v, 1.0)
  ratio = jnp.where(v > 0, jnp.maximum(1.0, excess), 1.0)
  return g / jnp.sqrt(ratio), square / ratio


def _mean(x, scale):
  """The mean over the axes that the reduced shape drops."""
  if not scale.reduced_shape:
    return x.mean()
  axes = tuple(a for a, n in enumerate(scale.reduced_shape) if n == 1)
  return x.mean(axes, keepdims=True)


def _step(direction, size, p, b, scale, rate, l2, *, adaptive):
  r"""The change of θ and the next b, from :math:`\tilde g` and its size g2.

  With n the root of the number of averaged entries, τ = τ(n) and s = √(1 + b),

  .. math::
    A &= 1 + \lambda ((1 + \tau / 2)^2 - 1)^2, \quad
    B = 1 + \lambda b^2, \quad X = \xi^2 / \max(g_2, s) \\
    V &= (2 s / (1 + \sqrt{1 + 2 s / (2 + \tau)}))^2 - 1, \quad
    R = (1 + \lambda b V) / (1 + \lambda B / A) \\
    \Delta &= \frac{-X / 2 \, (A g_2 / B + \lambda) \theta
      - \eta \xi \tilde g}{1 + \eta s R V}, \quad
    b \leftarrow b + X (g_2 / n + b)

  Not adaptive: X = ξ^2 / s and 1 in place of g2 in the last formula.
  """
  n = math.sqrt(p.size / math.prod(scale.reduced_shape))
  tau = _tau(n)
  a = 1 + l2 * ((1 + tau / 2) ** 2 - 1) ** 2
  s = jnp.sqrt(1 + b)
  x = rate**2 / (jnp.maximum(size, s) if adaptive else s)
  grown = x * ((size if adaptive else 1.0) / n + b)
  beta = 1 + l2 * b**2
  decay = -0.5 * x * (a / beta * size + l2)
  v = (2 * s / (1 + jnp.sqrt(1 + 2 * s / (2 + tau)))) ** 2 - 1
  r = (1 + l2 * b * v) / (1 + l2 * beta / a)
  step = decay * p - scale.eta * rate * direction
  return step / (1 + scale.eta * s * r * v), b + grown


def _tau(n: float) -> float:
  q = math.sqrt(1 - 1 / n)
  return q * math.log(n * (1 + q) ** 2)


def published_scale(
  path: tuple[str, ...], shape: tuple[int, ...], override: float = -1
) -> Scale:
  """The scale that the submission assumes, by the names in a parameter's path.

  Args:
    path: names from the root.
    shape: of the parameter.
    override: scale of weights, biases and embeddings, unless -1.
  """
  *parents, leaf = [name.lower() for name in path]
  parent = '/'.join(parents)
  free = override != -1
  bias = Scale((), override if free else 0.5)
  weight = Scale((), override if free else math.sqrt(2 / (*shape, 1)[0]))

  if any(name in parent for name in ('batchnorm', 'bn', 'layernorm', 'ln')):
    return Scale((), 1.0 if 'scale' in leaf else 0.5)
  if 'conv' in parent:
    return bias if 'bias' in leaf else _fan_in_scale(shape)
  if 'embedding' in leaf or ('embedding' in parent and leaf == 'kernel'):
    reduced_shape = (shape[0], *[1] * (len(shape) - 1))
    return Scale(reduced_shape, override if free else 1.0)
  if 'attention' in parent and 'scale' not in leaf:
    return _attention_scale(parents[-1], leaf, shape, weight)
  return bias if 'bias' in leaf else weight


def _fan_in_scale(shape):
  return Scale((), math.sqrt(1 / math.prod(shape[:-1])))


def _attention_scale(parent, leaf, shape, weight):
  if 'bias' in leaf:
    return Scale((), 0.5)
  inputs = any(name in parent for name in ('query', 'key', 'value'))
  if inputs or 'in_proj_weight' in leaf:
    return Scale((1, shape[1], 1)[: len(shape)], math.sqrt(1 / shape[0]))
  return _fan_in_scale(shape) if 'out' in parent else weight


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  scales = jax.tree.map(
    lambda info: published_scale(info.path, info.shape, hps.eta_overrides),
    run.params,
  )
  averaged = [
    math.prod(info.shape) // math.prod(scale.reduced_shape)
    for info, scale in zip(jax.tree.leaves(run.params), jax.tree.leaves(scales))
  ]
  warmup_steps = hps.warmup_factor * run.step_hint
  steps = run.step_hint - 2 / 3 * warmup_steps
  progress = _tau(math.sqrt(max(averaged))) + math.sqrt(2) - 1
  rule = amos(
    scales,
    xi=math.sqrt(2 * progress / (hps.converge * steps)),
    warmup_steps=warmup_steps,
    b1=hps.beta1,
    b2=hps.beta2,
    l2=hps.l2,
    style=hps.style,
  )
  return optax.chain(optax.clip_by_global_norm(1.0), rule)


_NAMES = (
  'style',
  'beta1',
  'beta2',
  'converge',
  'l2',
  'warmup_factor',
  'eta_overrides',
  'dropout_rate',
  'aux_dropout_rate',
  'label_smoothing',
)
_VALUES = (
  ('reduced', 0.9, 0.98, 0.65, 0.012, 0.02, -1, 0.0, 0.0, 0.1),
  ('adam', 0.95, 0.999, 0.75, 0.002, 0.02, 0.062, 0.1, 0.1, 0.0),
  ('adam', 0.95, 0.995, 0.65, 0.001, 0.03, -1, 0.1, 0.1, 0.2),
  ('adam', 0.95, 0.999, 0.65, 0.0028, 0.02, -1, 0.0, 0.0, 0.2),
  ('adam', 0.95, 0.999, 0.75, 0.007, 0.02, -1, 0.1, 0.1, 0.0),
)
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.BASELINE,
)
