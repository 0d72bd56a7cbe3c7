# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Eight CPU devices for tests and doctests, set before anything imports JAX."""

import os

_DEVICES = '--xla_force_host_platform_device_count=8'
_flags = os.environ.get('XLA_FLAGS', '')
if _DEVICES not in _flags:  # Processes of pytest-xdist inherit it.
  os.environ['XLA_FLAGS'] = f'{_flags} {_DEVICES}'.strip()
os.environ.setdefault('JAX_PLATFORMS', 'cpu')
