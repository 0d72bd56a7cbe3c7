# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a process of `pool` does; imports no more than its jobs do."""

import mmap
import multiprocessing.reduction
import os
import signal
import traceback
from multiprocessing import connection
from typing import Any

import numpy as np

from jaxperf import errors


def serve(descriptor: int) -> None:
  """What a process does: jobs, until the other end of its pipe is gone."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent decides.
  pipe = connection.Connection(descriptor)
  slots: dict[int, mmap.mmap] = {}
  try:
    while True:
      kind, *message = pipe.recv()
      if kind == 'slot':
        number, size = message
        shared = multiprocessing.reduction.recv_handle(pipe)
        slots[number] = mmap.mmap(shared, size)
        os.close(shared)
      elif kind == 'drop':
        for number in message[0]:
          slots.pop(number, None)
      else:
        pipe.send(_done(slots, *message[0]))
  except (EOFError, OSError):
    os._exit(0)


def _done(slots, number, slot, shape, first, last, fill) -> tuple[int, Any]:
  """Fills rows; the job's number and what went wrong."""
  try:
    array = np.ndarray(shape, np.float32, buffer=slots[slot])
    fill(array[first:last])
  except errors.UserError as error:
    return number, error
  except Exception:
    return number, RuntimeError(traceback.format_exc())
  return number, None
