# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Between text and ids, and how good a translated text is."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import sacrebleu

from jaxperf import errors

END_ID = 2  # Ends a sentence; 0 is padding, start symbol and unknown in one.


class Tokenizer(NamedTuple):
  """Text to ids, with the end symbol, and back."""

  encode: Callable[[str], list[int]]
  decode: Callable[[Sequence[int]], str]


def sentence_piece(model: bytes) -> Tokenizer:
  """Tokenizer of a serialised SentencePiece model.

  Decoding drops control symbols; an id outside the vocabulary is unknown.

  Args:
    model: content of the model file.

  Raises:
    UserError: if sentencepiece is not installed.
  """
  try:
    import sentencepiece  # Optional: only the full-size data needs it.
  except ImportError as error:
    raise errors.UserError(
      'the translation text needs sentencepiece: pip install jaxperf[data]'
    ) from error
  processor = sentencepiece.SentencePieceProcessor(model_proto=model)
  size, unknown = processor.vocab_size(), processor.unk_id()

  def encode(text):
    return [*processor.encode(text), END_ID]

  def decode(ids):
    return processor.decode([int(i) if 0 <= i < size else unknown for i in ids])

  return Tokenizer(encode, decode)


def numerals(ids: Sequence[int]) -> str:
  """The ids as words: for fake data, which stands for no text."""
  return ' '.join(str(i) for i in ids if i != END_ID)


def sentence(ids: np.ndarray) -> np.ndarray:
  """The ids up to the first end symbol; only the first one if there is none.

  >>> sentence(np.array([5, 6, 2, 7])), sentence(np.array([5, 6, 7]))
  (array([5, 6, 2]), array([5]))

  Args:
    ids: (T,), T > 0.
  """
  is_end = ids == END_ID
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
