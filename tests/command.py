# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Starts the command as a user does: in a process of its own."""

import os
import subprocess
import sys


def jaxperf(*arguments, devices=1, **options):
  environment = os.environ | {
    'XLA_FLAGS': f'--xla_force_host_platform_device_count={devices}',
    'COLUMNS': '200',
  }
  return subprocess.run(
    [sys.executable, '-m', 'jaxperf', *map(str, arguments)],
    capture_output=True,
    text=True,
    env=environment,
    **options,
  )
