# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech recognition on LibriSpeech, and on spoken commands that ship."""
