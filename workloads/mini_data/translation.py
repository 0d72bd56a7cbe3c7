# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sentence pairs, English and German, as subword ids."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from workloads.mini_data import files

UNKNOWN_ID, START_ID, END_ID = 0, 1, 2
_SPACE = '▁'  # How a piece spells the space before a word.


class Translation(NamedTuple):
  """One split; any prefix is spread over all pages of the source.

  Attributes:
    english: N arrays of int32 ids, without start or end.
    german: N arrays of int32 ids, without start or end.
  """

  english: list[np.ndarray]
  german: list[np.ndarray]


def splits() -> dict[str, Translation]:
  """Sentence pairs in at most 47 subwords of a shared vocabulary of 4,000.

  Real sentences of a software manual, split by page. `detokenize` gives the
  exact text of either side.

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  arrays = files.read('translation')
  english, german = (
    np.split(
      arrays[f'{side}_ids'].astype(np.int32),
      np.cumsum(arrays[f'{side}_lengths'], dtype=np.int64)[:-1],
    )
    for side in ('source', 'target')
  )
  return {
    split: Translation(
      english=[english[i] for i in rows], german=[german[i] for i in rows]
    )
    for split, rows in files.spread_rows('translation').items()
  }


@functools.cache
def pieces() -> tuple[str, ...]:
  """The 4,000 subwords by id; `▁` marks the start of a word.

  0 is the unknown piece (and padding), 1 the start, 2 the end of a sentence.
  """
  return tuple(files.lines(files.read('translation')['pieces']))


def detokenize(ids: Iterable[int]) -> str:
  """The sentence that ids stand for, up to the first end of sentence."""
  kept = []
  for i in ids:
    if i == END_ID:
      break
    kept.append(i)
  return join_pieces(kept, pieces())


def join_pieces(ids: Iterable[int], table: Sequence[str]) -> str:
  """Text of ids by a table of pieces; unknown, start and end give nothing."""
  text = ''.join(table[i] for i in ids if i > END_ID)
  return text.replace(_SPACE, ' ').strip()
