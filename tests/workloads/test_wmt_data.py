# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Packing, fake and mini batches, text and BLEU of the translation task."""

import itertools

import jax
import numpy as np
import pytest

import workloads
from jaxperf import data as data_lib
from jaxperf import errors
from tests import reference
from workloads import tokenizers
from workloads.mini_data import translation
from workloads.wmt import data as wmt_data
from workloads.wmt import packing, streams, text

ENTRY = reference.index('wmt')['workloads']['wmt']
NUMBERS = reference.arrays('wmt')
LENGTH = ENTRY['pack_max_length']


def packed(pairs, order=None):
  order = packing.short(pairs, LENGTH) if order is None else order
  index = packing.index(pairs, order, LENGTH)
  return packing.packed(pairs, index, LENGTH, 0, index.count)


def small_pairs():
  """600 short training pairs and one that is too long; 300 to evaluate."""
  rng = np.random.default_rng(0)

  def pair():
    return [
      [*rng.integers(3, 90, size=length).tolist(), packing.END_ID]
      for length in rng.integers(5, LENGTH, size=2)
    ]

  splits = {'train': 600, 'validation': 300, 'test': 300}
  pairs = {split: [pair() for _ in range(n)] for split, n in splits.items()}
  pairs['train'].append([[3] * LENGTH + [packing.END_ID], [4, packing.END_ID]])
  return pairs


def small_source():
  def load():
    return {
      split: packing.pairs_of(pairs) for split, pairs in small_pairs().items()
    }

  return wmt_data.from_pairs(load, text.numerals, LENGTH)


@pytest.mark.parity
def test_packing_makes_the_published_batches(parity):
  pairs = packing.pairs_of(ENTRY['pack_examples'])
  kept, size = packing.short(pairs, LENGTH), ENTRY['pack_train_batch']
  total = ENTRY['pack_num_train_batches'] * size
  rows = packed(pairs, np.tile(kept, total))  # As if epochs had no end.
  for i in range(ENTRY['pack_num_train_batches']):
    for key in packing.PACKED_NAMES:
      expected = NUMBERS[f'pack/train{i}/{key}']
      actual = rows[key][i * size : (i + 1) * size]
      assert actual.dtype == expected.dtype
      parity.equal(f'{i} {key}', actual, expected)


@pytest.mark.parity
def test_padding_makes_the_published_evaluation_batches(parity):
  pairs = packing.pairs_of(ENTRY['pack_examples'])
  kept = packing.short(pairs, LENGTH)
  batches = list(
    streams.evaluation(pairs, kept, LENGTH, ENTRY['pack_eval_batch'])
  )
  parity.equal('batches', len(batches), ENTRY['pack_num_eval_batches'])
  for i, batch in enumerate(batches):
    for key, actual in batch.items():
      parity.equal(f'{i} {key}', actual, NUMBERS[f'pack/eval{i}/{key}'])


def test_packed_rows_lose_no_token_and_keep_the_order():
  rng = np.random.default_rng(0)
  pairs = [
    [rng.integers(3, 90, size=length) for length in lengths]
    for lengths in rng.integers(1, LENGTH + 1, size=(50, 2))
  ]
  rows = packed(packing.pairs_of(pairs))
  for side, sequences in zip(packing.SIDES, zip(*pairs)):
    tokens = rows[side][rows[side] > 0]
    np.testing.assert_array_equal(tokens, np.concatenate(sequences))


@pytest.mark.parametrize('name', ['wmt', 'mini_translation'])
def test_fake_batches_are_as_announced(name):
  workload = workloads.build(name, data='fake')
  data, size = workload.data, workload.default_batch_size
  batch, _ = next(data.train(0, size, None))
  assert data_lib.spec_of(batch) == data.element_spec(size)
  assert batch['inputs_segmentation'].max() > 1
  batches = list(data.evaluation('test', 128))
  for batch in batches:
    assert data_lib.spec_of(batch) == data.element_spec(128, 'test')
    is_token = batch['targets'] > 0
    real = batch['weights'].any(axis=1)
    np.testing.assert_array_equal(batch['weights'][real], is_token[real])
  assert not batches[-1]['weights'][-1].any()


@pytest.mark.parametrize(
  'source', [wmt_data.fake(90, LENGTH), small_source()], ids=['fake', 'pairs']
)
def test_a_cursor_restores_the_stream(source):
  train = source.data.train
  first = list(itertools.islice(train(7, 8, None), 3))
  resumed, cursor = next(train(7, 8, first[1][1]))
  assert cursor == first[2][1]
  jax.tree.map(np.testing.assert_array_equal, resumed, first[2][0])
  other, _ = next(train(8, 8, None))
  assert (other['inputs'] != first[0][0]['inputs']).any()


