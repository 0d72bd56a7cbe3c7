# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Ends a process that hangs, so that somebody starts it again.

A collective on GPUs may wait for ever for a peer that is gone, without raising.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


class Watchdog:
  """Ends the process when nothing has changed for too long."""

  def __init__(
    self,
    signs: Callable[[], Any],
    hang_s: float,
    status: int,
    end: Callable[[int], Any] = os._exit,
  ):
    """Starts its thread.

    Args:
      signs: returns what changes as long as all is well; called from the
        thread.
      hang_s: seconds.
      status: with which the process ends.
      end: ends it.
    """
    self._signs, self._hang_s = signs, hang_s
    self._status, self._end = status, end
    self._done = threading.Event()
    threading.Thread(target=self._work, daemon=True).start()

  def close(self) -> None:
    """Stops looking."""
    self._done.set()

  def _work(self) -> None:
    seen, since = self._signs(), time.monotonic()
    while not self._done.wait(min(self._hang_s / 10, 10.0)):
      now = self._signs()
      if now != seen:
        seen, since = now, time.monotonic()
      elif time.monotonic() - since > self._hang_s:
        print(
          f'nothing has advanced for {self._hang_s:.0f} s ({seen}): this '
          'process ends, and can be started again',
          flush=True,
        )
        faulthandler.dump_traceback(file=sys.__stderr__, all_threads=True)
        self._end(self._status)
        return
