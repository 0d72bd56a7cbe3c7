# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Translated text: which ids are a sentence of it, and how good it is."""

from collections.abc import Sequence

import numpy as np
import sacrebleu

from workloads.wmt import packing


def numerals(ids: Sequence[int]) -> str:
  """The ids as words: for fake data, which stands for no text."""
  return ' '.join(str(i) for i in ids if i != packing.END_ID)


def sentence(ids: np.ndarray) -> np.ndarray:
  """The ids up to the first end symbol; only the first one if there is none.

  >>> sentence(np.array([5, 6, 2, 7])), sentence(np.array([5, 6, 7]))
  (array([5, 6, 2]), array([5]))

  Args:
    ids: (T,), T > 0.
  """
  is_end = ids == packing.END_ID
  return ids[: is_end.argmax() + 1] if is_end.any() else ids[:1]


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
  """Corpus BLEU with tokenizer 13a, 0 to 100; 0 for no sentences.

  References:
    Papineni et al., BLEU, ACL 2002; Post, A call for clarity in reporting BLEU
    scores, WMT 2018 (sacrebleu, its defaults).
  """
  if not hypotheses:
    return 0.0
  return sacrebleu.corpus_bleu(list(hypotheses), [list(references)]).score
