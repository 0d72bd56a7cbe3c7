# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""One module a data set: its pinned packages and how the file is made."""
