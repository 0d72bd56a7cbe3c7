# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bicubic resizing as two products with sparse matrices."""

import functools

import numpy as np
from scipy import sparse

SIZE = 224
_STEPS = 1024  # Of the table of weights.
_A = -0.5  # Keys' kernel.


def resized(image: np.ndarray, *, mirrored: bool = False) -> np.ndarray:
  """The image in 224 x 224 pixels, float32, columns first: (x, y, channel).

  Half-pixel centres, no antialiasing, weights from a table of 1,024 steps, as
  TensorFlow's bicubic resizing; not clipped.

  Args:
    image: (H, W, C) uint8; may be a part of a larger one.
    mirrored: left to right.
  """
  height, width, channels = image.shape
  pixels = image.astype(np.float32).reshape(height, width * channels)
  rows = (weights(height) @ pixels).reshape(SIZE, width, channels)
  columns = _transposed(rows).reshape(width, SIZE * channels)
  made = weights(width, mirrored=mirrored) @ columns
  return made.reshape(SIZE, SIZE, channels)


def upright(image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
  """Rows first again, (y, x, channel), copied.

  Args:
    image: (x, y, channel).
    out: where to put it; a new array if None.
  """
  if out is None:
    return _transposed(image)
  item = np.dtype((np.void, image.dtype.itemsize * image.shape[2]))
  out.view(item)[..., 0] = image.view(item)[..., 0].T
  return out


def _transposed(image: np.ndarray) -> np.ndarray:
  """First and second axis swapped, copied a pixel at a time."""
  item = np.dtype((np.void, image.dtype.itemsize * image.shape[2]))
  swapped = np.ascontiguousarray(image.view(item)[..., 0].T)
  return swapped.view(image.dtype).reshape(*swapped.shape, image.shape[2])


@functools.lru_cache(4096)
def weights(count: int, *, mirrored: bool = False) -> sparse.csr_matrix:
  """From `count` pixels to 224, four weights a row; (224, count) float32.

  Pixels outside the image weigh nothing, and the others are divided by their
  sum.
  """
  scale = np.float32(count) / np.float32(SIZE)
  half = np.float32(0.5)
  position = (np.arange(SIZE, dtype=np.float32) + half) * scale - half
  first = np.floor(position)
  step = np.rint((position - first) * np.float32(_STEPS)).astype(int)
  near, far = _table()
  values = np.stack(
    [far[step], near[step], near[_STEPS - step], far[_STEPS - step]], axis=1
  )
  pixels = first.astype(int)[:, None] + np.arange(-1, 3)
  values = np.where((pixels >= 0) & (pixels < count), values, np.float32(0))
  values /= values.sum(axis=1, keepdims=True)
  if mirrored:
    values, pixels = values[::-1], pixels[::-1]
  pixels = pixels.clip(0, count - 1).astype(np.int32)
  starts = np.arange(SIZE + 1, dtype=np.int32) * 4
  return sparse.csr_matrix(
    (values.ravel(), pixels.ravel(), starts), shape=(SIZE, count)
  )


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
  """Weights at distances 0 to 1 and 1 to 2, (1,025) float32 each."""
  x = np.arange(_STEPS + 1) / _STEPS
  near = ((_A + 2) * x - (_A + 3)) * x * x + 1
  x = x + 1
  far = ((_A * x - 5 * _A) * x + 8 * _A) * x - 4 * _A
  return near.astype(np.float32), far.astype(np.float32)
