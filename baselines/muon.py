# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Muon: the momentum of each matrix, made nearly orthogonal. Self-tuning.

References:
  Jordan et al., `Muon: An optimizer for hidden layers in neural networks
  <https://kellerjordan.github.io/posts/muon/>`_, 2024
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from baselines import nadamw
from baselines.parts import batch_sizes, checks, rounding
from jaxperf import mesh as mesh_lib
from jaxperf import submission, tuning

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_ELEMENTS = 2**22  # Of the matrices that a device has in one stack.


class MuonState(NamedTuple):
  """Momentum, shaped like the parameters."""

  momentum: optax.Updates


def orthogonalize(x: jax.Array, dtype: Any = jnp.float32) -> jax.Array:
  r"""Roughly the nearest semi-orthogonal matrix: five Newton-Schulz steps.

  From :math:`X = x / (\|x\|_F + 10^{-7})`, turned wide,
  :math:`A = X X^T, X \leftarrow 3.4445 X + (-4.775 A + 2.0315 A^2) X`.

  Args:
    x: a matrix.
    dtype: float32, or bfloat16 to round after each operation.
  """

  def rounded(x):
    return rounding.round_to(x, dtype)

  def product(a, b):
    return rounded(a @ b)

  tall = x.shape[0] > x.shape[1]
  x = rounded(x.T if tall else x)
  x = rounded(x / rounded(rounded(jnp.linalg.norm(x)) + 1e-7))
  a, b, c = _COEFFICIENTS
  for _ in range(_ITERATIONS):
    gram = product(x, x.T)
    mixed = rounded(rounded(b * gram) + rounded(c * product(gram, gram)))
    x = rounded(rounded(a * x) + product(mixed, x))
  return x.T if tall else x


def orthogonalize_all(
  matrices: Sequence[jax.Array],
  dtype: Any = jnp.float32,
  mesh: jax.sharding.Mesh | None = None,
) -> list[jax.Array]:
  """`orthogonalize` of each.

  Some matrices of a shape make a stack, each device goes through its part of
  it, matrix by matrix, and puts each result where the matrix was.

  Args:
    matrices: of any shapes.
    dtype: see `orthogonalize`.
    mesh: of the devices that share the work; None for one.
  """
  shapes: dict[tuple[int, ...], list[int]] = {}
  for i, x in enumerate(matrices):
    shapes.setdefault(x.shape, []).append(i)
  devices = mesh.size if mesh else 1

  def one_by_one(stack):
    return jax.lax.fori_loop(
      0,
      len(stack),
      lambda i, done: done.at[i].set(orthogonalize(done[i], dtype)),
      stack,
    )

  found = list(matrices)
  for shape, places in shapes.items():
    count = devices * max(1, _ELEMENTS // math.prod(shape))
    for first in range(0, len(places), count):
      chosen = places[first : first + count]
      parts = [matrices[i] for i in chosen]
      parts += [jnp.zeros(shape)] * (-len(chosen) % devices)
      stack = mesh_lib.shared_out(one_by_one, jnp.stack(parts), mesh)
      for i, u in zip(chosen, stack):
        found[i] = u
  return found


def columns_over_rows(shape: tuple[int, ...]) -> float:
  """Ratio of the sides of an array seen as (first axis, other axes)."""
  return math.prod(shape[1:]) / shape[0]


def scale_by_muon(
  momentum: float = 0.95,
  *,
  nesterov: bool = False,
  axes: Callable[[int], tuple[int, ...]] = lambda ndim: tuple(range(ndim)),
  aspect: Callable[[tuple[int, ...]], float] = columns_over_rows,
  dtype: Any = jnp.float32,
  mesh: jax.sharding.Mesh | None = None,
) -> optax.GradientTransformation:
  r"""Orthogonalised momentum times :math:`\sqrt{\max(1, out / in)}`.

  The momentum :math:`m \leftarrow \beta m + (1 - \beta) g` is not corrected for
  its start, unlike in `optax.contrib.muon`. Arrays count as matrices of their
  first axis against the others.

  Args:
    momentum: β, in [0, 1).
    nesterov: whether the step uses β m + (1 - β) g.
    axes: number of axes -> the order to put them in before, e.g. that of
      another framework.
    aspect: shape in that order -> out / in.
    dtype: see `orthogonalize`.
    mesh: of the devices that share the work; None: each does all of it.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(momentum=momentum)

  def directions(momenta):
    arrays, structure = jax.tree.flatten(momenta)
    arrays = [m.transpose(axes(m.ndim)) for m in arrays]
    found = orthogonalize_all(
      [m.reshape(m.shape[0], -1) for m in arrays], dtype, mesh
    )
    return structure.unflatten(
      (u.reshape(m.shape) * math.sqrt(max(1.0, aspect(m.shape)))).transpose(
        np.argsort(axes(m.ndim))
      )
      for m, u in zip(arrays, found)
    )

  def update(updates, state, params=None):
    del params
    m = optax.tree.update_moment(updates, state.momentum, momentum, 1)
    ahead = optax.tree.update_moment(updates, m, momentum, 1) if nesterov else m
    return directions(ahead), MuonState(m)

  return optax.GradientTransformation(
    lambda params: MuonState(optax.tree.zeros_like(params)), update
  )


def split_matrices(
  matrices: optax.GradientTransformation,
  others: optax.GradientTransformation,
  embedding_names: tuple[str, ...] = ('embed',),
) -> optax.GradientTransformation:
  """One rule for matrices and kernels, another for everything else.

  Args:
    matrices: for arrays with two axes or more that are no embeddings.
    others: for the rest.
    embedding_names: what the lower-cased path of an embedding contains.
  """

  def label(path, x):
    text = jax.tree_util.keystr(path).lower()
    embeds = any(name in text for name in embedding_names)
    return 'matrices' if x.ndim >= 2 and not embeds else 'others'

  return optax.partition(
    {'matrices': matrices, 'others': others},
    lambda params: jax.tree.map_with_path(label, params),
  )


def muon(
  learning_rate: optax.ScalarOrSchedule,
  momentum: float = 0.95,
  weight_decay: float = 0.0,
  multiplier: float = 1.0,
  **options: Any,
) -> optax.GradientTransformation:
  r"""Muon: :math:`\theta \leftarrow \theta - \eta c (u + \lambda \theta)`.

  Args:
    learning_rate: a number or a function of the 0-based step.
    momentum: see `scale_by_muon`.
    weight_decay: λ.
    multiplier: c, of rate and decay.
    **options: see `scale_by_muon`.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    learning_rate=learning_rate,
    weight_decay=weight_decay,
    multiplier=multiplier,
  )
  return optax.chain(
    scale_by_muon(momentum, **options),
    optax.add_decayed_weights(weight_decay),
    optax.scale(multiplier),
    optax.scale_by_learning_rate(learning_rate),
  )


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  schedule = optax.cosine_decay_schedule(hps.learning_rate, run.step_hint)
  return split_matrices(
    muon(
      schedule,
      hps.momentum,
      hps.weight_decay,
      hps.multiplier,
      mesh=run.mesh,
    ),
    nadamw.nadamw(
      schedule, hps.beta1, hps.beta2, weight_decay=hps.other_weight_decay
    ),
  )


self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=0.0001357495179,
    multiplier=28.61130298,
    momentum=0.9560745273,
    weight_decay=0.02397563985,
    beta1=0.96586744,
    beta2=0.8629173173,
    other_weight_decay=0.01275028385,
    dropout_rate=0.0,
  ),
  batch_size=batch_sizes.BASELINE,
)
