# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From label ids back to text. A detokenizer maps 1-D ids to a string."""

import string
from collections.abc import Callable, Sequence

Detokenizer = Callable[[Sequence[int]], str]

CHARACTERS = '\0 ' + string.ascii_uppercase  # 0 is the blank.


def encode_characters(text: str) -> list[int]:
  """Ids of a text in the character vocabulary: space 1, A to Z 2 to 27."""
  return [CHARACTERS.index(character) for character in text.upper()]


def characters(ids: Sequence[int]) -> str:
  """Text of ids in the character vocabulary; ids outside it are dropped.

  >>> characters([9, 10, 0, 99]), encode_characters('hi')
  ('HI', [9, 10])
  """
  return ''.join(CHARACTERS[i] for i in ids if 0 < i < len(CHARACTERS))


def numerals(ids: Sequence[int]) -> str:
  """The ids themselves as words, for fake data, which stands for no text."""
  return ' '.join(str(i) for i in ids)
