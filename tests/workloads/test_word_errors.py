# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0

import functools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tests import reference
from workloads import tokenizers
from workloads.librispeech import tokenizer, word_errors

STORED = 'librispeech_conformer'
SHORT = st.text('AB C', max_size=8)


def stored_tokenizer():
  arrays = reference.arrays(STORED)
  return tokenizers.from_bytes(arrays['tokenizer/model'].tobytes()).decode


def stored_entry():
  return reference.index(STORED)['workloads'][STORED]


def slow_distance(first, second):
  """Edit distance straight from its definition."""

  @functools.cache
  def distance(i, j):
    if not i or not j:
      return i + j
    substitution = distance(i - 1, j - 1) + (first[i - 1] != second[j - 1])
    return min(substitution, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

  return distance(len(first), len(second))


@hypothesis.given(SHORT, SHORT)
def test_edit_distance_follows_its_definition(first, second):
  assert word_errors.edit_distance(first, second) == slow_distance(
    first, second
  )


@pytest.mark.parity
def test_word_errors_are_those_of_the_benchmark(parity):
  arrays, detokenize = reference.arrays(STORED), stored_tokenizer()
  texts = []
  for decoded, target, padding in zip(
    arrays['wer/decoded'], arrays['wer/targets'], arrays['wer/target_paddings']
  ):
    texts.append(
      [detokenize(decoded[decoded > 0]), detokenize(target[padding == 0])]
    )
  parity.equal('texts', texts, stored_entry()['wer_pairs_hyp_ref'])
  for words_of, name in [
    (word_errors.printed_words, 'reference'),
    (str.split, 'plain'),
  ]:
    pairs = [(words_of(hyp), words_of(ref)) for hyp, ref in texts]
    counts = np.array([word_errors.count([pair]) for pair in pairs])
    expected = arrays[f'wer/{name}_errors'], arrays[f'wer/{name}_words']
    parity.equal(f'{name} errors', counts[:, 0], expected[0])
    parity.equal(f'{name} words', counts[:, 1], expected[1])
    if name == 'reference':
      rate = word_errors.count(pairs).rate
      parity.close('rate', rate, arrays['wer/reference_wer'], rtol=1e-12)


@pytest.mark.parametrize(
  ('hypothesis_text', 'reference_text', 'expected'),
  [
    ('A B', 'A B', (0, 4)),  # Two words that are always right.
    ('A', 'A B', (2, 4)),  # The last word carries the closing quote.
    ("IT'S A", 'ITS A', (2, 4)),  # An apostrophe changes both quotes.
    ('', '', (0, 3)),
  ],
)
def test_the_benchmark_counts_printed_words(
  hypothesis_text, reference_text, expected
):
  pair = [
    word_errors.printed_words(text)
    for text in (hypothesis_text, reference_text)
  ]
  assert word_errors.count([pair]) == expected


def test_no_words_at_all_have_a_rate_of_zero():
  assert word_errors.count([]).rate == 0


@pytest.mark.parity
def test_texts_are_those_of_the_benchmark(parity):
  detokenize, entry = stored_tokenizer(), stored_entry()
  got = [detokenize(ids) for ids in entry['tokenizer_ids']]
  parity.equal('texts', got, entry['tokenizer_detokenized'])


def test_ids_outside_the_vocabulary_read_as_unknown():
  detokenize = stored_tokenizer()
  assert detokenize([5, 10_000]).split() == [
    detokenize([5]),
    detokenize([0]).strip(),
  ]


def test_characters_survive_a_round_trip():
  ids = tokenizer.encode_characters('set blue by q nine now')
  assert tokenizer.characters(ids) == 'SET BLUE BY Q NINE NOW'
  assert 0 not in ids
  assert tokenizer.characters([*ids, 0, 28, 99]) == 'SET BLUE BY Q NINE NOW'
