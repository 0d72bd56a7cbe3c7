# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to run the trials of an experiment."""
