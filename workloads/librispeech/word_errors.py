# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Word error rate, as usual and as the AlgoPerf benchmark counts it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np


class Counts(NamedTuple):
  """Word errors, and the words of the reference that they are divided by."""

  errors: int
  words: int

  @property
  def rate(self) -> float:
    """Errors per word; 0 if there are no words."""
    return self.errors / max(self.words, 1)


def count(
  pairs: Iterable[tuple[Sequence[str], Sequence[str]]],
) -> Counts:
  """Errors and words over all (hypothesis, reference) pairs of word lists.

  >>> count([(['YES'], ['YES']), (['NO', 'NO'], ['NO'])])
  Counts(errors=1, words=2)
  """
  errors = words = 0
  for hypothesis, reference in pairs:
    errors += edit_distance(hypothesis, reference)
    words += len(reference)
  return Counts(errors, words)


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
  """Fewest insertions, deletions and substitutions from one to the other.

  >>> edit_distance('THE NEW LIST'.split(), 'A NEW LISTS'.split())
  2
  """
  vocabulary = {word: i for i, word in enumerate({*first, *second})}
  row_words = np.array([vocabulary[word] for word in first], int)
  offsets = np.arange(len(row_words) + 1)
  distances = offsets
  for word in second:
    substituted = distances[:-1] + (row_words != vocabulary[word])
    shorter = np.minimum(substituted, distances[1:] + 1)
    with_first = np.concatenate([distances[:1] + 1, shorter])
    # Insertions along the row: d[j] = min over i <= j of d[i] + (j - i).
    distances = np.minimum.accumulate(with_first - offsets) + offsets
  return int(distances[-1])


def printed_words(text: str) -> list[str]:
  """The words that the benchmark compares for a transcript.

  It does not compare the words of the text, but those of a printed string
  tensor that holds it: first and last word carry parts of the wrapping, and two
  words follow that are always right. All published targets and results rest on
  this definition.

  >>> printed_words("IT'S ME")
  ['tf.Tensor(b"IT\\'S', 'ME",', 'shape=(),', 'dtype=string)']
  """
  quote = '"' if "'" in text else "'"
  printed = f'tf.Tensor(b{quote}{" ".join(text.split())}{quote},'
  return [*printed.split(), 'shape=(),', 'dtype=string)']
