# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From fully sampled k-space to the input of the network.

The random numbers are those of TensorFlow's stateless generator, so that the
masks are the published ones.
"""

from typing import NamedTuple

import numpy as np

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


def column_mask(width: int, seed: tuple[int, int]) -> np.ndarray:
  """Which columns of k-space are measured, (width,) float32 of 0 and 1.

  The middle 8 % are; each other one with the probability that makes a quarter
  of all columns.
  """
  num_low = int(np.float32(width) * np.float32(_CENTER_FRACTION))
  first = (width - num_low + 1) // 2
  probability = (width / _ACCELERATION - num_low) / (width - num_low)
  mask = stateless_uniform(width, seed) < np.float32(probability)
  mask[first : first + num_low] = True
  return mask.astype(np.float32)


def stateless_uniform(count: int, seed: tuple[int, int]) -> np.ndarray:
  """Numbers in [0, 1), as `tf.random.stateless_uniform` draws them.

  The seed is turned into key and counter by one call of Philox; then every
  value of the counter gives four numbers of 23 random bits.

  Args:
    count: how many.
    seed: two integers.

  Returns:
    (count,) float32.
  """
  words = np.array([s & 0xFFFFFFFFFFFFFFFF for s in seed], np.uint64)
  counter = words.view('<u4')[None].astype(np.uint64)
  mixed = _philox(counter, (0x3EC8F720, 0x02461E29))[0]
  blocks = -(-count // 4)
  counters = np.zeros((blocks, 4), np.uint64)
  counters[:, 0] = np.arange(blocks)
  counters[:, 2:] = mixed[2:]
  bits = _philox(counters, (int(mixed[0]), int(mixed[1]))).ravel()[:count]
  mantissa = (bits & 0x7FFFFF).astype(np.float32)
  return mantissa / np.float32(2**23)


def _philox(counters: np.ndarray, key: tuple[int, int]) -> np.ndarray:
  """Philox4x32 with ten rounds on counters (n, 4), 32-bit words in uint64.

  References:
    Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
  """
  low = np.uint64(0xFFFFFFFF)
  shift = np.uint64(32)
  c0, c1, c2, c3 = counters.T
  k0, k1 = key
  for _ in range(10):
    product0 = c0 * np.uint64(0xD2511F53)
    product1 = c2 * np.uint64(0xCD9E8D57)
    c0, c1, c2, c3 = (
      (product1 >> shift) ^ c1 ^ np.uint64(k0),
      product1 & low,
      (product0 >> shift) ^ c3 ^ np.uint64(k1),
      product0 & low,
    )
    k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
    k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
  return np.stack([c0, c1, c2, c3], axis=1)
