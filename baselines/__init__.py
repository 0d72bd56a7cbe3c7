# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training algorithms, one file each, ending in its submissions."""
