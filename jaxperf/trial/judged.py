# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The weights that were judged, kept for whoever wants to judge them again.

Those of the evaluation that met the validation target, and of the last one.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jaxperf.trial import checkpoint

PyTree = Any
FOLDER = 'judged'


class Evaluated(NamedTuple):
  """Weights, and what an evaluation of them gave.

  Attributes:
    row: of `eval_measurements.csv`.
    params: that were evaluated.
    model_state: likewise.
  """

  row: Mapping[str, Any]
  params: PyTree
  model_state: PyTree


class Keeper:
  """Keeps judged weights in a trial's folder."""

  def __init__(self, folder: pathlib.Path, step: int):
    """Opens the place; what later steps left there was lost work.

    Args:
      folder: of the trial.
      step: that the trial goes on from.
    """
    self._checkpointer = checkpoint.Checkpointer(folder / FOLDER)
    self._checkpointer.drop_after(step)

  def keep(self, evaluated: Evaluated) -> None:
    """Starts to write; returns once the arrays are copied."""
    self._checkpointer.save(
      evaluated.row['global_step'],
      {'params': evaluated.params, 'model_state': evaluated.model_state},
      dict(evaluated.row),
    )

  def close(self) -> None:
    """Waits until everything is on disk; raises what writing it raised."""
    self._checkpointer.close()


def read(folder: pathlib.Path, like: Mapping[str, PyTree]) -> Iterator:
  """What a trial's folder keeps: an `Evaluated` each, in order of steps.

  Args:
    folder: of the trial; nothing in it is changed.
    like: `params` and `model_state` as `jax.ShapeDtypeStruct` with shardings.

  Raises:
    Exception: whatever a damaged file makes the libraries raise.
  """
  if not (folder / FOLDER).is_dir():
    return
  checkpointer = checkpoint.Checkpointer(folder / FOLDER, read_only=True)
  try:
    for step in checkpointer.steps():
      state, row = checkpointer.read(step, like)
      yield Evaluated(row, state['params'], state['model_state'])
  finally:
    checkpointer.close()
