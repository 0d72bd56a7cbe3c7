# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Save and restore of a training state and of what the host knows, by orbax."""

from __future__ import annotations

import pathlib
import zlib
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

PyTree = Any
_CHECKSUM = 'checksum'


class Checkpointer:
  """The last two checkpoints of one trial; written in the background."""

  def __init__(self, folder: pathlib.Path):
    """Opens (and makes) the folder; drops half-written checkpoints."""
    options = ocp.CheckpointManagerOptions(
      max_to_keep=2, enable_async_checkpointing=True
    )
    self._manager = ocp.CheckpointManager(folder.absolute(), options=options)

  def save(self, step: int, state: PyTree, progress: dict) -> None:
    """Starts to write a checkpoint; returns once the arrays are copied.

    Args:
      step: number of updates done, the checkpoint's name.
      state: tree of arrays.
      progress: what the host knows, as JSON.
    """
    progress = progress | {_CHECKSUM: _checksum(state)}
    self._manager.save(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(state), progress=ocp.args.JsonSave(progress)
      ),
    )

  def restore(self, like: PyTree) -> tuple[PyTree, dict] | None:
    """The newest checkpoint that can be read, or None.

    A damaged one is reported, deleted, and the one before it is used.

    Args:
      like: tree of `jax.ShapeDtypeStruct` with shardings.
    """
    for step in sorted(self._manager.all_steps(), reverse=True):
      try:
        restored = self._manager.restore(
          step,
          args=ocp.args.Composite(
            state=ocp.args.StandardRestore(like),
            progress=ocp.args.JsonRestore(),
          ),
        )
        state, progress = restored['state'], dict(restored['progress'])
        if progress.pop(_CHECKSUM) != _checksum(state):
          raise ValueError('its checksum is wrong')
      # A damaged file can raise anything, from JSON to tensorstore errors.
      except Exception as error:
        first_line = str(error).strip().split('\n')[0][:200]
        print(
          f'checkpoint of step {step} cannot be read ({first_line}); '
          'trying the one before it',
          flush=True,
        )
        self._manager.delete(step)
      else:
        return state, progress
    return None

  def latest(self) -> int | None:
    """Step of the newest checkpoint."""
    return self._manager.latest_step()

  def close(self) -> None:
    """Waits until everything is on disk; raises what writing it raised."""
    self._manager.wait_until_finished()
    self._manager.close()


def _checksum(state: PyTree) -> int | None:
  """CRC-32 of all bytes; None if this process does not hold them all."""
  leaves = jax.tree.leaves(state)
  if not all(x.is_fully_addressable for x in leaves):
    return None
  checksum = 0
  for leaf in leaves:
    checksum = zlib.crc32(np.ascontiguousarray(leaf).data, checksum)
  return checksum
