# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From a config to jobs, and from jobs to processes."""
