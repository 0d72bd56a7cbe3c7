# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The words of TensorFlow's stateless random generator, one at a time.

References:
  Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
"""

import itertools
from collections.abc import Iterator, Sequence

_WORD = 2**32 - 1


def words(seed: Sequence[int]) -> Iterator[int]:
  """Endless 32-bit words, as a kernel draws them after a seed pair."""
  low, high = (number % 2**64 for number in seed)
  start = [low & _WORD, low >> 32, high & _WORD, high >> 32]
  mixed = _block(start, (0x3EC8F720, 0x02461E29))
  for counter in itertools.count():
    yield from _block([counter, 0, *mixed[2:]], mixed[:2])


def split(seed: Sequence[int], count: int) -> list[tuple[int, int]]:
  """`count` seed pairs made of one: words by twos, the low one first."""
  source = words(seed)
  longs = [next(source) | next(source) << 32 for _ in range(2 * count)]
  return list(zip(longs[::2], longs[1::2]))


def _block(counter: Sequence[int], key: Sequence[int]) -> list[int]:
  """Philox4x32, ten rounds."""
  c0, c1, c2, c3 = counter
  k0, k1 = key
  for _ in range(10):
    first, second = c0 * 0xD2511F53, c2 * 0xCD9E8D57
    c0, c1, c2, c3 = (
      *((second >> 32) ^ c1 ^ k0, second & _WORD),
      *((first >> 32) ^ c3 ^ k1, first & _WORD),
    )
    k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
  return [c0, c1, c2, c3]
