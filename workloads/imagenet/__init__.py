# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""ImageNet classification: ResNet-50 and ViT-S/16."""
