# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""CASPR Adaptive: a two-sided preconditioner, one side built after the other.

A submission of the 2024 competition (external tuning, eighth).

References:
  Duvvuri et al., `Combining Axes Preconditioners through Kronecker
  Approximation for Deep Learning
  <https://openreview.net/forum?id=8j9hz8DVi8>`_, 2024
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines import nadamw
from baselines.parts import (
  batch_sizes,
  blocking,
  checks,
  matrix_roots,
  schedules,
)
from jaxperf import submission as submission_lib

_MAX_SIDE = 40_000  # A larger matrix is not preconditioned.
_TRACE_SCALE = 1024


class CasprState(NamedTuple):
  """State of CASPR: that of Nadam, and stacks of matrices per block shape.

  Attributes:
    nadam: averages of g and g^2.
    factors: for each block shape, the statistics (L, R), (blocks, d, d) each.
    previous_factors: L when its root was last computed.
    roots: the inverse roots of L and R.
  """

  nadam: nadamw.NadamState
  factors: list[list[jax.Array]]
  previous_factors: list[jax.Array]
  roots: list[list[jax.Array]]


def scale_by_caspr(
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-6,
  *,
  block_size: int = 1024,
  precondition_every: int = 20,
  start: int = 101,
  mesh: jax.sharding.Mesh | None = None,
) -> optax.GradientTransformation:
  r"""CASPR's direction, with the size of Nadam's.

  For a block G of M rows, with Nadam's averages,

  .. math::
    L &\leftarrow \beta_2 L + (1 - \beta_2) G G^T, \quad Y = G^T P_L \\
    R &\leftarrow \beta_2 \kappa R + (1 - \beta_2) Y Y^T / M \\
    P_L &= L^{-1/2}, \quad P_R = R^{-1/2}, \quad q = P_L \hat m P_R, \quad
    u = a \text{'s norm times } q / \|q\|

  where a is Nadam's direction and norms are per parameter. On the update after
  a refresh, R is rescaled by κ, how far the L before is from what its root
  whitens; otherwise κ = 1. Parameters with less than two axes keep to a.

  Args:
    b1: decay of the average of gradients.
    b2: decay of squares and statistics.
    eps: start of the statistics, as a multiple of I, and ridge of the roots,
      relative to the largest eigenvalue.
    block_size: largest side of a block.
    precondition_every: updates between refreshed roots.
    start: last update (1-based) that is not preconditioned.
    mesh: whose devices share blocks and roots, or None.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    b1=b1,
    b2=b2,
    eps=eps,
    block_size=block_size,
    precondition_every=precondition_every,
  )
  newton = matrix_roots.newton_root(eps)

  def blocking_of(tree):
    leaves = jax.tree.leaves(tree)
    orders = [tuple(range(x.ndim)) for x in leaves]
    views = [_matrix_view(x.shape) for x in leaves]
    return blocking.make_blocking(orders, views, block_size, mesh)

  def init(params):
    blocks = blocking_of(params)
    small, large = blocks.matrices(eps), blocks.matrices(1.0)
    return CasprState(
      nadam=nadamw.scale_by_nadam().init(params),
      factors=[[left, right] for (left, _), (_, right) in zip(small, large)],
      previous_factors=[jnp.copy(left) for left, _ in small],
      roots=blocks.matrices(1.0),
    )

  def update(updates, state, params=None):
    del params
    m_hat, v_hat, nadam = nadamw.nadam_moments(updates, state.nadam, b1, b2)
    a = jax.tree.map(lambda m, v: m / (jnp.sqrt(v) + 1e-8), m_hat, v_hat)
    blocks = blocking_of(updates)
    refreshed = jnp.maximum(nadam.count - 1, 1) % precondition_every == 0
    kappas = jax.lax.cond(
      refreshed,
      lambda: [
        _rescaling(old, roots[0], eps)
        for old, roots in zip(state.previous_factors, state.roots)
      ],
      lambda: [jnp.ones(len(old)) for old in state.previous_factors],
    )
    stacks = blocks.split(updates)
    factors = [
      _average_products(stack, *matrices, roots[0], kappa, b2)
      for stack, matrices, roots, kappa in zip(
        stacks, state.factors, state.roots, kappas
      )
    ]
    previous = [
      jnp.where(refreshed, left, old)
      for (left, _), old in zip(state.factors, state.previous_factors)
    ]
    roots = jax.lax.cond(
      nadam.count % precondition_every == 0,
      lambda: matrix_roots.refresh(
        _scaled(newton),
        factors,
        state.roots,
        jax.tree.map(lambda _: 2, factors),
        blocks.mesh,
      ),
      lambda: state.roots,
    )
    q = blocks.join(blocking.multiply_all(blocks, m_hat, roots), m_hat)

    def graft(q, a):
      if _matrix_view(q.shape) is None:
        return a
      size = jnp.linalg.norm(a) / jnp.linalg.norm(q)
      return jnp.where(nadam.count > start, q * size, a)

    u = jax.tree.map(graft, q, a)
    return u, CasprState(nadam, factors, previous, roots)

  return optax.GradientTransformation(init, update)


def caspr(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-6,
  weight_decay: float = 0.0,
  **options,
) -> optax.GradientTransformation:
  """CASPR with decoupled weight decay; see `scale_by_caspr`."""
  checks.validate(learning_rate=learning_rate, weight_decay=weight_decay)
  return optax.chain(
    scale_by_caspr(b1, b2, eps, **options),
    optax.add_decayed_weights(weight_decay),
    optax.scale_by_learning_rate(learning_rate),
  )


def nested_cosine(
  peak: float, warmup_factor: float, horizon: float
) -> optax.Schedule:
  """Warm-up and three cosines to 0, at 0.536, 0.75 and 1 of the horizon.

  The second and third start at the rate that one cosine over the whole horizon
  has there.

  Args:
    peak: the largest rate.
    warmup_factor: warm-up as a part of the first stage.
    horizon: end of the last stage.

  >>> rate = nested_cosine(1.0, warmup_factor=0.1, horizon=100)
  >>> [round(float(rate(step)), 2) for step in (0, 5, 53, 54, 74, 75, 99)]
  [0.0, 1.0, 0.0, 0.52, 0.0, 0.18, 0.0]
  """
  first, second = 0.53571619898 * horizon, 0.75 * horizon
  warmup_steps = int(warmup_factor * first)
  outer = schedules.warmup_cosine(peak, int(warmup_factor * horizon), horizon)
  stages = [
    optax.linear_schedule(0.0, peak, max(warmup_steps, 1)),
    optax.cosine_decay_schedule(peak, max(first - warmup_steps, 1)),
    optax.cosine_decay_schedule(outer(first), second - first),
    optax.cosine_decay_schedule(outer(second), horizon - second),
  ]
  return optax.join_schedules(stages, [warmup_steps, first, second])


def _matrix_view(shape):
  """The matrix that an array is seen as, or None."""
  if len(shape) > 4:
    raise ValueError(f'CASPR takes arrays of up to 4 axes, got shape {shape}')
  if len(shape) < 2:
    return None
  if len(shape) == 3 and shape[1] < shape[0]:
    matrix = (shape[0], shape[1] * shape[2])
  else:
    matrix = (math.prod(shape[:-1]), shape[-1])
  return matrix if max(matrix) <= _MAX_SIDE else None


def _average_products(stack, left, right, root_left, kappa, b2):
  """L and R after one more gradient."""
  rows = stack.shape[1]
  whitened = blocking.multiply(stack, root_left, 0)
  return [
    b2 * left + (1 - b2) * blocking.gram(stack, 0),
    b2 * kappa[:, None, None] * right
    + (1 - b2) * blocking.gram(whitened, 1) / rows,
  ]


def _rescaling(left, root, eps):
  """κ = <P, (L + ridge) P> / M for each block; (blocks,)."""
  d = left.shape[-1]
  scale = jnp.trace(left, axis1=1, axis2=2) + 1e-30
  largest = jax.vmap(matrix_roots.largest_eigenvalue)(
    left / scale[:, None, None]
  )
  ridge = eps * largest * scale
  left = left + ridge[:, None, None] * jnp.eye(d)
  product = blocking.multiply(root, left, 0)
  return jnp.maximum(0.0, jnp.sum(root * product, (1, 2))) / d


def _scaled(root):
  """A root that first brings the matrices to a common size."""

  def scaled(matrices, previous, order):
    trace = jnp.trace(matrices, axis1=1, axis2=2)[:, None, None]
    scale = trace / _TRACE_SCALE + 1e-30
    size = scale ** (-1 / order)
    return size * root(matrices / scale, previous / size, order)

  return scaled


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  return caspr(
    nested_cosine(hps.learning_rate, hps.warmup_factor, run.step_hint),
    b1=1 - hps.one_minus_beta1,
    b2=hps.beta2,
    weight_decay=hps.weight_decay,
    mesh=run.mesh,
  )


submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=nadamw.BASELINE_POINTS,
  batch_size=batch_sizes.PLAIN,
  state_sharding=blocking.state_sharding,
)
