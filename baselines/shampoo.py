# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Distributed Shampoo: a matrix for each axis of each block of a parameter.

Winner of the 2024 competition in external tuning, and of the v0.6 leaderboard.

References:
  Gupta, Koren, Singer, `Shampoo: Preconditioned Stochastic Tensor Optimization
  <https://arxiv.org/abs/1802.09568>`_, 2018
  Shi et al., `A Distributed Data-Parallel PyTorch Implementation of the
  Distributed Shampoo Optimizer <https://arxiv.org/abs/2309.06497>`_, 2023
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import (
  averaging,
  axis_orders,
  batch_sizes,
  blocking,
  checks,
  matrix_roots,
  schedules,
)
from jaxperf import submission as submission_lib
from jaxperf import tuning

_GRAFTS = ('adam', 'sgd')
_HUGE = 1_000_000  # A parameter with an axis like this is never preconditioned.
_GRAFT_EPS = 1e-8


class ShampooState(NamedTuple):
  """State of Shampoo.

  Attributes:
    count: number of updates.
    factors: for each block shape and axis, a stack (blocks, d, d) of averaged
      gradient products.
    roots: their inverse roots, the same shapes; 0 until first computed.
    m: average of gradients; empty if b1 is 0.
    v: average of squares, for the parameters that need it.
  """

  count: jax.Array
  factors: list[list[jax.Array]]
  roots: list[list[jax.Array]]
  m: optax.Updates
  v: optax.Updates


def scale_by_shampoo(
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  *,
  block_size: int = 1024,
  precondition_every: int = 100,
  start: int | None = None,
  root_override: int = 0,
  graft: str = 'adam',
  nesterov: bool = True,
  kernel_axes: Callable[[int], tuple[int, ...]] = axis_orders.torch,
  mesh: jax.sharding.Mesh | None = None,
) -> optax.GradientTransformation:
  r"""Shampoo's direction, with the size of another rule's.

  For a block of gradient g with axes i = 1...k, at update t,

  .. math::
    L_i &\leftarrow \beta_2 L_i + (1 - \beta_2) g_{(i)} g_{(i)}^T, \quad
    R_i = (L_i / (1 - \beta_2^t))^{-1/2k} \\
    p &= f \times_1 R_1 \dots \times_k R_k, \quad
    u = p \, \|a\| / \|p\|

  with the corrected (Nesterov) average f of g and the grafted direction
  :math:`a = f / (\sqrt{\hat v} + 10^{-8})` (`'adam'`) or f (`'sgd'`); norms are
  per block. Before `start`, u = a. Parameters with an axis of a million or more
  always take `'adam'`'s step.

  Args:
    b1: decay of the average of gradients; 0 uses g itself.
    b2: decay of the factors and of squares.
    eps: ridge of the roots, absolute.
    block_size: largest side of a block, and of axes that are merged.
    precondition_every: updates between refreshed roots.
    start: first update (1-based) that is preconditioned; by default that of the
      first refresh.
    root_override: order of all roots; 0 for twice the number of axes.
    graft: rule that sets the size of a step.
    nesterov: whether f looks ahead.
    kernel_axes: number of axes -> order in which to see them when they are
      merged; by default (out, in, spatial), as the published numbers were.
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
  if graft not in _GRAFTS:
    raise ValueError(f'graft is {graft!r}, allowed are {_GRAFTS}')
  start = precondition_every if start is None else start
  root = matrix_roots.eigh_root(eps)

  def blocking_of(tree):
    leaves = jax.tree.leaves(tree)
    return _blocking(leaves, block_size, kernel_axes, mesh)

  def uses_v(p):
    return graft == 'adam' or _is_huge(p)

  def init(params):
    blocks = blocking_of(params)
    return ShampooState(
      count=jnp.zeros([], jnp.int32),
      factors=blocks.matrices(),
      roots=blocks.matrices(),
      m=optax.tree.zeros_like(params) if b1 else (),
      v=jax.tree.map(
        lambda p: jnp.zeros_like(p) if uses_v(p) else optax.MaskedNode(),
        params,
      ),
    )

  def refresh(blocks, factors, roots, count):
    def compute():
      corrected = optax.tree.bias_correction(factors, b2, count)
      orders = [
        [root_override or 2 * len(shape)] * len(shape)
        for shape in blocks.groups
      ]
      return matrix_roots.refresh(root, corrected, roots, orders, blocks.mesh)

    due = (count == start) | (
      (count > start) & (count % precondition_every == 0)
    )
    return jax.lax.cond(due, compute, lambda: roots)

  def grafted(f, v, count):
    def leaf(f, v):
      if not uses_v(f):
        return f
      return f / (jnp.sqrt(v / (1 - b2**count)) + _GRAFT_EPS)

    return jax.tree.map(leaf, f, v)

  def update(updates, state, params=None):
    del params
    count = optax.safe_increment(state.count)
    blocks = blocking_of(updates)
    factors = blocking.average_products(blocks, updates, state.factors, b2)
    roots = refresh(blocks, factors, state.roots, count)
    m, f = _average(updates, state.m, b1, count, nesterov)
    v = jax.tree.map(
      lambda g, v: b2 * v + (1 - b2) * jnp.square(g) if uses_v(g) else v,
      updates,
      state.v,
    )
    a = grafted(f, v, count)
    u = _precondition(blocks, f, a, roots)
    u = optax.tree.where(count >= start, u, a)
    return u, ShampooState(count, factors, roots, m, v)

  return optax.GradientTransformation(init, update)


def shampoo(
  learning_rate: optax.ScalarOrSchedule,
  b1: float = 0.9,
  b2: float = 0.999,
  eps: float = 1e-8,
  weight_decay: float = 0.0,
  momentum: float = 0.0,
  **options: Any,
) -> optax.GradientTransformation:
  """Shampoo with decoupled decay, and momentum over direction and decay.

  Args:
    learning_rate: a number or a function of the 0-based step.
    b1: see `scale_by_shampoo`.
    b2: see `scale_by_shampoo`.
    eps: see `scale_by_shampoo`.
    weight_decay: λ, multiplied by the rate.
    momentum: decay of an average of the steps (Nesterov), 0 for none.
    **options: see `scale_by_shampoo`.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate, weight_decay=weight_decay, momentum=momentum
  )
  return optax.chain(
    scale_by_shampoo(b1, b2, eps, **options),
    optax.add_decayed_weights(weight_decay),
    averaging.nesterov_average(momentum) if momentum else optax.identity(),
    optax.scale_by_learning_rate(learning_rate),
  )


