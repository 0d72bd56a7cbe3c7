# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Language modelling with a decoder-only Transformer on educational pages."""
