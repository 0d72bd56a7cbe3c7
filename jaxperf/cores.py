# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How many cores this process may use, and how many workers make batches.

No number of workers changes a batch.
"""

from __future__ import annotations

import concurrent.futures
import functools
import os

from jaxperf import errors

ENVIRONMENT = 'JAXPERF_INPUT_WORKERS'


def available() -> int:
  """Cores that this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def input_workers(most: int, spare: int = 0) -> int:
  """Processes or threads that make batches: `$JAXPERF_INPUT_WORKERS`.

  By default there is one a core.

  Args:
    most: no more than these by default.
    spare: cores that are left for the rest by default.

  Raises:
    UserError: if the variable is no number.
  """
  chosen = os.environ.get(ENVIRONMENT, '')
  if not chosen:
    return min(max(available() - spare, 1), most)
  if not chosen.isdecimal() or not int(chosen):
    raise errors.UserError(
      f'${ENVIRONMENT} is {chosen!r}, expected a number of workers'
    )
  return int(chosen)


@functools.cache
def input_threads(most: int) -> tuple[concurrent.futures.Executor, int]:
  """Threads that make batches, kept by this process, and how many."""
  count = input_workers(most)
  return concurrent.futures.ThreadPoolExecutor(count), count
