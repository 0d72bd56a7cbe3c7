# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From records to pixels: what a process does with its rows of a batch.

The randomness of a training image is a function of (seed, position): its draws
are, in this order, the window, the flip, and what RandAugment needs.
"""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from jaxperf import errors
from workloads.imagenet import (
  augment,
  crop,
  jpeg,
  quick_randaugment,
  records,
  resize,
)

SHAPE = (resize.SIZE, resize.SIZE, 3)
MEAN = np.array([0.485, 0.456, 0.406]) * 255
STD = np.array([0.229, 0.224, 0.225]) * 255
_EXAMPLE, _MIXUP = 4, 5  # Keep the uses of a seed apart.


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """Rows of an evaluation batch.

  Attributes:
    split: whose images they are.
    indices: of the images, (rows,).
  """

  split: records.Split
  indices: np.ndarray

  def fill(self, out: np.ndarray) -> None:
    """Writes the images, (rows, 224, 224, 3) float32."""
    for index, pixels in zip(self.indices.tolist(), out):
      _make(self.split, index, functools.partial(evaluated, out=pixels))


@dataclasses.dataclass(frozen=True)
class Training:
  """Rows of a training batch.

  Attributes:
    split: whose images they are.
    indices: of the images, (rows,).
    seed: of the run.
    position: of the first row in the stream, (seed, position) being its key.
  """

  split: records.Split
  indices: np.ndarray
  seed: int
  position: int

  def fill(self, out: np.ndarray) -> None:
    """Writes the images, (rows, 224, 224, 3) float32."""
    for row, (index, pixels) in enumerate(zip(self.indices.tolist(), out)):
      rng = example_rng(self.seed, self.position + row)
      _make(self.split, index, functools.partial(viewed, rng=rng, out=pixels))


@dataclasses.dataclass(frozen=True)
class Mixed:
  """Rows of a training batch with RandAugment and mixup.

  Attributes:
    split: whose images they are.
    indices: of the images, (1 + rows,): first the one before the first row.
    seed: of the run.
    positions: of these images in the stream, (1 + rows,).
    weight: of each image; the one before it has the rest.
  """

  split: records.Split
  indices: np.ndarray
  seed: int
  positions: np.ndarray
  weight: np.float32

  def fill(self, out: np.ndarray) -> None:
    """Writes the images, (rows, 224, 224, 3) float32."""
    before = self._image(0)
    for row, pixels in enumerate(out):
      image = self._image(1 + row)
      np.multiply(image, self.weight, out=pixels)
      before *= 1 - self.weight
      pixels += before
      before = image

  def _image(self, place: int) -> np.ndarray:
    """One image before it is mixed."""
    rng = example_rng(self.seed, int(self.positions[place]))
    index = int(self.indices[place])
    return _make(self.split, index, functools.partial(augmented, rng=rng))


def example_rng(seed: int, position: int) -> np.random.Generator:
  """Random numbers of one training example.

  Args:
    seed: of the run.
    position: batches taken before times their size, plus the row.
  """
  return np.random.Generator(np.random.PCG64([seed, _EXAMPLE, position]))


def mixup_weight(seed: int, taken: int) -> np.float32:
  """How much of each image a batch keeps; Beta(0.2, 0.2).

  Args:
    seed: of the run.
    taken: batches taken before this one.
  """
  rng = np.random.Generator(np.random.PCG64([seed, _MIXUP, taken]))
  return np.float32(rng.beta(augment.MIXUP_ALPHA, augment.MIXUP_ALPHA))


def random_words(rng: np.random.Generator) -> Iterator[int]:
  """Words of 32 random bits."""
  while True:
    yield int(rng.integers(2**32, dtype=np.uint32))


def evaluated(image: bytes, out: np.ndarray) -> None:
  """Writes an image as evaluation sees it: its middle, normalised.

  Args:
    image: encoded.
    out: (224, 224, 3) float32.
  """
  pixels = jpeg.decoded(image)
  height, width, _ = pixels.shape
  normalise(resize.resized(_part(pixels, crop.centre(height, width))), out)


def random_view(
  image: bytes, crop_words: Iterator[int], flip_words: Iterator[int]
) -> np.ndarray:
  """A random part of an image, half of the time mirrored.

  Args:
    image: encoded.
    crop_words: random 32-bit words for the window.
    flip_words: the same for the flip, which takes one.

  Returns:
    Columns first, (224, 224, 3) float32, not clipped.
  """
  height, width, grey = jpeg.shape(image)
  window = crop.window(height, width, crop_words)
  if window[2:] == (height, width) and not grey:
    window = crop.centre(height, width)  # Not for grey ones: as published.
  mirrored = bool(crop.uniform(flip_words) < 0.5)
  pixels = _part(jpeg.decoded(image), window)
  return resize.resized(pixels, mirrored=mirrored)


def viewed(image: bytes, rng: np.random.Generator, out: np.ndarray) -> None:
  """Writes a random view of an image, normalised.

  Args:
    image: encoded.
    rng: of the example.
    out: (224, 224, 3) float32.
  """
  words = random_words(rng)
  normalise(random_view(image, words, words), out)


def augmented(image: bytes, rng: np.random.Generator) -> np.ndarray:
  """A random view of an image after RandAugment, normalised.

  Args:
    image: encoded.
    rng: of the example.
  """
  words = random_words(rng)
  view = random_view(image, words, words)
  np.clip(view, 0, 255, out=view)
  pixels = resize.upright(view.astype(np.uint8))
  pixels = quick_randaugment.augmented(pixels, rng)
  mean, scale = _statistics()
  made = pixels.reshape(resize.SIZE, -1) - mean
  made *= scale
  return made.reshape(SHAPE)


def normalise(view: np.ndarray, out: np.ndarray) -> None:
  """Writes (view - mean) / std, rows first.

  Args:
    view: columns first, (224, 224, 3) float32; overwritten.
    out: (224, 224, 3) float32.
  """
  mean, scale = _statistics()
  flat = view.reshape(resize.SIZE, -1)
  flat -= mean
  flat *= scale
  resize.upright(view, out)


@functools.cache
def _statistics() -> tuple[np.ndarray, np.ndarray]:
  """Mean and 1 / std of the values of a row of pixels, (672,) float32."""
  mean, scale = (
    np.tile(x.astype(np.float32), resize.SIZE) for x in (MEAN, 1 / STD)
  )
  return mean, scale


def _part(pixels: np.ndarray, window: crop.Window) -> np.ndarray:
  y, x, height, width = window
  return pixels[y : y + height, x : x + width]


def _make(split: records.Split, index: int, make):
  """What `make` makes of an image.

  Raises:
    UserError: if it cannot be decoded; names split, number and file.
  """
  reader = _reader(split.name, split.folder, split.starts.tobytes())
  image = reader.read(index)
  try:
    return make(image)
  except ValueError as error:
    raise errors.UserError(
      f'image {index:,} of {split.name}, {split.file_name(index)} in '
      f'{split.folder}, cannot be decoded ({errors.first_line(error)}): '
      'prepare ImageNet again from the original archives'
    ) from None


def close_files() -> None:
  """Closes what this process keeps open, as files may have been made anew."""
  _reader.cache_clear()


@functools.lru_cache(8)
def _reader(name, folder, starts: bytes) -> records.Reader:
  """Kept open for the next rows."""
  places = np.frombuffer(starts, np.int64)
  split = records.Split(name, folder, places, np.empty(0))
  return records.Reader(split)
