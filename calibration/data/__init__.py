# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the small data sets that ship from packages that hold them."""
