# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Which part of an image is looked at: the middle, or a random window.

In single precision and with roundings as in TensorFlow, so that the same random
words give the same windows.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

_MIN_ASPECT, _MAX_ASPECT = np.float32(0.75), np.float32(4 / 3)
_MIN_AREA = np.float32(0.08)  # Of the window, relative to the image.
_MIN_COVERED = np.float32(0.1)
_ATTEMPTS = 10
_CENTRE = np.float32(224 / 256)


class Window(NamedTuple):
  """Rows y to y + height and columns x to x + width of an image."""

  y: int
  x: int
  height: int
  width: int


def centre(height: int, width: int) -> Window:
  """The square in the middle that evaluation sees.

  >>> centre(375, 500)
  Window(y=24, x=86, height=328, width=328)
  """
  side = int(_CENTRE * np.float32(min(height, width)))
  return Window((height - side + 1) // 2, (width - side + 1) // 2, side, side)


def window(height: int, width: int, words: Iterator[int]) -> Window:
  """A random window: at least a tenth of the area, sides 3:4 to 4:3.

  The height, not the area, is uniform, and the last possible offset is never
  drawn. After ten vain attempts it is the whole image.

  Args:
    height: of the image.
    width: of the image.
    words: source of random 32-bit words; as many are taken as are needed.

  References:
    TensorFlow, sample_distorted_bounding_box_op.cc.
  """
  for _ in range(_ATTEMPTS):
    size = _size(height, width, words)
    if size is None:
      continue
    high, wide = size
    y = below(height - high, words) if high < height else 0
    x = below(width - wide, words) if wide < width else 0
    covered = np.float32(high * wide) / np.float32(height * width)
    if covered >= _MIN_COVERED:
      return Window(y, x, high, wide)
  return Window(0, 0, height, width)


def _size(height, width, words) -> tuple[int, int] | None:
  """Height and width of a window, or None if the attempt fails."""
  aspect = uniform(words) * (_MAX_ASPECT - _MIN_ASPECT) + _MIN_ASPECT
  low = _MIN_AREA * np.float32(width) * np.float32(height)
  high = np.float32(width) * np.float32(height)
  least = round(np.sqrt(low / aspect))
  most = round(np.sqrt(high / aspect))
  if round(most * aspect) > width:
    most = int((width + 0.5 - 1e-7) / float(aspect))
    most -= round(most * aspect) > width
  most = min(most, height)
  least = min(least, most)
  rows = least
  if least < most:
    rows += below(most - least + 1, words)
  columns = round(rows * aspect)
  if np.float32(rows * columns) < low:
    rows += 1
    columns = round(rows * aspect)
  if np.float32(rows * columns) > high:
    rows -= 1
    columns = round(rows * aspect)
  area = np.float32(rows * columns)
  fits = 0 < rows <= height and 0 < columns <= width and low <= area <= high
  return (rows, columns) if fits else None


def uniform(words: Iterator[int]) -> np.float32:
  """A number in [0, 1), from 23 bits of one word.

  >>> uniform(iter([2**22]))
  np.float32(0.5)
  """
  return np.float32((next(words) & 0x7FFFFF) / 2**23)


def below(count: int, words: Iterator[int]) -> int:
  """A uniform integer in [0, count); words that would favour some are skipped.

  >>> below(8, iter([13])), below(10, iter([3, 13]))
  (5, 3)
  """
  if math.log2(count).is_integer():
    return next(words) & (count - 1)
  rejected = (2**32 - 1) % count + 1
  word = next(words)
  while word < rejected:
    word = next(words)
  return word % count