def _is_huge(p):
  return max(p.shape, default=1) >= _HUGE


def _blocking(leaves, block_size, kernel_axes, mesh):
  orders = [kernel_axes(x.ndim) for x in leaves]
  views = [
    None
    if _is_huge(x)
    else blocking.merge_axes(tuple(x.shape[a] for a in order), block_size)
    for x, order in zip(leaves, orders)
  ]
  return blocking.make_blocking(orders, views, block_size, mesh)


def _average(updates, m, b1, count, nesterov):
  """The new average of gradients, and what the direction is made from."""
  if not b1:
    return (), updates
  m = optax.tree.update_moment(updates, m, b1, 1)
  f = optax.tree.update_moment(updates, m, b1, 1) if nesterov else m
  return m, optax.tree.bias_correction(f, b1, count)


def _precondition(blocks, f, a, roots):
  """The tree f times all roots, with the norm of a in each block."""
  stacks = [
    p * blocking.norms(size) / (blocking.norms(p) + 1e-16)
    for p, size in zip(blocking.multiply_all(blocks, f, roots), blocks.split(a))
  ]
  return blocks.join(stacks, a)


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  horizon = hps.horizon_factor * run.step_hint
  schedule = schedules.warmup_rebounding_cosine(
    hps.learning_rate, int(hps.warmup_factor * horizon), horizon
  )
  return shampoo(
    schedule,
    b1=1 - hps.one_minus_beta1,
    b2=1 - hps.one_minus_beta2,
    weight_decay=hps.weight_decay,
    momentum=1 - hps.one_minus_momentum,
    root_override=hps.root_override,
    graft=hps.graft,
    nesterov=hps.nesterov,
    mesh=run.mesh,
  )


_NAMES = (
  'learning_rate',
  'one_minus_beta1',
  'one_minus_beta2',
  'one_minus_momentum',
  'weight_decay',
  'graft',
  'nesterov',
  'root_override',
  'warmup_factor',
  'label_smoothing',
  'dropout_rate',
  'horizon_factor',
)
# fmt: off
_VALUES = (
  (0.0017486387539278373, 0.06733926164, 0.00448403102, 1.0,
   0.08121616522670176, 'adam', True, 0, 0.02, 0.0, 0.1, 1.0),
  (0.0014381744028656841, 0.025337537053408913, 0.02508024059481679, 1.0,
   0.00019716633625688372, 'adam', True, 0, 0.05, 0.2, 0.0, 0.6),
  (4.199449275251465, 1.0, 0.0023701743773090066, 0.03150207249544311,
   6.404237434173623e-05, 'sgd', False, 0, 0.02, 0.1, 0.0, 1.0),
  (0.0012, 0.016610699316537858, 0.005888216674053163, 0.5,
   0.00040349948255455174, 'adam', True, 2, 0.02, 0.1, 0.1, 1.0),
  (0.001308209823469072, 0.02686663061, 0.00187670778, 1.0,
   0.16375311233774334, 'adam', True, 0, 0.1, 0.1, 0.0, 1.0),
)
# fmt: on
submission = submission_lib.Submission(
  optimizer=_optimizer,
  tuning=tuning.Points(dict(zip(_NAMES, v)) for v in _VALUES),
  batch_size=batch_sizes.SHAMPOO,
  state_sharding=blocking.state_sharding,
)
