# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Inverse roots of many symmetric matrices, shared out over the devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

PyTree = Any
# (matrices, previous roots, order) -> roots; batched over the first axis.
Root = Callable[[jax.Array, jax.Array, float], jax.Array]

_ITERATIONS = 100
_TOLERANCE = 1e-6
_GROWTH = 1.2  # Of the error in one iteration, before it counts as lost.
_ATTEMPTS = 6
_GOOD_ENOUGH = 0.05


def refresh(
  root: Root,
  matrices: PyTree,
  previous: PyTree,
  orders: PyTree,
  mesh: Mesh | None = None,
) -> PyTree:
  """New inverse roots of stacks of matrices.

  All matrices of one size and order are batched, whichever stack they are in.
  With a mesh, each device computes the roots of its share of every stack.

  Args:
    root: computes a batch.
    matrices: tree of stacks (n, d, d); with a mesh, split over its devices.
    previous: the same tree, of roots to keep where a new one cannot be had.
    orders: the same tree, p of each stack: roots approximate A^(-1/p).
    mesh: of the devices, or None.
  """
  stacks, structure = jax.tree.flatten(matrices)
  keys = [
    (m.shape[-1], p) for m, p in zip(stacks, structure.flatten_up_to(orders))
  ]

  def compute(stacks, previous):
    results: list = [None] * len(stacks)
    for key in dict.fromkeys(keys):
      members = [i for i, k in enumerate(keys) if k == key]
      roots = root(
        jnp.concatenate([stacks[i] for i in members]),
        jnp.concatenate([previous[i] for i in members]),
        key[1],
      )
      ends = np.cumsum([len(stacks[i]) for i in members])[:-1]
      for i, part in zip(members, jnp.split(roots, ends)):
        results[i] = part
    return results

  if mesh is not None:
    spec = PartitionSpec(*mesh.axis_names)
    compute = jax.shard_map(
      compute, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
    )
  return structure.unflatten(compute(stacks, structure.flatten_up_to(previous)))


def eigh_root(ridge: float, exponent_multiplier: float = 1.0) -> Root:
  r"""Roots by eigendecomposition.

  .. math:: A = Q w Q^T, \quad Q (w - \min(\min w, 0) + \epsilon)^{-c/p} Q^T

  A matrix whose root is not finite keeps its previous one.

  Args:
    ridge: ε, absolute.
    exponent_multiplier: c.
  """

  def root(matrices, previous, order):
    w, q = jnp.linalg.eigh(matrices)
    least = jnp.minimum(w.min(-1, keepdims=True), 0.0)
    power = (w - least + ridge) ** (-exponent_multiplier / order)
    roots = jnp.einsum('nij,nj,nkj->nik', q, power, q, precision='highest')
    finite = jnp.isfinite(roots).all((-2, -1), keepdims=True)
    return jnp.where(finite, roots, previous)

  return root


def newton_root(ridge: float, failure: float = 0.1) -> Root:
  """Roots by the coupled Newton iteration; see `coupled_newton`.

  A matrix whose error is `failure` or more, or NaN, keeps its previous root.

  Args:
    ridge: relative to the largest eigenvalue.
    failure: error at which a root is not used.
  """

  def root(matrices, previous, order):
    roots, errors = jax.vmap(lambda a: coupled_newton(a, order, ridge))(
      matrices
    )
    good = (errors < failure)[:, None, None]  # False for NaN.
    return jnp.where(good, roots, previous)

  return root


def coupled_newton(
  a: jax.Array, order: int, ridge: float
) -> tuple[jax.Array, jax.Array]:
  r"""A^(-1/p) of a symmetric positive semi-definite matrix, and its error.

  With :math:`D = A + r I`, :math:`z = (1 + p) / (2 \|D\|_F)`, from
  :math:`X = z D, H = z^{1/p} I`,

  .. math::
    Y = (1 + 1/p) I - X / p, \quad X \leftarrow Y^p X, \quad H \leftarrow H Y

  until X is I up to 1e-6, at most 100 times, or until the error grows by 1.2:
  then the H before counts. While the error stays above 0.05 it starts again
  with a ridge r ten times larger, up to six times.

  Args:
    a: (d, d).
    order: p, a positive integer.
    ridge: first r, relative to the largest eigenvalue.

  Returns:
    H, and the largest absolute entry of X - I.
  """
  first = ridge * jnp.maximum(largest_eigenvalue(a), 1e-25)
  identity = jnp.eye(len(a), dtype=a.dtype)

  def unfinished(carry):
    attempt, _, error = carry
    # NaN counts as failed.
    return (attempt < _ATTEMPTS) & ~(error <= _GOOD_ENOUGH)

  def attempt(carry):
    number, _, _ = carry
    h, error = _newton(a + first * 10.0**number * identity, order)
    return number + 1, h, error

  start = (0, identity, jnp.asarray(jnp.inf, a.dtype))
  _, h, error = jax.lax.while_loop(unfinished, attempt, start)
  return h, error


def _newton(d, p):
  identity = jnp.eye(len(d), dtype=d.dtype)
  z = (1 + p) / (2 * jnp.linalg.norm(d))

  def error_of(x):
    return jnp.max(jnp.abs(x - identity))

  def unfinished(carry):
    i, _, _, _, error, shrinks = carry
    return (i < _ITERATIONS) & (error > _TOLERANCE) & shrinks

  def iterate(carry):
    i, x, h, _, error, _ = carry
    y = (1 + 1 / p) * identity - x / p
    new_x = _matmul(_power(y, p), x)
    new_error = error_of(new_x)
    shrinks = new_error < error * _GROWTH
    return i + 1, new_x, _matmul(h, y), h, new_error, shrinks

  x, h = z * d, z ** (1 / p) * identity
  start = (0, x, h, h, error_of(x), True)
  _, x, h, old_h, _, shrinks = jax.lax.while_loop(unfinished, iterate, start)
  return jnp.where(shrinks, h, old_h), error_of(x)


def largest_eigenvalue(a: jax.Array) -> jax.Array:
  """By power iteration from a fixed vector; a is positive semi-definite."""
  start = np.random.RandomState(1729).uniform(-1, 1, len(a)).astype(a.dtype)

  def unfinished(carry):
    i, _, value, old = carry
    return (i < _ITERATIONS) & (jnp.abs(value - old) > _TOLERANCE)

  def iterate(carry):
    i, v, value, _ = carry
    v = v / jnp.linalg.norm(v)
    av = _matmul(a, v)
    return i + 1, av, jnp.vdot(v, av), value

  zero = jnp.zeros([], a.dtype)
  carry = (0, jnp.asarray(start), zero, zero + jnp.inf)
  return jax.lax.while_loop(unfinished, iterate, carry)[2]


def _power(y, p):
  result, square = None, y
  while p:
    p, bit = divmod(p, 2)
    if bit:
      result = square if result is None else _matmul(result, square)
    if p:
      square = _matmul(square, square)
  return result


def _matmul(a, b):
  return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
