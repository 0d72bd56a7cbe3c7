# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A file's optimizer state as a tree of arrays."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PyTree = Any
_NUMBERS = (bool, int, float)
_KEY = 'key'


@dataclasses.dataclass(frozen=True)
class _Structure:
  """A state without its data.

  Two are equal if the trees are: functions that two calls of the file's
  initialisation made stand for each other.

  Attributes:
    treedef: of the state.
    kinds: what each leaf is, see `_kind`.
    rest: the leaves that are no data; None where data is.
  """

  treedef: Any
  kinds: tuple[Any, ...]
  rest: tuple[Any, ...] = dataclasses.field(compare=False)


@jax.tree_util.register_pytree_with_keys_class
class AlgoPerfState:
  """A file's optimizer state: any tree, which may hold Python callables.

  As a pytree its children are the arrays and numbers among the leaves; so it
  is waited for and checkpointed like any other state. All else is structure. A
  number comes back from a checkpoint as a number, with the 32 bits of a JAX
  array; a numpy array comes back as a JAX array.

  Attributes:
    value: what the file returned.
  """

  def __init__(self, value: PyTree):
    self.value = value

  def tree_flatten_with_keys(self):
    """The data as arrays, numbered; and the structure."""
    leaves, treedef = jax.tree.flatten(self.value)
    kinds = tuple(map(_kind, leaves))
    data = [_to_array(k, x) for k, x in zip(kinds, leaves) if k is not None]
    rest = tuple(x if k is None else None for k, x in zip(kinds, leaves))
    keys = map(jax.tree_util.SequenceKey, range(len(data)))
    return list(zip(keys, data)), _Structure(treedef, kinds, rest)

  @classmethod
  def tree_unflatten(cls, structure: _Structure, children: Any):
    """The inverse, for arrays as children."""
    remaining = iter(children)
    leaves = [
      x if kind is None else _from_array(kind, next(remaining))
      for kind, x in zip(structure.kinds, structure.rest)
    ]
    return cls(jax.tree.unflatten(structure.treedef, leaves))


def unshared(tree: PyTree) -> PyTree:
  """The tree; an array whose memory an earlier leaf has is copied.

  A file may start its state with the parameters themselves. A step that donates
  both fails, or takes the process with it.
  """
  seen: set[int] = set()

  def own(x):
    if not isinstance(x, jax.Array):
      return x
    memory = {s.data.unsafe_buffer_pointer() for s in x.addressable_shards}
    if memory & seen:
      return jnp.copy(x)
    seen.update(memory)
    return x

  return jax.tree.map(own, tree)


@dataclasses.dataclass(frozen=True)
class _Placeholder:
  """Stands for a child that is no array, such as its shape or its sharding."""

  kind: Any
  value: Any


def _kind(x: Any) -> Any:
  """Its type for a number, `_KEY`, 'array', or None for what is no data."""
  if isinstance(x, _Placeholder):
    return x.kind
  if isinstance(x, np.ndarray | np.generic):
    return 'array'
  if isinstance(x, jax.Array):
    is_key = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
    return _KEY if is_key else 'array'
  return type(x) if type(x) in _NUMBERS else None


def _to_array(kind: Any, x: Any) -> Any:
  """The array that is saved; a placeholder's value."""
  if isinstance(x, _Placeholder):
    return x.value
  return jax.random.key_data(x) if kind == _KEY else jnp.asarray(x)


def _from_array(kind: Any, x: Any) -> Any:
  """The leaf again."""
  if not isinstance(x, jax.Array) or isinstance(x, jax.core.Tracer):
    return _Placeholder(kind, x)
  if kind == _KEY:
    return jax.random.wrap_key_data(x)
  return kind(x) if kind in _NUMBERS else x
