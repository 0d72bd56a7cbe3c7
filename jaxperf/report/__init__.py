# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A verdict as text, as figures, as one HTML file; no JAX."""
