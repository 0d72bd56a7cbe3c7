# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Shardings over a mesh with the one axis `batch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

PyTree = Any
_AXIS = 'batch'
_run_devices: list[jax.Device] = []


def use_devices(devices: Sequence[jax.Device]) -> None:
  """Says which devices the run has; all that there are if never called."""
  _run_devices[:] = devices


def get_replicate_sharding() -> NamedSharding:
  """Every device holds the whole array."""
  return NamedSharding(_mesh(), PartitionSpec())


def get_batch_dim_sharding() -> NamedSharding:
  """Each device holds a part of the first axis."""
  return NamedSharding(_mesh(), PartitionSpec(_AXIS))


def shard_along_batch_dim(tree: PyTree) -> PyTree:
  """The arrays, split along their first axis."""
  return jax.device_put(tree, get_batch_dim_sharding())


def replicate(tree: PyTree) -> PyTree:
  """The arrays, whole on every device."""
  return jax.device_put(tree, get_replicate_sharding())


def display_shard_info(array: jax.Array) -> None:
  """Prints where the parts of an array are."""
  print(f'{array.dtype}{list(array.shape)}, {array.sharding}')
  for shard in array.addressable_shards:
    print(f'  {shard.device}: {list(shard.data.shape)} at {shard.index}')


def _mesh() -> Mesh:
  """All devices of the run on one axis."""
  devices = np.array(_run_devices or jax.devices())
  return Mesh(devices, (_AXIS,), axis_types=(AxisType.Auto,))
