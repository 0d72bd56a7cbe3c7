# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a run leaves on disk, and reading it back; no JAX."""
