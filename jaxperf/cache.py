# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Where jaxperf keeps what it can compute again."""

import contextlib
import os
import pathlib
import tempfile


def folder(name: str) -> pathlib.Path:
  """`$XDG_CACHE_HOME/jaxperf/NAME`, by default below `~/.cache`.

  Where there is no home, as in some containers, below the folder of temporary
  files, one for each user.

  Args:
    name: of what is kept.
  """
  root = os.environ.get('XDG_CACHE_HOME')
  if not root:
    try:
      root = pathlib.Path.home() / '.cache'
    except RuntimeError:
      root = pathlib.Path(tempfile.gettempdir(), f'cache-{os.getuid()}')
  return pathlib.Path(root, 'jaxperf', name)


def trim(folder: pathlib.Path, most_bytes: int) -> None:
  """Removes the oldest files of a folder until no more bytes are left in it."""
  sizes = {}
  with os.scandir(folder) as found:
    for entry in found:
      with contextlib.suppress(FileNotFoundError):  # Somebody else trims, too.
        status = entry.stat()
        sizes[entry.path] = (status.st_mtime, status.st_size)
  left = sum(size for _, size in sizes.values())
  for path in sorted(sizes, key=sizes.__getitem__):
    if left <= most_bytes:
      break
    pathlib.Path(path).unlink(missing_ok=True)
    left -= sizes[path][1]
