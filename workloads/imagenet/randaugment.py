# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""RandAugment at full strength, on one image (H, W, 3) of uint8.

Each operation returns a new image; truncation to integers is part of the
definition. Sixteen operations, of which two random ones are applied in turn.

References:
  Cubuk et al., RandAugment: Practical automated data augmentation with a
  reduced search space, NeurIPS 2020.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

GREY = 128  # Fills what comes from outside the image.
_LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)


def randaugment(
  image: np.ndarray,
  rng: np.random.Generator,
  num_layers: int = 2,
  *,
  operations: Mapping[str, Callable] | None = None,
) -> np.ndarray:
  """The image after `num_layers` operations drawn uniformly.

  The level is always the largest, and a drawn operation is always applied.

  Args:
    image: (H, W, 3) uint8.
    rng: for the operations and what is random in them.
    num_layers: operations in turn.
    operations: other forms of `OPERATIONS`, in the same order.
  """
  operations = operations or OPERATIONS
  names = list(operations)
  for _ in range(num_layers):
    image = operations[names[rng.integers(len(names))]](image, rng)
  return image


def autocontrast(image: np.ndarray) -> np.ndarray:
  """Each channel stretched to [0, 255]; a constant channel stays."""
  low = image.min(axis=(0, 1)).astype(np.float32)
  high = image.max(axis=(0, 1)).astype(np.float32)
  scale = np.float32(255) / np.where(high > low, high - low, 255)
  stretched = _to_uint8((image - low) * scale)
  return np.where(high > low, stretched, image)


def equalize(image: np.ndarray) -> np.ndarray:
  """Each channel with an almost flat histogram."""
  channels = [_equalize_channel(image[..., c]) for c in range(image.shape[-1])]
  return np.stack(channels, axis=-1)


def invert(image: np.ndarray) -> np.ndarray:
  """255 - v."""
  return 255 - image


def posterize(image: np.ndarray, bits: int) -> np.ndarray:
  """Only the top bits of each value."""
  return image & np.uint8(256 - (1 << (8 - bits)))


def solarize(image: np.ndarray, threshold: int) -> np.ndarray:
  """Values from the threshold on are inverted.

  The threshold is taken modulo 256, as the published pipeline does: its 256
  means 0, so that the whole image is inverted.
  """
  return np.where(image < threshold % 256, image, 255 - image)


def solarize_add(
  image: np.ndarray, addition: int, threshold: int = 128
) -> np.ndarray:
  """Values below the threshold are raised."""
  raised = np.clip(image.astype(np.int32) + addition, 0, 255)
  return np.where(image < threshold, raised.astype(np.uint8), image)


def color(image: np.ndarray, factor: float) -> np.ndarray:
  """Saturation times `factor`."""
  return blend(grey(image).astype(np.float32)[..., None], image, factor)


def grey(image: np.ndarray) -> np.ndarray:
  """Luminance, (H, W) uint8."""
  luma = np.clip(image.astype(np.float32) @ _LUMA / 255, 0, 1)
  return np.floor(luma * 255.5).astype(np.uint8)


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
  """Contrast times `factor`, around (number of pixels) / 256.

  That constant is the published pipeline's; the mean brightness was meant.
  """
  centre = contrast_centre(*image.shape[:2])
  return blend(np.float32(centre), image, factor)


