# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a trial to save its state and end.

Imports nothing that takes time: the first process of a container ignores
signals until it has handlers.
"""

from __future__ import annotations

import os
import signal
import threading

# Of schedulers too: some warn with the last two.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
_asked = threading.Event()
_parent = os.getppid()


def listen() -> None:
  """Takes the signals; again after a library has put its handlers over ours."""
  for number in _SIGNALS:
    signal.signal(number, lambda *_: _asked.set())


def asked() -> bool:
  """Whether one came, or the parent of this process is gone."""
  return _asked.is_set() or os.getppid() != _parent
