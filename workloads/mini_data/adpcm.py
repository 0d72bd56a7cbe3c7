# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""IMA ADPCM: 4 bits a sample, many clips at a time.

A code's high bit is the sign, the others are the size of the step. With step
s and code bits b2 b1 b0 the prediction moves by s/8 + b2 s + b1 s/2 + b0 s/4,
each term truncated; then the step grows or shrinks by the code.

References:
  IMA Digital Audio Focus and Technical Working Groups, Recommended practices
  for enhancing digital audio compatibility in multimedia systems, 1992.
"""

from __future__ import annotations

import numpy as np

_INDEX_CHANGE = np.array([-1, -1, -1, -1, 2, 4, 6, 8] * 2)
# fmt: off
_STEPS = np.array([
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45,
  50, 55, 60, 66, 73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230,
  253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963,
  1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327,
  3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442,
  11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794,
  32767,
])
# fmt: on


def decode(codes: np.ndarray) -> np.ndarray:
  """Samples (clips, n) int16 of codes (clips, n); all start at 0, step 7."""
  samples = np.empty(codes.shape, np.int16)
  predicted = np.zeros(len(codes), np.int64)
  index = np.zeros(len(codes), np.int64)
  for i in range(codes.shape[1]):
    predicted, index = _advance(codes[:, i], predicted, index)
    samples[:, i] = predicted
  return samples


def encode(samples: np.ndarray) -> np.ndarray:
  """Codes (clips, n) uint8, 0 to 15, of samples (clips, n) int16."""
  codes = np.empty(samples.shape, np.uint8)
  predicted = np.zeros(len(samples), np.int64)
  index = np.zeros(len(samples), np.int64)
  for i in range(samples.shape[1]):
    error = samples[:, i] - predicted
    size = np.minimum(4 * np.abs(error) // _STEPS[index], 7)
    codes[:, i] = size + 8 * (error < 0)
    predicted, index = _advance(codes[:, i], predicted, index)
  return codes


def _advance(
  code: np.ndarray, predicted: np.ndarray, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """The next prediction and step index after one code a clip."""
  step = _STEPS[index]
  change = (
    (step >> 3)
    + (step >> 2) * (code & 1)
    + (step >> 1) * (code >> 1 & 1)
    + step * (code >> 2 & 1)
  )
  change = np.where(code & 8, -change, change)
  return (
    np.clip(predicted + change, -32768, 32767),
    np.clip(index + _INDEX_CHANGE[code], 0, len(_STEPS) - 1),
  )
