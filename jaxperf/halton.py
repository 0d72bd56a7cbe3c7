# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Quasi-random points of the unit cube."""

from __future__ import annotations

import numpy as np

_DROPPED = 100  # First points of the sequence, correlated in high bases.


def points(dimensions: int, count: int, seed: int) -> list[list[float]]:
  """Points that fill the unit cube evenly, one list a dimension.

  A Halton sequence with one prime base a dimension, digits scrambled by a
  random permutation per dimension that keeps 0, a random shift modulo 1 and
  the first 100 points dropped (Bousquet et al. 2017, "Critical
  hyper-parameters: no random, no cry").

  Args:
    dimensions: of the cube.
    count: how many points.
    seed: of the scrambling and the shift.
  """
  rng = np.random.default_rng(np.random.PCG64(seed))
  columns = []
  for base in _primes(dimensions):
    digits = np.concatenate([[0], 1 + rng.permutation(base - 1)])
    shift = rng.random()
    columns.append(
      [
        (radical_inverse(i, base, digits) + shift) % 1.0
        for i in range(_DROPPED + 1, _DROPPED + 1 + count)
      ]
    )
  return columns


def radical_inverse(index: int, base: int, digits: np.ndarray) -> float:
  """The scrambled radical inverse of an index; in [0, 1)."""
  value, weight = 0.0, 1.0 / base
  while index:
    index, digit = divmod(index, base)
    value += digits[digit] * weight
    weight /= base
  return value


def _primes(count: int) -> list[int]:
  """The first `count` primes."""
  found: list[int] = []
  candidate = 2
  while len(found) < count:
    if all(candidate % p for p in found):
      found.append(candidate)
    candidate += 1
  return found
