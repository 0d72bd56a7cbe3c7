# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Devices and placement: the only module that makes a mesh or a sharding."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxperf import errors

PyTree = Any
_AXIS = 'data'
_SMALL = 2**14  # Elements; smaller arrays stay replicated when sharding.


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
  """A mesh with one axis, `'data'`, over the given (default: all) devices."""
  devices = jax.devices() if devices is None else list(devices)
  return jax.make_mesh(
    (len(devices),), (_AXIS,), axis_types=(AxisType.Auto,), devices=devices
  )


def replicated(mesh: Mesh) -> NamedSharding:
  """The sharding of an array that every device holds whole."""
  return NamedSharding(mesh, PartitionSpec())


def split(mesh: Mesh) -> NamedSharding:
  """The sharding of an array that is split over devices along axis 0."""
  return NamedSharding(mesh, PartitionSpec(_AXIS))


def sharing_batch(mesh: Mesh) -> contextlib.AbstractContextManager:
  """Within it, while functions are traced, the two below know the devices."""
  return jax.sharding.use_abstract_mesh(mesh.abstract_mesh)


def by_device(
  function: Callable[[jax.Array], jax.Array], examples: jax.Array
) -> jax.Array:
  """Applies a function of examples, each device to those that it holds.

  For operations for which the compiler would gather the batch on every device,
  as it does for fast Fourier transforms.

  Args:
    function: from (B', ...) to (B', ...), any B'.
    examples: (B, ...); within `sharing_batch` the devices must divide B.
  """
  mesh = jax.sharding.get_abstract_mesh()
  if mesh.empty:
    return function(examples)
  part = PartitionSpec(_AXIS)
  return jax.shard_map(function, mesh=mesh, in_specs=part, out_specs=part)(
    examples
  )


def shared_out(
  function: Callable[[jax.Array], jax.Array],
  items: jax.Array,
  mesh: Mesh | None,
) -> jax.Array:
  """Applies a function of items, each device to some, and gathers the results.

  Args:
    function: from (N', ...) to (N', ...), any N'.
    items: (N, ...), on all devices; they divide N.
    mesh: of the devices; None for one.
  """
  if mesh is None or mesh.size == 1:
    return function(items)
  everywhere = replicated(mesh)
  with sharing_batch(mesh):
    found = by_device(
      function, jax.lax.with_sharding_constraint(items, everywhere)
    )
  return jax.lax.with_sharding_constraint(found, everywhere)


def per_device(weights: jax.Array) -> jax.Array:
  """A copy of some weights for each device that shares the batch, stacked.

  For weights that a model uses in several places. With a copy of its own, each
  device adds up what the places contribute to the gradient; only then are the
  copies' gradients summed. The gradient of weights that are used without this
  is summed over the devices once for each place.

  Returns:
    (devices, *shape), each device holding its copy; 1 copy outside of
    `sharing_batch`.
  """
  mesh = jax.sharding.get_abstract_mesh()
  if mesh.empty:
    return weights[None]
  copies = jnp.broadcast_to(weights, (mesh.size, *weights.shape))
  return jax.lax.with_sharding_constraint(copies, PartitionSpec(_AXIS))


def check_batch_size(mesh: Mesh, axis_size: int, microbatches: int) -> None:
  """Refuses batches that devices and microbatches do not divide.

  Args:
    mesh: of the run.
    axis_size: leading axis of the batch: examples, or shards of graph batches.
    microbatches: slices of the batch that are processed one after another.

  Raises:
    UserError: if `axis_size` is not a multiple of devices times microbatches.
  """
  if axis_size % (mesh.size * microbatches):
    raise errors.UserError(
      f'the leading axis of a batch, {axis_size}, is not a multiple of '
      f'{mesh.size} devices x {microbatches} microbatches: choose a batch size '
      'that is, or other microbatches, or show the run fewer devices'
    )


def state_shardings(tree: PyTree, mesh: Mesh, shard_params: bool) -> PyTree:
  """Shardings of parameters or of optimizer state.

  A function of shapes alone, so that optimizer state follows its parameters.

  Args:
    tree: arrays or `jax.ShapeDtypeStruct`s.
    mesh: of the run.
    shard_params: split each large array over the devices, along its largest
      axis that they divide; everything is replicated otherwise.
  """

  def sharding(x) -> NamedSharding:
    axes = [a for a in range(x.ndim) if x.shape[a] % mesh.size == 0]
    if not shard_params or x.size < _SMALL or not axes:
      return replicated(mesh)
    axis = max(axes, key=lambda a: x.shape[a])
    return NamedSharding(mesh, PartitionSpec(*[None] * axis, _AXIS))

  return jax.tree.map(sharding, tree)


