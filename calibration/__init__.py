# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How the small scale was made, and what it is worth.

Scripts and their recorded runs, for the root of a clone; not installed.
"""
