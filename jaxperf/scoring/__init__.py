# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From tables to times, to scores, and how sure they are; no JAX."""
