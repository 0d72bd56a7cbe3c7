# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Where jaxperf keeps what it can compute again."""

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
