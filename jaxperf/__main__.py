# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Lets `python -m jaxperf` do what `jaxperf` does."""

import os
import pathlib
import sys

import jaxperf
from jaxperf.cli import main

if __name__ == '__main__':
  # Python files in the current folder are no modules, as for a trial's process.
  here, clone = os.getcwd(), pathlib.Path(jaxperf.__file__).parents[1]
  if not sys.flags.safe_path and sys.path[0] == here != str(clone):
    del sys.path[0]
  sys.exit(main.main())
