# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Photographs of clothes in ten classes, for the image models."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workloads.mini_data import files


class Images(NamedTuple):
  """One split; the classes take turns, so that any prefix is balanced.

  Attributes:
    images: (N, 28, 28) uint8, 0 is black; 16 different levels.
    labels: (N,) uint8, 0 to 9.
  """

  images: np.ndarray
  labels: np.ndarray


def splits() -> dict[str, Images]:
  """Fashion-MNIST: 12,000 / 2,000 / 2,000 grey images of ten classes.

  Train and validation come from the original training set, test from the
  original test set.

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  arrays = files.read('images')
  pixels, labels = arrays['pixels'], arrays['labels']
  grey = np.empty((len(labels), 28, 28), np.uint8)
  # A byte holds a pixel of an even row and the one below it.
  grey[:, 0::2] = (pixels >> 4) * 17
  grey[:, 1::2] = (pixels & 15) * 17
  return {
    split: Images(grey[rows], labels[rows])
    for split, rows in files.split_slices('images').items()
  }
