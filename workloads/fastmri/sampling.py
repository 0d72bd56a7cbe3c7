# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From fully sampled k-space to the input of the network.

The random numbers are those of TensorFlow's stateless generator, so that the
masks are the published ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import fft

EVALUATION_SEED = (0, 0)
_ACCELERATION = 4
_CENTER_FRACTION = 0.08
_CLIP = 6.0  # Standard deviations.


class Slice(NamedTuple):
  """A training pair.

  Attributes:
    inputs: normalised magnitude of the zero-filled image, (h, w) float32.
    targets: ground truth, normalised by the same numbers, (h, w) float32.
    mean: that was subtracted.
    std: that was divided by.
  """

  inputs: np.ndarray
  targets: np.ndarray
  mean: np.float32
  std: np.float32


def undersampled(
  kspace: np.ndarray, target: np.ndarray, seed: tuple[int, int]
) -> Slice:
  """A slice as the network sees it: three of four columns are missing.

  The inverse transform of the masked k-space is cropped to the target's size;
  mean and standard deviation of its magnitude normalise input and target, and
  both are clipped to 6 standard deviations.

  Args:
    kspace: (H, W) complex64, zero frequency in the middle.
    target: (h, w) float32, at most as large.
    seed: of the mask.
  """
  masked = kspace * column_mask(kspace.shape[1], seed)
  image = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(masked), norm='ortho'))
  top, left = (
    (full - cut) // 2 for full, cut in zip(image.shape, target.shape)
  )
  height, width = target.shape
  image = np.abs(image[top : top + height, left : left + width])
  image = image.astype(np.float32)
  mean, std = image.mean(), image.std()

  def normalised(x):
    return np.clip((x - mean) / std, -_CLIP, _CLIP).astype(np.float32)

  return Slice(normalised(image), normalised(target), mean, std)


def hybrid(kspace: np.ndarray, height: int) -> np.ndarray:
  """A slice of which all is done that no mask of columns can change.

  The inverse transform along the rows, cropped to the middle of them; in the
  order of frequencies that a transform takes, zero first.

  Args:
    kspace: (H, W) complex64, zero frequency in the middle.
    height: rows of the image; at most H.

  Returns:
    (height, W) complex64; rows are pixels, columns are frequencies.
  """
  rows = fft.ifft(fft.ifftshift(kspace, axes=0), axis=0, norm='ortho')
  top = (len(kspace) - height) // 2
  rows = fft.fftshift(rows, axes=0)[top : top + height]
  return fft.ifftshift(rows, axes=1)


def magnitude(columns: np.ndarray, out: np.ndarray) -> np.ndarray:
  """The image of a slice of which rows are transformed.

  Args:
    columns: as `hybrid` gives them, (h, W) complex64, masked; overwritten.
    out: takes the middle (h, w) of the image, float32; w at most W.
  """
  image = fft.ifft(columns, axis=1, norm='ortho', overwrite_x=True)
  width, middle = image.shape[1], image.shape[1] // 2
  # What a shift would bring to the left of the middle is the end of a row.
  before = middle - (width - out.shape[1]) // 2
  np.abs(image[:, width - before :], out=out[:, :before])
  np.abs(image[:, : out.shape[1] - before], out=out[:, before:])
  return out


def normalise(inputs: np.ndarray, targets: np.ndarray) -> tuple:
  """Normalises both in place by mean and deviation of `inputs`, and clips them.

  Args:
    inputs: (h, w) float32.
    targets: (h, w) float32.

  Returns:
    Mean and population standard deviation, float32; nothing is changed if the
    deviation is 0 or not finite.
  """
  mean, std = inputs.mean(), inputs.std()
  if 0 < std < np.inf:
    for image in (inputs, targets):
      image -= mean
      image /= std
      np.clip(image, -_CLIP, _CLIP, out=image)
  return mean, std


def column_mask(width: int, seed: tuple[int, int]) -> np.ndarray:
  """Which columns of k-space are measured, (width,) float32 of 0 and 1.

  The middle 8 % are; each other one with the probability that makes a quarter
  of all columns.
  """
  return column_masks([width], [seed])[0]


def column_masks(
  widths: Sequence[int], seeds: Sequence[tuple[int, int]]
) -> list[np.ndarray]:
  """The masks of several slices, see `column_mask`; cheaper at once."""
  # A shorter stream is the beginning of a longer one.
  draws = stateless_uniform(max(widths), seeds)
  return [_measured(row[:width]) for row, width in zip(draws, widths)]


def _measured(draws: np.ndarray) -> np.ndarray:
  """The mask of a slice, given a random number for each column."""
  width = len(draws)
  num_low = int(np.float32(width) * np.float32(_CENTER_FRACTION))
  first = (width - num_low + 1) // 2
  probability = (width / _ACCELERATION - num_low) / (width - num_low)
  mask = draws < np.float32(probability)
  mask[first : first + num_low] = True
  return mask.astype(np.float32)


def stateless_uniform(
  count: int, seeds: Sequence[tuple[int, int]]
) -> np.ndarray:
  """Numbers in [0, 1), as `tf.random.stateless_uniform` draws them.

  The seed is turned into key and counter by one call of Philox; then every
  value of the counter gives four numbers of 23 random bits.

  Args:
    count: how many for each seed.
    seeds: two integers each.

  Returns:
    (seeds, count) float32.
  """
  words = [[word & 0xFFFFFFFFFFFFFFFF for word in seed] for seed in seeds]
  counter = np.array(words, np.uint64).view('<u4').astype(np.uint64)
  key = np.array([[0x3EC8F720, 0x02461E29]], np.uint64)
  mixed = _philox(counter, key)[:, None]
  blocks = -(-count // 4)
  counters = np.zeros((len(seeds), blocks, 4), np.uint64)
  counters[..., 0] = np.arange(blocks)
  counters[..., 2:] = mixed[..., 2:]
  bits = _philox(counters, mixed[..., :2]).reshape(len(seeds), -1)[:, :count]
  mantissa = (bits & np.uint64(0x7FFFFF)).astype(np.float32)
  return mantissa / np.float32(2**23)


def _philox(counters: np.ndarray, keys: np.ndarray) -> np.ndarray:
  """Philox4x32 with ten rounds, 32-bit words in uint64.

  Args:
    counters: (..., 4).
    keys: (..., 2).

  References:
    Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
  """
  low = np.uint64(0xFFFFFFFF)
  shift = np.uint64(32)
  c0, c1, c2, c3 = np.moveaxis(counters, -1, 0)
  k0, k1 = np.moveaxis(keys, -1, 0)
  for _ in range(10):
    product0 = c0 * np.uint64(0xD2511F53)
    product1 = c2 * np.uint64(0xCD9E8D57)
    c0, c1, c2, c3 = (
      (product1 >> shift) ^ c1 ^ k0,
      product1 & low,
      (product0 >> shift) ^ c3 ^ k1,
      product0 & low,
    )
    k0 = (k0 + np.uint64(0x9E3779B9)) & low
    k1 = (k1 + np.uint64(0xBB67AE85)) & low
  return np.stack([c0, c1, c2, c3], axis=-1)
