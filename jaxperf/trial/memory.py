# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory a process has needed."""

from __future__ import annotations

import resource
from typing import Any

import jax


def peak() -> dict[str, Any]:
  """Most bytes in use so far: `of` the fullest device, or else of the host."""
  statistics_of = [device.memory_stats() for device in jax.local_devices()]
  if all(statistics_of):
    return {
      'of': 'device',
      'bytes': max(found['peak_bytes_in_use'] for found in statistics_of),
    }
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
  return {'of': 'host', 'bytes': peak}
