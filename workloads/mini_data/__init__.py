# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Small real data sets that ship with the package, as numpy arrays.

A module for each. Its `splits()` returns `{'train': ..., 'validation': ...,
'test': ...}`; the splits are fixed in the files and depend on no seed. What the
data is, and what in it is simulated or computed: `docs/mini_data.md`.
"""
