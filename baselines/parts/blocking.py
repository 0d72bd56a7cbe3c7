# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays cut into blocks, and equal blocks of all arrays put together.

Methods that keep a matrix for each axis of each parameter cut large parameters
into blocks and treat each block alone. Blocks of one shape are stacked, so that
one batched operation serves them all, and the stack can be split over devices.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxperf import mesh as mesh_lib

PyTree = Any
Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Blocking:
  """How the arrays of a tree, in its order, are cut.

  Attributes:
    orders: order in which to put the axes of each array first.
    views: shape to give it then; None leaves the array out.
    chunks: for each array and axis of its view, the sizes of the pieces.
    groups: block shape -> (array, number of the block in it), in order.
    mesh: the stacks are split over its devices, padded with zeros; or None.
  """

  orders: tuple[Shape, ...]
  views: tuple[Shape | None, ...]
  chunks: tuple[tuple[Shape, ...], ...]
  groups: dict[Shape, list[tuple[int, int]]]
  mesh: Mesh | None = None

  def stacked(self, shape: Shape) -> int:
    """Number of blocks of this shape, with the padding."""
    devices = self.mesh.size if self.mesh else 1
    return math.ceil(len(self.groups[shape]) / devices) * devices

  def split(self, tree: PyTree) -> list[jax.Array]:
    """The stack (blocks, *block shape) of each group."""
    blocks = [
      _cut(x.transpose(order).reshape(view), chunks) if view else []
      for x, order, view, chunks in zip(
        jax.tree.leaves(tree), self.orders, self.views, self.chunks
      )
    ]
    return [self._stack(shape, blocks) for shape in self.groups]

  def join(self, stacks: Sequence[jax.Array], tree: PyTree) -> PyTree:
    """Undoes `split`; arrays that are left out come from `tree`."""
    arrays, structure = jax.tree.flatten(tree)
    blocks: list[dict[int, jax.Array]] = [{} for _ in arrays]
    for places, stack in zip(self.groups.values(), stacks):
      for i, (array, number) in enumerate(places):
        blocks[array][number] = stack[i]
    return structure.unflatten(
      _restore(_assemble(parts, chunks), x.shape, order) if parts else x
      for x, order, chunks, parts in zip(
        arrays, self.orders, self.chunks, blocks
      )
    )

  def matrices(self, scale: float = 0.0) -> list[list[jax.Array]]:
    """For each group and axis, a stack of scaled identities (blocks, d, d)."""
    return [
      [
        jnp.broadcast_to(scale * jnp.eye(d), (self.stacked(shape), d, d))
        for d in shape
      ]
      for shape in self.groups
    ]

  def shard(self, stack: jax.Array) -> jax.Array:
    """The stack with its blocks split over the devices."""
    if self.mesh is None:
      return stack
    return jax.lax.with_sharding_constraint(stack, mesh_lib.split(self.mesh))

  def _stack(self, shape, blocks):
    stack = [blocks[array][number] for array, number in self.groups[shape]]
    padding = self.stacked(shape) - len(stack)
    stack += [jnp.zeros(shape, stack[0].dtype)] * padding
    return self.shard(jnp.stack(stack))


def make_blocking(
  orders: Sequence[Shape],
  views: Sequence[Shape | None],
  block_size: int,
  mesh: Mesh | None = None,
) -> Blocking:
  """Cuts each axis of each view into pieces of `block_size` and a rest.

  Args:
    orders: order in which to put the axes of each array first.
    views: shape to give it then; None leaves the array out.
    block_size: largest side of a block.
    mesh: of the devices that share the blocks; None or one device: no padding.
  """
  chunks = tuple(
    tuple(_sizes(n, block_size) for n in view or ()) for view in views
  )
  groups: dict[Shape, list[tuple[int, int]]] = {}
  for array, (view, sizes) in enumerate(zip(views, chunks)):
    if view is not None:
      for number, shape in enumerate(itertools.product(*sizes)):
        groups.setdefault(shape, []).append((array, number))
  mesh = mesh if mesh is not None and mesh.size > 1 else None
  return Blocking(tuple(orders), tuple(views), chunks, groups, mesh)


