# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How the small scale was made, and what it is worth."""
