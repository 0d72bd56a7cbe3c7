# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Augmentation of whole batches in numpy: random crop, flip, mixup."""

import numpy as np

MIXUP_ALPHA = 0.2


def random_crop_and_flip(
  padded: np.ndarray, indices: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
  """Random windows of padded images, half of them mirrored left to right.

  Args:
    padded: all images (N, P, P), with their padding.
    indices: the images of the batch, (B,).
    size: side of the windows.
    rng: for the offsets and the flips.

  Returns:
    The batch, (B, size, size), dtype of `padded`.
  """
  batch_size = len(indices)
  offsets = rng.integers(padded.shape[1] - size + 1, size=(2, batch_size))
  flip = rng.integers(2, size=batch_size, dtype=bool)
  windows = np.lib.stride_tricks.sliding_window_view(
    padded, (size, size), axis=(1, 2)
  )
  crops = windows[indices, *offsets]
  crops[flip] = crops[flip, :, ::-1]
  return crops


def mixup(
  inputs: np.ndarray, targets: np.ndarray, weight: float
) -> tuple[np.ndarray, np.ndarray]:
  """Each example blended with the one before it (the first with the last).

  x_i <- weight x_i + (1 - weight) x_{i-1}, targets likewise.

  >>> images, labels = np.ones((2, 4, 4, 3), np.float32), np.eye(2)
  >>> mixup(images, labels, 0.75)[1].tolist()
  [[0.75, 0.25], [0.25, 0.75]]

  Args:
    inputs: (B, ...) float32.
    targets: soft or one-hot labels (B, C) float32.
    weight: in [0, 1]; one for the whole batch, from Beta(0.2, 0.2).

  References:
    Zhang et al., mixup: Beyond empirical risk minimization, ICLR 2018.
  """
  weight = np.float32(weight)

  def blend(x):
    return weight * x + (1 - weight) * np.roll(x, 1, axis=0)

  return blend(inputs), blend(targets)