def contrast_centre(height: int, width: int) -> int:
  """What `contrast` leaves as it is.

  >>> contrast_centre(224, 224)
  196
  """
  return min(height * width // 256, 255)


def brightness(image: np.ndarray, factor: float) -> np.ndarray:
  """Values times `factor`."""
  return blend(np.float32(0), image, factor)


def sharpness(image: np.ndarray, factor: float) -> np.ndarray:
  """Difference to a 3x3 smoothed image times `factor`; the border stays."""
  height, width, _ = image.shape
  values = image.astype(np.int32)
  total = 4 * values[1:-1, 1:-1]  # The middle counts five times.
  for row in range(3):
    for column in range(3):
      total += values[row : height - 2 + row, column : width - 2 + column]
  smoothed = image.copy()
  smoothed[1:-1, 1:-1] = total // 13
  return blend(smoothed.astype(np.float32), image, factor)


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
  """Rotation around the centre, counter-clockwise if positive."""
  height, width, _ = image.shape
  cos = math.cos(math.radians(degrees))
  sin = math.sin(math.radians(degrees))
  right, bottom = width - 1, height - 1
  x0 = (right - (cos * right - sin * bottom)) / 2
  y0 = (bottom - (sin * right + cos * bottom)) / 2
  return _affine(image, (cos, -sin, x0), (sin, cos, y0))


def shear_x(image: np.ndarray, level: float) -> np.ndarray:
  """Pixel (x, y) comes from (x + level y, y)."""
  return _affine(image, (1, level, 0), (0, 1, 0))


def shear_y(image: np.ndarray, level: float) -> np.ndarray:
  """Pixel (x, y) comes from (x, y + level x)."""
  return _affine(image, (1, 0, 0), (level, 1, 0))


def translate_x(image: np.ndarray, pixels: float) -> np.ndarray:
  """Pixel (x, y) comes from (x + pixels, y)."""
  return _affine(image, (1, 0, pixels), (0, 1, 0))


def translate_y(image: np.ndarray, pixels: float) -> np.ndarray:
  """Pixel (x, y) comes from (x, y + pixels)."""
  return _affine(image, (1, 0, 0), (0, 1, pixels))


def cutout(
  image: np.ndarray, pixels: int, centre: tuple[int, int]
) -> np.ndarray:
  """A grey box from `pixels` before to `pixels` after centre (row, column)."""
  row, column = centre
  image = image.copy()
  image[
    max(row - pixels, 0) : row + pixels,
    max(column - pixels, 0) : column + pixels,
  ] = GREY
  return image


def signed(value: float, rng: np.random.Generator) -> float:
  """The value or its opposite, by one draw."""
  return value if rng.integers(2) else -value


def _random_cutout(image, rng):
  height, width, _ = image.shape
  return cutout(
    image, 40, (int(rng.integers(height)), int(rng.integers(width)))
  )


OPERATIONS: dict[str, Callable] = {
  'AutoContrast': lambda image, rng: autocontrast(image),
  'Equalize': lambda image, rng: equalize(image),
  'Invert': lambda image, rng: invert(image),
  'Rotate': lambda image, rng: rotate(image, signed(30.0, rng)),
  'Posterize': lambda image, rng: posterize(image, 4),
  'Solarize': lambda image, rng: solarize(image, 256),
  'Color': lambda image, rng: color(image, 1.9),
  'Contrast': lambda image, rng: contrast(image, 1.9),
  'Brightness': lambda image, rng: brightness(image, 1.9),
  'Sharpness': lambda image, rng: sharpness(image, 1.9),
  'ShearX': lambda image, rng: shear_x(image, signed(0.3, rng)),
  'ShearY': lambda image, rng: shear_y(image, signed(0.3, rng)),
  'TranslateX': lambda image, rng: translate_x(image, signed(100.0, rng)),
  'TranslateY': lambda image, rng: translate_y(image, signed(100.0, rng)),
  'Cutout': _random_cutout,
  'SolarizeAdd': lambda image, rng: solarize_add(image, 110),
}


def _equalize_channel(channel: np.ndarray) -> np.ndarray:
  """Histogram equalisation of (H, W)."""
  histogram = np.bincount(channel.ravel(), minlength=256)
  return equalize_table(histogram)[channel]


def equalize_table(histogram: np.ndarray) -> np.ndarray:
  """What each value becomes, (256,) uint8, given how often each is there."""
  used = histogram[histogram > 0]
  step = (used.sum() - used[-1]) // 255
  if step == 0:
    return np.arange(256, dtype=np.uint8)
  table = (np.cumsum(histogram) + step // 2) // step
  table = np.concatenate([[0], table[:-1]]).clip(0, 255)
  return table.astype(np.uint8)


def blend(start, image: np.ndarray, factor: float) -> np.ndarray:
  """Clip(start + factor (image - start)): beyond the image if factor > 1."""
  return _to_uint8(start + np.float32(factor) * (image - start))


def _affine(image: np.ndarray, to_x, to_y) -> np.ndarray:
  """Nearest pixel at x' = a x + b y + c, likewise y'; grey from outside.

  Args:
    image: (H, W, 3).
    to_x: a, b, c of x'.
    to_y: a, b, c of y'.
  """
  height, width, _ = image.shape
  y, x = np.mgrid[:height, :width].astype(np.float32)

  def nearest(coefficients):
    a, b, c = np.asarray(coefficients, np.float32)
    value = a * x + b * y + c
    return np.trunc(value + np.copysign(np.float32(0.5), value)).astype(int)

  column, row = nearest(to_x), nearest(to_y)
  inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
  moved = image[row.clip(0, height - 1), column.clip(0, width - 1)]
  return np.where(inside[..., None], moved, np.uint8(GREY))


def _to_uint8(values: np.ndarray) -> np.ndarray:
  """Clipped to [0, 255] and truncated."""
  return np.clip(values, 0, 255).astype(np.uint8)
