# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What machine, shell and environment do, before and after a command."""

from __future__ import annotations

import errno
import os
import pathlib
import sys
import traceback

_X64 = 'JAX_ENABLE_X64'
_OFF = ('', '0', 'f', 'false', 'n', 'no', 'off')

# What a user can mend; all else is a fault of the program.
_MENDABLE = (
  *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
  *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EEXIST),
)


def settle() -> None:
  """Makes this process and those that it starts compute in 32 bits.

  To be called before JAX is imported. A submission may ask for 64 bits itself.
  """
  given = os.environ.pop(_X64, '')
  if given.lower() not in _OFF:
    print(
      f'jaxperf: {_X64}={given} is ignored: trials compute in 32 bits, as '
      'those do that they are compared with',
      file=sys.stderr,
    )


def expanded(word: str) -> str:
  """A word of the command line with the home where it says `--NAME=~`.

  Shells do that only where a word begins with it.

  >>> expanded('mine'), expanded('--format=~')[:9]
  ('mine', '--format=')
  """
  name, equals, value = word.partition('=')
  if not name.startswith('-') or not value.startswith('~'):
    return word
  return f'{name}{equals}{os.path.expanduser(value)}'


def sentence(error: Exception) -> str | None:
  """What to tell about an exception; None if it is nothing of this kind.

  Args:
    error: as it was caught.
  """
  if isinstance(error, OSError) and error.errno in _MENDABLE and error.filename:
    name = os.fsdecode(error.filename)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
      return (
        f'{name} cannot be written: {error.strerror}; free some space, and '
        'start again to go on'
      )
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
