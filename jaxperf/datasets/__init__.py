# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The command `jaxperf data`: prepare, check, list; knows no data set."""