class Share(NamedTuple):
  """The rows of a batch that the devices of one process hold.

  Attributes:
    first: the first row.
    last: the row after the last.
    size: rows of the whole batch.
  """

  first: int
  last: int
  size: int

  @property
  def whole(self) -> bool:
    """Whether they are all."""
    return (self.first, self.last) == (0, self.size)

  def spec(self, spec: PyTree) -> PyTree:
    """Shapes of the share, from those of the whole batch."""
    rows = self.last - self.first
    return jax.tree.map(
      lambda x: jax.ShapeDtypeStruct((rows, *x.shape[1:]), x.dtype), spec
    )


def share(mesh: Mesh, size: int) -> Share:
  """What this process holds of batches with so many rows.

  Where its devices hold rows that do not follow each other, also those between.

  Args:
    mesh: whose devices divide the rows.
    size: rows of a whole batch.
  """
  held = split(mesh).addressable_devices_indices_map((size,)).values()
  bounds = [rows.indices(size) for (rows,) in held]
  return Share(
    min(first for first, *_ in bounds), max(last for _, last, _ in bounds), size
  )


def place_batch(
  batch: PyTree, mesh: Mesh, share: Share | None = None
) -> PyTree:
  """A host batch on the devices, split along axis 0.

  Args:
    batch: arrays of the rows of `share`, or of all rows.
    mesh: whose devices divide the rows of the whole batch.
    share: which rows they are; None for all.
  """
  sharding = split(mesh)

  def place(x):
    first, _, size = share or (0, 0, len(x))
    # Takes a third of the host time of `jax.device_put`.
    return jax.make_array_from_callback(
      (size, *x.shape[1:]),
      sharding,
      lambda index: x[_moved(index[0], size, first)],
    )

  return jax.tree.map(place, batch)


def _moved(rows: slice, size: int, by: int) -> slice:
  """Rows counted from row `by` on."""
  first, last, _ = rows.indices(size)
  return slice(first - by, last - by)


def wait_for_processes(name: str, timeout_s: float) -> None:
  """Waits until all processes are here; does nothing where there is one.

  By the service of process 0, which gives up in time and names the absent; a
  collective would wait in silence.

  Args:
    name: of the place, each time another one.
    timeout_s: seconds.

  Raises:
    RuntimeError: if somebody does not come.
  """
  if jax.process_count() > 1:
    # There is no public name for it.
    from jax._src import distributed

    client = distributed.global_state.client
    client.wait_at_barrier(f'jaxperf {name}', round(1000 * timeout_s))


class Agreement:
  """Makes the processes of a run decide alike, without waiting for them.

  Clocks and signals differ between processes; collectives need them to take
  the same branches. Each call hands in this process's flags and returns the
  flags, or-ed over processes, of two calls ago. With one process the flags
  come straight back.
  """

  def __init__(self, mesh: Mesh):
    self._mesh = mesh
    self._pending: deque = deque()
    self._combine = jax.jit(
      lambda x: x.any(axis=0), out_shardings=replicated(mesh)
    )

  def __call__(self, flags: Sequence[bool]) -> list[bool]:
    """The flags of two calls ago, or-ed; with one process, the flags."""
    if jax.process_count() == 1:
      return list(flags)
    self._pending.append(self._dispatch(flags))
    if len(self._pending) <= 2:
      return [False] * len(flags)
    return [bool(f) for f in np.asarray(self._pending.popleft())]

  def now(self, flag: bool) -> bool:
    """The flag, or-ed over processes; waits for them."""
    return flag if jax.process_count() == 1 else bool(self._dispatch([flag])[0])

  def _dispatch(self, flags: Sequence[bool]) -> jax.Array:
    """Starts the or over processes."""
    local = np.asarray(flags, bool)[None]
    rows = jax.make_array_from_callback(
      (self._mesh.size, len(flags)), split(self._mesh), lambda _: local
    )
    return self._combine(rows)