def test_an_epoch_shows_every_pair_once_unless_it_is_too_long():
  data = small_source().data
  stream = data.train(0, 1, None)
  shown = []
  while len(shown) < 600:
    batch, _ = next(stream)
    segments = batch['targets_segmentation'][0]
    for pair in range(1, segments.max() + 1):
      shown.append(tuple(batch['targets'][0][segments == pair].tolist()))
  expected = [tuple(target) for _, target in small_pairs()['train'][:-1]]
  assert sorted(shown) == sorted(expected)


@pytest.mark.parametrize('batch_size', [128, 100])
def test_an_evaluation_shows_the_same_pairs_whatever_the_batch(batch_size):
  data = small_source().data
  expected = [tuple(target) for _, target in small_pairs()['validation']]
  shown = []
  for batch in data.evaluation('validation', batch_size):
    spec = data.element_spec(batch_size, 'validation')
    assert data_lib.spec_of(batch) == spec
    for row, weights in zip(batch['targets'], batch['weights']):
      if weights[0]:
        shown.append(tuple(row[weights > 0].tolist()))
  count = wmt_data.MINI_EVAL_EXAMPLES['validation']
  assert len(shown) == len(set(shown)) == count
  assert set(shown) <= set(expected)


def test_full_size_data_says_that_it_is_not_there(tmp_path):
  data = workloads.build('wmt_post_ln', data=tmp_path).data
  shapes = data.element_spec(128)
  assert shapes['targets_position'].shape == (128, 256)
  for ask in (
    data.check,
    lambda: data.train(0, 128, None),
    lambda: data.evaluation('test', 128),
  ):
    with pytest.raises(errors.UserError, match='holds no prepared data'):
      ask()


@pytest.mark.parity
def test_ids_become_the_published_text(parity):
  model = reference.arrays('librispeech_conformer')['tokenizer/model']
  tokenizer = tokenizers.from_bytes(model.tobytes())
  for case in ENTRY['detok']:
    kept = text.sentence(np.array(case['ids']))
    parity.equal(str(case['ids']), tokenizer.decode(kept), case['text'])


def test_encoding_and_decoding_are_inverse_and_end_with_the_end_symbol():
  model = reference.arrays('librispeech_conformer')['tokenizer/model']
  tokenizer = tokenizers.from_bytes(model.tobytes())
  (ids,) = tokenizer.encode(['THE FUNCTION RETURNS'])
  assert ids[-1] == packing.END_ID
  assert tokenizer.decode(ids) == 'THE FUNCTION RETURNS'
  assert tokenizer.decode([10**6, -5]) == tokenizer.decode([0, 0])


@pytest.mark.parity
@pytest.mark.parametrize('case', sorted(ENTRY['bleu']))
def test_bleu_is_the_published_one(case, parity):
  expected = ENTRY['bleu'][case]
  score = text.bleu(expected['hyp'], expected['ref'])
  parity.close(case, score, expected['score'], atol=1e-5)


def test_bleu_of_one_wrong_word_is_as_counted_by_hand():
  """10 words, the 6th is wrong: 9/10, 7/9, 5/8, 3/7 of the n-grams match."""
  hypothesis, target = 'a b c d e x g h i j', 'a b c d e f g h i j'
  expected = 100 * (9 / 10 * 7 / 9 * 5 / 8 * 3 / 7) ** 0.25
  score = text.bleu([hypothesis], [target])
  np.testing.assert_allclose(score, expected, rtol=1e-6)
  assert text.bleu([], []) == 0.0


def test_mini_batches_are_as_announced_and_as_many_as_the_facts_say():
  workload = workloads.build('mini_translation')
  data, description = workload.data, workload.description
  size = workload.default_batch_size
  batch, _ = next(data.train(0, size, None))
  assert data_lib.spec_of(batch) == data.element_spec(size)
  assert len(translation.splits()['train'].english) == description.num_train
  counts = {
    split: sum(
      batch['weights'][:, 0].sum() for batch in data.evaluation(split, 100)
    )
    for split in ('train', 'validation', 'test')
  }
  assert counts == {
    'train': description.num_eval_train,
    'validation': description.num_validation,
    'test': description.num_test,
  }


def test_mini_references_are_the_english_sentences():
  workload = workloads.build('mini_translation')
  batch = next(workload.data.evaluation('validation', 2))
  sentences = translation.splits()['validation']
  english = [translation.detokenize(ids) for ids in sentences.english[:2]]
  for ids, sentence in zip(batch['targets'], english):
    assert translation.detokenize(text.sentence(ids).tolist()) == sentence
  rows = {'translation': batch['targets'], 'reference': batch['targets']}
  sums = {'loss': 10.0, 'correct': 5.0, 'tokens': 20.0}
  metrics = workload.finish(sums, rows)
  np.testing.assert_allclose(metrics.pop('bleu'), 100.0)
  assert metrics == {'loss': 0.5, 'accuracy': 0.25}
