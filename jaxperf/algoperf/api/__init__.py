# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Stands for the package `algoperf` where that is not installed."""

from jaxperf.algoperf.api import jax_sharding_utils, spec

__all__ = ['jax_sharding_utils', 'spec']
