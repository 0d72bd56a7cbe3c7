# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Translation from German to English with a Transformer."""
