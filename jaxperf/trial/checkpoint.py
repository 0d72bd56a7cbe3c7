# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Save and restore of a training state and of what the host knows, by orbax."""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from jaxperf import errors

PyTree = Any
_HALF_WRITTEN = '.orbax-checkpoint-tmp'  # Killed saves leave such folders.
_GENERATORS = ('threefry2x32', 'rbg', 'unsafe_rbg')


class Checkpointer:
  """The last two checkpoints of one trial; written in the background."""

  def __init__(self, folder: pathlib.Path, read_only: bool = False):
    """Opens (and makes) the folder; drops half-written checkpoints.

    Args:
      folder: of the checkpoints.
      read_only: change nothing in it.
    """
    # Processes wait for each other by name: two folders may save one step.
    together = ocp.options.MultiprocessingOptions(
      barrier_sync_key_prefix=folder.name
    )
    options = ocp.CheckpointManagerOptions(
      max_to_keep=2,
      enable_async_checkpointing=True,
      create=not read_only,
      multiprocessing_options=together,
    )
    self._folder = folder
    if not read_only and jax.process_index() == 0:
      for path in folder.glob(f'*{_HALF_WRITTEN}*'):
        shutil.rmtree(path)
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
        state=ocp.args.StandardSave(_plain(state)),
        progress=ocp.args.JsonSave(sealed),
      ),
    )

  def restore(self, like: PyTree) -> tuple[PyTree, dict] | None:
    """The newest checkpoint that can be read, or None.

    A damaged one is reported, deleted, and the one before it is used, if there
    is one. A sound one that holds something else than `like` is kept.

    Args:
      like: tree of `jax.ShapeDtypeStruct` with shardings.

    Raises:
      UserError: if a sound one does not fit `like`; names the first leaf that
        differs.
    """
    for step in reversed(self.steps()):
      try:
        return self.read(step, like)
      except errors.UserError:
        raise
      # A damaged file can raise anything, from JSON to tensorstore errors.
      except Exception as error:
        first_line = str(error).strip().split('\n')[0][:200]
        self._manager.delete(step)
        left = self._manager.latest_step()
        print(
          f'checkpoint of step {step} cannot be read ({first_line}); '
          + (
            'none is left: the trial begins anew'
            if left is None
            else f'trying that of step {left}'
          ),
          flush=True,
        )
    return None

  def latest(self) -> int | None:
    """Step of the newest checkpoint."""
    return self._manager.latest_step()

  def wait(self) -> None:
    """Waits until everything is on disk; raises what writing it raised."""
    self._manager.wait_until_finished()

  def close(self) -> None:
    """Waits until everything is on disk; raises what writing it raised."""
    self._manager.wait_until_finished()
    self._manager.close()

  def steps(self) -> list[int]:
    """Steps of all checkpoints."""
    return sorted(self._manager.all_steps())

  def drop_after(self, step: int) -> None:
    """Deletes the checkpoints of later steps."""
    for later in self.steps():
      if later > step:
        self._manager.delete(later)

  def read(self, step: int, like: PyTree) -> tuple[PyTree, dict]:
    """What one checkpoint holds.

    Args:
      step: its name.
      like: tree of `jax.ShapeDtypeStruct` with shardings.

    Raises:
      UserError: if it holds something else than `like`.
      Exception: whatever a damaged file makes the libraries raise.
    """
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
    plain = self._manager.restore(
      step,
      args=ocp.args.Composite(state=ocp.args.StandardRestore(_plain(like))),
    )['state']
    state = jax.tree.map(_like, plain, like)
    _check(content['checksum'], _checksum(state))
    return state, content['progress']


def check(like: PyTree) -> None:
  """Refuses a state that cannot be saved and restored as it is.

  Done with arrays of one element each, so that it takes no memory.

  Args:
    like: tree of `jax.ShapeDtypeStruct`.

  Raises:
    UserError: says what saving it raises, or what comes back.
  """
  small = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct([min(n, 1) for n in x.shape], x.dtype), like
  )
  state = jax.tree.map(_zeros, small)
  sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
  small = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), small
  )
  with tempfile.TemporaryDirectory() as folder:
    checkpointer = Checkpointer(pathlib.Path(folder))
    try:
      checkpointer.save(0, state, {})
      checkpointer.wait()
      restored, _ = checkpointer.read(0, small)
    # Whatever the library raises about a state that it cannot hold.
    except Exception as error:
      raise errors.UserError(
        'its optimizer state cannot be saved and restored '
        f'({errors.first_line(error)}): keep arrays in tuples, lists, '
        'dictionaries or registered nodes'
      ) from error
    finally:
      checkpointer.close()
  if difference := _difference(_describe(small), _describe(restored)):
    raise errors.UserError(
      f'its optimizer state does not come back from a checkpoint: {difference}'
    )


def _is_key(x: Any) -> bool:
  """Whether a leaf, abstract or not, is made of typed random keys."""
  return jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)


def _zeros(x: jax.ShapeDtypeStruct) -> jax.Array:
  """An array of that shape and dtype."""
  if not _is_key(x):
    return jnp.zeros(x.shape, x.dtype)
  data = jax.eval_shape(jax.random.key_data, x)
  return _wrapped(jnp.zeros(data.shape, data.dtype), x)


def _plain(tree: PyTree) -> PyTree:
  """The same tree as orbax can save it.

  Typed random keys become their data, empty arrays ones of one element.
  """

  def data(x):
    x = jax.random.key_data(x) if _is_key(x) else x
    return x if x.size else jnp.zeros(1, x.dtype)

  def plain(x):
    if not (_is_key(x) or 0 in x.shape):
      return x
    if not isinstance(x, jax.ShapeDtypeStruct):
      return data(x)
    made = jax.eval_shape(data, x)
    return jax.ShapeDtypeStruct(made.shape, made.dtype, sharding=x.sharding)

  return jax.tree.map(plain, tree)


def _like(plain: jax.Array, like: jax.ShapeDtypeStruct) -> jax.Array:
  """A leaf as it was before `_plain`."""
  if 0 in like.shape:
    return _zeros(like)
  return _wrapped(plain, like) if _is_key(like) else plain


def _wrapped(data: jax.Array, like: jax.ShapeDtypeStruct) -> jax.Array:
  """Random keys of the dtype of `like` from their data."""
  for name in _GENERATORS:
    if jax.random.key(0, impl=name).dtype == like.dtype:
      return jax.random.wrap_key_data(data, impl=name)
  raise ValueError(f'random keys of type {like.dtype} are not known')


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
  for leaf in jax.tree.leaves(_plain(leaves)):
    # As bytes: not all dtypes, bfloat16 among them, can be seen as a buffer.
    content = np.ascontiguousarray(leaf).reshape(-1).view(np.uint8)
    checksum = zlib.crc32(content, checksum)
  return checksum
