# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Eight CPU devices for tests and doctests, set before anything imports JAX."""

import os

os.environ['XLA_FLAGS'] = (
  os.environ.get('XLA_FLAGS', '') + ' --xla_force_host_platform_device_count=8'
)
os.environ.setdefault('JAX_PLATFORMS', 'cpu')
