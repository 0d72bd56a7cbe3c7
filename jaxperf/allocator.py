# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The C library's memory, for programs that train on the CPU.

XLA takes its buffers from `malloc` in every step and frees them again. glibc
asks the kernel for large ones and gives them back, so that each step pays for
pages that are mapped and cleared anew.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import sys

# Names and numbers of glibc's malloc.h, see mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_SETTINGS = {
  _MMAP_MAX: 0,  # All memory from the heap,
  _ARENA_MAX: 1,  # of which there is one,
  _TRIM_THRESHOLD: 2**31 - 1,  # that does not shrink,
  _TOP_PAD: 2**26,  # and grows by 64 MiB.
}


def keep_freed_memory() -> None:
  """Lets this process keep what it frees, if it will train on the CPU.

  To be called before JAX starts its threads, each of which would have a heap of
  its own. Does nothing where an accelerator may be used, whose input pipelines
  are better off with a heap for each thread, or where the C library is not
  glibc.
  """
  if sys.platform != 'linux' or not _on_cpu():
    return
  library = ctypes.CDLL(None)
  if hasattr(library, 'gnu_get_libc_version'):
    for name, value in _SETTINGS.items():
      library.mallopt(name, value)


def _on_cpu() -> bool:
  """Whether JAX can use nothing but the CPU; does not start it."""
  import jax

  if jax.config.jax_platforms:
    return jax.config.jax_platforms == 'cpu'
  found = map(importlib.util.find_spec, ('jax_plugins', 'libtpu'))
  plugins = importlib.metadata.entry_points(group='jax_plugins')
  return not any(found) and not plugins
