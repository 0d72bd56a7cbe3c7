# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Click-through-rate prediction: DLRM-small and a mini task."""
