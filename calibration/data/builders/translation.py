# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences of LibreOffice's help in English and German, as subword ids.

A paragraph has the same id in both languages, so pairs are exact. Needs the
`sentencepiece` package.
"""

from __future__ import annotations

import hashlib
import io
import pathlib
import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from calibration.data.builders import help_pages, packages, store
from jaxperf import errors
from workloads.mini_data import translation

PACKAGES = (
  packages.Package(
    'deb',
    'libreoffice-help-en-us',
    '4:7.4.7-1+deb12u14',
    'libreoffice-help-en-us_*.deb',
    '8faa840285734d6cfe1ed25537b48f07e74bd6412e3917bf8e5f8a653f7b3712',
  ),
  packages.Package(
    'deb',
    'libreoffice-help-de',
    '4:7.4.7-1+deb12u14',
    'libreoffice-help-de_*.deb',
    '00490b63c509ac96f7f212d6a6e40452d3e0d1f97ccf4b824dd5ec4c01e8277f',
  ),
)
DESCRIPTION = {
  'title': 'Sentences of the LibreOffice 7.4 help, English and German',
  'licence': 'MPL-2.0',
  'credit': (
    'Copyright 2000, 2010 Oracle, LibreOffice contributors and/or their '
    'affiliates'
  ),
  'made': (
    'Real text, translated by people; segmented, filtered, cut into subwords '
    'by sentencepiece 0.2.3. Source form: the help texts of LibreOffice, as in '
    'the Debian source package libreoffice 4:7.4.7-1+deb12u14.'
  ),
}
VOCABULARY = 4_000
MAX_TOKENS = 47  # One more for the end makes 48.
HELD_OUT = 1_500  # Pairs of validation, and of test.
_HELD_OUT_PAGES = 0.09  # Of the pages, for each of the two.
_WORDS = (4, 25)  # Of the English side.
_LENGTH_RATIO = (0.5, 1.7)  # German characters per English character.
_NOT_PROSE = re.compile(r'[=<>{}\\_|]|https?:|www\.|[^ -~ÄÖÜäöüß–„“”‚‘’»«°€]')
_SOFT_HYPHEN = '\xad'
_BREAK = re.compile(r'(?<=[.!?:]) (?=["“„(]?[A-ZÄÖÜ])')

Pair = tuple[str, str]


def build(paths: list[pathlib.Path]) -> store.Packed:
  """Token ids of both sides, and the pieces they stand for."""
  splits = _split(_pairs(*paths))
  processor = _train_vocabulary(splits)
  pieces = [processor.IdToPiece(i) for i in range(processor.GetPieceSize())]
  chosen = {
    split: _tokenised(pairs, processor, pieces)
    for split, pairs in splits.items()
  }
  for split in ('validation', 'test'):
    chosen[split] = _even_sample(chosen[split], HELD_OUT)
  rows = [row for split in chosen.values() for row in split]
  return store.Packed(
    arrays={
      'source_lengths': np.array([len(s) for s, _ in rows], np.uint8),
      'target_lengths': np.array([len(t) for _, t in rows], np.uint8),
      'source_ids': np.array([i for s, _ in rows for i in s], np.uint16),
      'target_ids': np.array([i for _, t in rows for i in t], np.uint16),
      'pieces': store.text(pieces),
    },
    splits={split: len(rows) for split, rows in chosen.items()},
    literal_bits=(2, 1, 1),
  )


def _pairs(
  english: pathlib.Path, german: pathlib.Path
) -> dict[str, list[Pair]]:
  """Page -> its sentence pairs; no English sentence occurs twice."""
  pages = dict(help_pages.pages(german))
  seen: set[str] = set()
  found = {}
  for page, paragraphs in help_pages.pages(english):
    other = pages.get(page, {})
    found[page] = []
    for name, text in paragraphs.items():
      for pair in _sentences(text, other.get(name, '')):
        if pair[0] not in seen and _is_prose(*pair):
          seen.add(pair[0])
          found[page].append(pair)
  return found


def _sentences(english: str, german: str) -> Iterator[Pair]:
  """The paragraph cut into sentences, if both sides have equally many."""
  texts = [
    unicodedata.normalize('NFKC', text).replace(_SOFT_HYPHEN, '')
    for text in (english, german)
  ]
  parts = [_BREAK.split(text) for text in texts]
  if len(parts[0]) == len(parts[1]):
    yield from zip(*parts)
  else:
    yield texts[0], texts[1]


def _is_prose(english: str, german: str) -> bool:
  """Whether a pair is a translated sentence of moderate length."""
  low, high = _LENGTH_RATIO
  return (
    english != german
    and _WORDS[0] <= len(english.split()) <= _WORDS[1]
    and english[-1:] in '.!?:'
    and german[-1:] in '.!?:'
    and low * len(english) <= len(german) <= high * len(english)
    and not _NOT_PROSE.search(english + german)
  )


def _split(pages: dict[str, list[Pair]]) -> dict[str, list[Pair]]:
  """Splits by page; a held-out pair with familiar English is left out.

  Familiar: half or more of its 4-grams of words occur in training.
  """
  splits = {'train': [], 'validation': [], 'test': []}
  for page, pairs in pages.items():
    place = int(hashlib.sha256(page.encode()).hexdigest()[:8], 16) / 16**8
    index = 0 if place > 2 * _HELD_OUT_PAGES else 1 + (place > _HELD_OUT_PAGES)
    splits[list(splits)[index]] += pairs
  known = {gram for english, _ in splits['train'] for gram in _grams(english)}
  for split in ('validation', 'test'):
    splits[split] = [
      pair
      for pair in splits[split]
      if 2 * sum(g in known for g in _grams(pair[0])) < len(_grams(pair[0]))
    ]
  return splits


def _grams(text: str) -> list[tuple[str, ...]]:
  """All sequences of four lower-case words."""
  words = re.findall(r'\w+', text.lower())
  return [tuple(words[i : i + 4]) for i in range(len(words) - 3)]


def _train_vocabulary(splits: dict[str, list[Pair]]):
  """A unigram model of the training text that knows every character."""
  try:
    import sentencepiece
  except ImportError as error:
    raise errors.UserError(
      'building the translation data needs `pip install sentencepiece`.'
    ) from error
  characters = {
    c for rows in splits.values() for row in rows for c in ''.join(row)
  }
  model = io.BytesIO()
  sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=(text for pair in splits['train'] for text in pair),
    model_writer=model,
    vocab_size=VOCABULARY,
    model_type='unigram',
    character_coverage=1.0,
    required_chars=''.join(sorted(characters - {' '})),
    normalization_rule_name='identity',
    num_threads=1,
    minloglevel=2,
  )
  return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def _tokenised(
  pairs: list[Pair], processor, pieces: list[str]
) -> list[tuple[list[int], list[int]]]:
  """Ids of the pairs that are short enough; their text can be had back."""
  rows = []
  for pair in pairs:
    ids = [processor.EncodeAsIds(text) for text in pair]
    if max(map(len, ids)) > MAX_TOKENS:
      continue
    if any(
      translation.join_pieces(i, pieces) != text for i, text in zip(ids, pair)
    ):
      raise RuntimeError(f'subwords do not give back {pair}')
    rows.append(tuple(ids))
  return rows


def _even_sample(rows: list, count: int) -> list:
  """`count` of the rows, evenly spread."""
  return [rows[i * len(rows) // count] for i in range(min(count, len(rows)))]
