# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a step, an update, the loop and the input take."""
