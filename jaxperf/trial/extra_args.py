# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a user's transformation one that a training step can call.

Parts of a chain are given the extra arguments that they take and no others,
and slow weights (Zhang et al. 2019, "Lookahead optimizer: k steps forward, 1
step back") are kept in the optimizer state.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import optax

PyTree = Any
# The module in which all transformations of optax look it up.
_BASE = sys.modules[optax.with_extra_args_support.__module__]


class SlowWeights(NamedTuple):
  """The state of a transformation that contains `optax.lookahead`.

  Attributes:
    slow: the slow weights; the parameters that are trained are the fast ones.
    inner: state of the transformation.
  """

  slow: PyTree
  inner: PyTree


def adapted(
  make: Callable[[], optax.GradientTransformation],
) -> optax.GradientTransformationExtraArgs:
  """The transformation that `make` returns, as a training step can call it.

  Its `update` may be given any extra arguments. If it looks ahead its state is
  `SlowWeights`.

  Args:
    make: builds the transformation.
  """
  with _each_takes_its_own():
    inner = _BASE.with_extra_args_support(make())

  def init(params):
    with _each_takes_its_own():
      state = inner.init(params)
    return SlowWeights(params, state) if _looks_ahead(state) else state

  def update(updates, state, params=None, **extra_args):
    with _each_takes_its_own():
      if not isinstance(state, SlowWeights):
        return inner.update(updates, state, params, **extra_args)
      pair = optax.LookaheadParams(params, state.slow)
      moves, new = inner.update(updates, state.inner, pair, **extra_args)
    slow = optax.apply_updates(state.slow, moves.slow)
    return moves.fast, SlowWeights(slow, new)

  return optax.GradientTransformationExtraArgs(init, update)


def _looks_ahead(state: PyTree) -> bool:
  """Whether a state is, or contains, that of `optax.lookahead`."""
  found = jax.tree.leaves(
    state, is_leaf=lambda x: isinstance(x, optax.LookaheadState)
  )
  return any(isinstance(x, optax.LookaheadState) for x in found)


@contextlib.contextmanager
def _each_takes_its_own() -> Iterator[None]:
  """Meanwhile optax gives no part an extra argument that it does not name.

  `optax.contrib.sam`, for one, takes `grad_fn` alone, and a chain would give it
  all of them.
  """
  original = _BASE.with_extra_args_support

  def lenient(transformation):
    made = original(transformation)
    parameters = inspect.signature(made.update).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
      return made
    names = [p.name for p in parameters]

    def update(updates, state, params=None, **extra_args):
      own = {name: extra_args[name] for name in names if name in extra_args}
      return made.update(updates, state, params, **own)

    return optax.GradientTransformationExtraArgs(made.init, update)

  _BASE.with_extra_args_support = lenient
  try:
    yield
  finally:
    _BASE.with_extra_args_support = original
