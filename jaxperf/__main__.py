# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Lets `python -m jaxperf` do what `jaxperf` does."""

import sys

from jaxperf.cli import main

if __name__ == '__main__':
  sys.exit(main.main())