def merge_axes(shape: Shape, limit: int) -> Shape:
  """Joins neighbouring axes while their product is at most `limit`.

  Axes of size 1 vanish; a scalar becomes a vector of length 1.

  >>> merge_axes((3, 3, 64, 128), limit=1024)
  (576, 128)
  """
  merged: list[int] = []
  for n in shape:
    if n == 1:
      continue
    if merged and merged[-1] * n <= limit:
      merged[-1] *= n
    else:
      merged.append(n)
  return tuple(merged) or (1,)


def average_products(
  blocks: Blocking,
  tree: PyTree,
  averages: list[list[jax.Array]],
  decay: float,
) -> list[list[jax.Array]]:
  """Moving averages of `gram`, for each group and axis, after one more tree."""
  return [
    [
      decay * average + (1 - decay) * gram(stack, axis)
      for axis, average in enumerate(of_stack)
    ]
    for stack, of_stack in zip(blocks.split(tree), averages)
  ]


def multiply_all(
  blocks: Blocking, tree: PyTree, matrices: list[list[jax.Array]]
) -> list[jax.Array]:
  """The stacks of a tree, each block times its matrices along all axes."""
  stacks = blocks.split(tree)
  for number, of_stack in enumerate(matrices):
    for axis, matrix in enumerate(of_stack):
      stacks[number] = multiply(stacks[number], matrix, axis)
  return stacks


def gram(blocks: jax.Array, axis: int) -> jax.Array:
  """Products of each block with itself over all axes but one.

  Args:
    blocks: (blocks, d_1, ..., d_k).
    axis: i, from 0.

  Returns:
    (blocks, d_i, d_i).
  """
  x = _unfold(blocks, axis)
  return jnp.einsum('nir,njr->nij', x, x, precision='highest')


def multiply(blocks: jax.Array, matrices: jax.Array, axis: int) -> jax.Array:
  """Each block times its symmetric matrix (blocks, d_i, d_i) along axis i."""
  x = _unfold(blocks, axis)
  x = jnp.einsum('nij,njr->nir', matrices, x, precision='highest')
  n, *rest = jnp.moveaxis(blocks, axis + 1, 1).shape
  return jnp.moveaxis(x.reshape(n, *rest), 1, axis + 1)


def norms(blocks: jax.Array) -> jax.Array:
  """Euclidean norm of each block, in a shape that broadcasts with them."""
  axes = tuple(range(1, blocks.ndim))
  return jnp.sqrt(jnp.sum(jnp.square(blocks), axes, keepdims=True))


def state_sharding(opt_state, mesh):
  """Stacks split over the devices; all else along an axis, where one divides.

  For state that keeps its stacks in fields named `factors`, `roots` or
  `previous_factors`.

  Args:
    opt_state: tree of `jax.ShapeDtypeStruct`.
    mesh: of the run.
  """
  follow = mesh_lib.state_shardings(opt_state, mesh, shard_params=True)

  def rule(path, sharding):
    names = {getattr(key, 'name', None) for key in path}
    stacks = names & {'factors', 'roots', 'previous_factors'}
    return mesh_lib.split(mesh) if stacks else sharding

  return jax.tree.map_with_path(rule, follow)


def _unfold(blocks, axis):
  x = jnp.moveaxis(blocks, axis + 1, 1)
  return x.reshape(*x.shape[:2], -1)


def _restore(x, shape, order):
  """Undoes the change of axes and view."""
  x = x.reshape([shape[axis] for axis in order])
  return x.transpose(np.argsort(order))


def _sizes(n, block_size):
  full, rest = divmod(n, block_size)
  return (block_size,) * full + ((rest,) if rest else ())


def _cut(x, chunks):
  """The blocks of x in row-major order."""
  bounds = [list(itertools.accumulate(sizes, initial=0)) for sizes in chunks]
  spans = [
    [slice(a, b) for a, b in itertools.pairwise(ends)] for ends in bounds
  ]
  return [x[index] for index in itertools.product(*spans)]


def _assemble(blocks, chunks):
  """Undoes `_cut`: joins along the last axis first."""
  parts = [blocks[i] for i in range(len(blocks))]
  for axis in reversed(range(len(chunks))):
    n = len(chunks[axis])
    parts = [
      jnp.concatenate(parts[i : i + n], axis) if n > 1 else parts[i]
      for i in range(0, len(parts), n)
    ]
  return parts[0]
