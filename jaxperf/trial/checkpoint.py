# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Save and restore of a training state and of what the host knows, by orbax."""

from __future__ import annotations

import json
import pathlib
import zlib
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from jaxperf import errors

PyTree = Any


class Checkpointer:
  """The last two checkpoints of one trial; written in the background."""

  def __init__(self, folder: pathlib.Path):
    """Opens (and makes) the folder; drops half-written checkpoints."""
    options = ocp.CheckpointManagerOptions(
      max_to_keep=2, enable_async_checkpointing=True
    )
    self._folder = folder
    self._manager = ocp.CheckpointManager(folder.absolute(), options=options)

  def save(self, step: int, state: PyTree, progress: dict) -> None:
    """Starts to write a checkpoint; returns once the arrays are copied.

    Args:
      step: number of updates done, the checkpoint's name.
      state: tree of arrays.
      progress: what the host knows, as JSON.
    """
    content = json.dumps(
      {
        'progress': progress,
        'leaves': _describe(state),
        'checksum': _checksum(state),
      }
    )
    sealed = {'facts': content, 'checksum': zlib.crc32(content.encode())}
    self._manager.save(
      step,
      args=ocp.args.Composite(
        state=ocp.args.StandardSave(state), progress=ocp.args.JsonSave(sealed)
      ),
    )

  def restore(self, like: PyTree) -> tuple[PyTree, dict] | None:
    """The newest checkpoint that can be read, or None.

    A damaged one is reported, deleted, and the one before it is used. A sound
    one that holds something else than `like` is kept.

    Args:
      like: tree of `jax.ShapeDtypeStruct` with shardings.

    Raises:
      UserError: if a sound one does not fit `like`; names the first leaf that
        differs.
    """
    for step in sorted(self._manager.all_steps(), reverse=True):
      try:
        return self._restore(step, like)
      except errors.UserError:
        raise
      # A damaged file can raise anything, from JSON to tensorstore errors.
      except Exception as error:
        first_line = str(error).strip().split('\n')[0][:200]
        print(
          f'checkpoint of step {step} cannot be read ({first_line}); '
          'trying the one before it',
          flush=True,
        )
        self._manager.delete(step)
    return None

  def latest(self) -> int | None:
    """Step of the newest checkpoint."""
    return self._manager.latest_step()

  def close(self) -> None:
    """Waits until everything is on disk; raises what writing it raised."""
    self._manager.wait_until_finished()
    self._manager.close()

  def _restore(self, step: int, like: PyTree) -> tuple[PyTree, dict]:
    """What one checkpoint holds; raises a UserError if that is not `like`."""
    sealed = self._manager.restore(
      step, args=ocp.args.Composite(progress=ocp.args.JsonRestore())
    )['progress']
    _check(sealed['checksum'], zlib.crc32(sealed['facts'].encode()))
    content = json.loads(sealed['facts'])
    if difference := _difference(content['leaves'], _describe(like)):
      raise errors.UserError(
        f'the checkpoint of step {step} in {self._folder} does not fit what is '
        f'trained now: {difference}; undo what changed the state since, or '
        'delete that folder to begin the trial anew'
      )
    state = self._manager.restore(
      step, args=ocp.args.Composite(state=ocp.args.StandardRestore(like))
    )['state']
    _check(content['checksum'], _checksum(state))
    return state, content['progress']


def _check(saved: int | None, found: int | None) -> None:
  """Raises a ValueError if two checksums, where there are any, differ."""
  if None not in (saved, found) and saved != found:
    raise ValueError('its checksum is wrong')


def _describe(tree: PyTree) -> dict[str, str]:
  """Path -> dtype and shape of all leaves, abstract or not."""
  return {
    jax.tree_util.keystr(path, simple=True, separator='/'): (
      f'{x.dtype}{list(x.shape)}'
    )
    for path, x in jax.tree.leaves_with_path(tree)
  }


def _difference(saved: dict[str, str], wanted: dict[str, str]) -> str | None:
  """The first leaf that differs, in words."""
  for name in wanted | saved:
    if name not in saved:
      return f'{name} is missing, {wanted[name]} is expected'
    if name not in wanted:
      return f'it holds {name} of {saved[name]}, which is not expected'
    if saved[name] != wanted[name]:
      return f'{name} is {saved[name]}, {wanted[name]} is expected'
  return None


def _checksum(state: PyTree) -> int | None:
  """CRC-32 of all bytes; None if this process does not hold them all."""
  leaves = jax.tree.leaves(state)
  if not all(x.is_fully_addressable for x in leaves):
    return None
  checksum = 0
  for leaf in leaves:
    # As bytes: not all dtypes, bfloat16 among them, can be seen as a buffer.
    content = np.ascontiguousarray(leaf).reshape(-1).view(np.uint8)
    checksum = zlib.crc32(content, checksum)
  return checksum
