# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays of prepared data that stay on disk: processes of a host share them."""

import pathlib

import numpy as np

from jaxperf import errors


def array(path: pathlib.Path, kind: np.dtype, again: str) -> np.ndarray:
  """A file's array (N,) of a kind, mapped.

  Args:
    path: of a `.npy` file.
    kind: that it should hold.
    again: what to do about a damaged file.

  Raises:
    UserError: if it is something else.
  """
  try:
    found = np.load(path, mmap_mode='r')
  except (ValueError, EOFError) as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): {again}'
    ) from None
  if found.dtype != kind or found.ndim != 1:
    raise errors.UserError(
      f'{path} holds {found.dtype} {found.shape}, expected {kind} (N,): {again}'
    )
  return np.asarray(found)  # Not a memmap: those are slow to index.
