# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Says in a sentence what the machine or its environment does not allow."""

from __future__ import annotations

import errno
import os
import pathlib
import traceback

# What a user can mend; all else is a fault of the program.
_MENDABLE = (
  *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
  *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST),
)


def sentence(error: Exception) -> str | None:
  """What to tell about an exception; None if it is nothing of this kind.

  Args:
    error: as it was caught.
  """
  if isinstance(error, OSError) and error.errno in _MENDABLE and error.filename:
    name = os.fsdecode(error.filename)
    return (
      f'{name} cannot be used: {error.strerror}; choose another place, or mend '
      'its permissions'
    )
  frames = traceback.extract_tb(error.__traceback__)
  where = pathlib.Path(frames[-1].filename).parts[-3:] if frames else ()
  given = [
    f'{name}={value}'
    for name, value in sorted(os.environ.items())
    if name.startswith('JAX_')
  ]
  if given and where == ('jax', '_src', 'config.py'):
    return (
      f'JAX does not understand its environment: {error}; it has '
      f'{", ".join(given)}, unset what is wrong'
    )
  return None
