# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""RandAugment as tables and gathers: the same bytes in a third of the time.

At one level every operation on single values is a table of 256 entries, every
blend of two images one of 65,536, and every geometric one a list of pixels to
take. The tables are made by the definitions in `randaugment`.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from workloads.imagenet import randaugment

_FACTOR = 1.9
_GREYS = np.arange(256, dtype=np.uint8)


def augmented(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
  """What `randaugment.randaugment` makes of an image with these draws.

  Args:
    image: (H, W, 3) uint8.
    rng: whose draws decide: the operation, then its sign or centre; twice.
  """
  return randaugment.randaugment(image, rng, operations=OPERATIONS)


def autocontrast(image: np.ndarray) -> np.ndarray:
  """See `randaugment.autocontrast`."""
  planes = _planes(image)
  ramp = _GREYS.reshape(1, -1, 1)
  tables = []
  for plane in planes:
    low, high = int(plane.min()), int(plane.max())
    stretched = randaugment.autocontrast(ramp[:, low : high + 1])
    tables.append(np.zeros(256, np.uint8))
    tables[-1][low : high + 1] = stretched.ravel()
  return _by_channel(image, planes, tables)


def equalize(image: np.ndarray) -> np.ndarray:
  """See `randaugment.equalize`."""
  planes = _planes(image)
  tables = [
    randaugment.equalize_table(np.bincount(plane, minlength=256))
    for plane in planes
  ]
  return _by_channel(image, planes, tables)


def contrast(image: np.ndarray) -> np.ndarray:
  """See `randaugment.contrast`."""
  centre = randaugment.contrast_centre(*image.shape[:2])
  return _mapped(image, _blends()[centre])


def color(image: np.ndarray) -> np.ndarray:
  """See `randaugment.color`."""
  return _blended(randaugment.grey(image)[..., None], image)


def sharpness(image: np.ndarray) -> np.ndarray:
  """See `randaugment.sharpness`."""
  values = image.astype(np.int16)
  rows = values[:-2] + values[2:]
  rows += values[1:-1]
  total = rows[:, :-2] + rows[:, 2:]
  total += rows[:, 1:-1]
  middle = values[1:-1, 1:-1]
  middle *= 4
  total += middle
  total //= 13
  smoothed = image.copy()
  smoothed[1:-1, 1:-1] = total
  return _blended(smoothed, image)


def moved(image: np.ndarray, name: str, amount: float) -> np.ndarray:
  """An image after a geometric operation.

  Args:
    image: (H, W, 3) uint8.
    name: of the function in `randaugment`.
    amount: its argument.
  """
  height, width, _ = image.shape
  pixels = np.empty((height * width + 1, 4), np.uint8)
  pixels[:-1, :3] = image.reshape(-1, 3)
  pixels[-1] = randaugment.GREY
  places = _places(name, amount, height, width)
  taken = pixels.view(np.uint32).ravel().take(places)
  taken = taken.view(np.uint8).reshape(height, width, 4)
  return np.ascontiguousarray(taken[..., :3])


def _signed(name: str, amount: float) -> Callable:
  """A geometric operation in a random direction."""
  return lambda image, rng: moved(image, name, randaugment.signed(amount, rng))


OPERATIONS: dict[str, Callable] = randaugment.OPERATIONS | {
  'AutoContrast': lambda image, rng: autocontrast(image),
  'Equalize': lambda image, rng: equalize(image),
  'Rotate': _signed('rotate', 30.0),
  'Solarize': lambda image, rng: randaugment.invert(image),
  'Color': lambda image, rng: color(image),
  'Contrast': lambda image, rng: contrast(image),
  'Brightness': lambda image, rng: _mapped(image, _blends()[0]),
  'Sharpness': lambda image, rng: sharpness(image),
  'ShearX': _signed('shear_x', 0.3),
  'ShearY': _signed('shear_y', 0.3),
  'TranslateX': _signed('translate_x', 100.0),
  'TranslateY': _signed('translate_y', 100.0),
  'SolarizeAdd': lambda image, rng: _mapped(image, _raised()),
}


def _planes(image: np.ndarray) -> list[np.ndarray]:
  """The channels, each in one piece."""
  return [np.ascontiguousarray(image[..., c]).ravel() for c in range(3)]


def _mapped(image: np.ndarray, table: np.ndarray) -> np.ndarray:
  """The image with each value replaced by the table's."""
  mapped = image.tobytes().translate(table.tobytes())
  return np.frombuffer(mapped, np.uint8).reshape(image.shape)


def _by_channel(
  image: np.ndarray, planes: Sequence[np.ndarray], tables: Sequence[np.ndarray]
) -> np.ndarray:
  """The image with a table for each channel."""
  made = np.empty(image.shape, np.uint8)
  for channel, (plane, table) in enumerate(zip(planes, tables)):
    made[..., channel] = _mapped(plane, table).reshape(image.shape[:2])
  return made


def _blended(start: np.ndarray, image: np.ndarray) -> np.ndarray:
  """Beyond the image, away from `start` (uint8, same shape or one channel)."""
  pairs = start.astype(np.uint16) << 8
  return _blends().ravel().take(pairs | image)


@functools.cache
def _blends() -> np.ndarray:
  """Result of blending for each start and value, (256, 256) uint8."""
  start = _GREYS.astype(np.float32)[:, None]
  return randaugment.blend(start, _GREYS[None], _FACTOR)


@functools.cache
def _raised() -> np.ndarray:
  """SolarizeAdd of each value."""
  return randaugment.solarize_add(_GREYS, 110)


@functools.lru_cache(64)
def _places(name: str, amount: float, height: int, width: int) -> np.ndarray:
  """Number of the pixel that is taken for each; H W stands for grey."""
  number = np.arange(height * width, dtype=np.int64).reshape(height, width)
  low, middle, high = (
    (number >> shift & 255).astype(np.uint8) for shift in (0, 8, 16)
  )
  place = getattr(randaugment, name)
  whole = np.stack([low, middle, high], axis=-1)
  inside = place(np.zeros_like(whole), amount)[..., 0] == 0
  found = place(whole, amount).astype(np.int64)
  found = found[..., 0] | found[..., 1] << 8 | found[..., 2] << 16
  return np.where(inside, found, height * width).ravel()
