# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Beam search: against the published benchmark, and against enumeration."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from tests import reference
from workloads.wmt import beam_search, workload
from workloads.wmt import model as model_lib

QUICK_THEN_SLOW = [
  'wmt',
  'wmt_post_ln',
  pytest.param('wmt_attention_temp', marks=pytest.mark.slow),
  pytest.param('wmt_glu_tanh', marks=pytest.mark.slow),
]
ENTRY = reference.index('wmt')['workloads']['wmt']
NUMBERS = reference.arrays('wmt')


TRANSLATE = jax.jit(workload.translate, static_argnums=(0, 3))


def small_model(name):
  """The model of the published searches, and its parameters."""
  entry = ENTRY['variants'][name]['beam_model']
  sizes = entry['config']
  config = dataclasses.replace(
    workloads.settings(name).model.config,
    vocab_size=sizes['vocab_size'],
    width=sizes['emb_dim'],
    mlp_width=sizes['mlp_dim'],
    num_heads=sizes['num_heads'],
    depth=sizes['num_layers'],
    max_length=sizes['max_len'],
  )
  params = reference.filled('wmt', entry['params'], entry['param_multiplier'])
  return model_lib.Transformer(config), params


def markov_search(table, first, beams, length, alpha):
  """Beam search where the logits of a token depend on the one before it."""
  table = jnp.asarray(table)

  def step(tokens, is_first, index):
    logits = jnp.where(is_first[..., None], first, table[tokens])
    return logits, jnp.zeros_like(is_first)

  return beam_search.beam_search(
    step,
    jnp.ones((1, beams), bool),
    shape=(1, beams, length),
    alpha=alpha,
  )


@pytest.mark.parity
@pytest.mark.parametrize('case', 'abc')
def test_search_in_a_table_finds_the_published_beams(case, parity):
  setting, prefix = ENTRY['beam_table'][case], f'beam_table/{case}'
  table, state = NUMBERS[f'{prefix}/table'], NUMBERS[f'{prefix}/state0']
  beams = setting['beam_size']

  @jax.jit
  def search(table, state):
    def step(tokens, state, index):
      state = 0.5 * state + table[tokens]
      return state, state

    return beam_search.beam_search(
      step,
      jnp.repeat(state[:, None], beams, axis=1),
      shape=(len(state), beams, setting['max_decode_len']),
      end_id=setting['eos_id'],
      alpha=setting['alpha'],
    )

  found = search(table, state)
  parity.equal('ids', found.sequences, NUMBERS[f'{prefix}/sequences'])
  parity.close('scores', found.scores, NUMBERS[f'{prefix}/scores'], atol=1e-3)


@pytest.mark.parity
@pytest.mark.parametrize('name', QUICK_THEN_SLOW)
def test_search_with_a_model_finds_the_published_beams(name, parity):
  model, params = small_model(name)
  numbers = {
    key.removeprefix(f'{name}/beam_model/'): array
    for key, array in NUMBERS.items()
    if key.startswith(f'{name}/beam_model/')
  }
  num_beams = ENTRY['variants'][name]['beam_model']['beam_size']
  found = TRANSLATE(model, params, numbers['inputs'], num_beams)
  parity.equal('ids', found.sequences, numbers['sequences'])
  parity.equal('best', found.sequences[:, -1, 1:], numbers['predicted'])
  parity.close('scores', found.scores, numbers['scores'], atol=1e-3)
  targets = np.maximum(numbers['predicted'], 1)
  forced = model.apply({'params': params}, numbers['inputs'], targets)
  parity.close(
    'teacher-forced logits',
    forced,
    numbers['forced_logits'],
    atol=1e-4,
    rtol=1e-4,
  )


def test_decoding_step_by_step_gives_the_teacher_forced_logits():
  model, params = small_model('wmt')
  variables, beams = {'params': params}, 3
  inputs = NUMBERS['wmt/beam_model/inputs'][:2]
  targets = jax.random.randint(jax.random.key(0), (2, beams, 6), 3, 24)
  forced = jax.jit(jax.vmap(model.apply, (None, None, 1), 1))(
    variables, inputs, targets
  )
  start = functools.partial(
    model.apply, num_beams=beams, method='start_decoding'
  )
  cache, memories = jax.jit(start)(variables, inputs)
  decode = jax.jit(functools.partial(model.apply, variables, method='decode'))
  tokens = jnp.zeros((2, beams), jnp.int32)
  for index in range(6):
    logits, cache = decode(tokens, cache, memories, inputs, index)
    np.testing.assert_allclose(
      logits, forced[:, :, index], atol=1e-4, rtol=1e-4
    )
    tokens = targets[:, :, index]


@pytest.mark.parametrize('alpha', [0.0, 0.6])
def test_a_wide_beam_finds_what_enumeration_finds(alpha):
  """Five tokens, at most four of them in a row: 5^4 sequences."""
  vocab, length, beams = 5, 5, 64
  rng = np.random.default_rng(0)
  table = rng.normal(size=(vocab, vocab)).astype(np.float32)
  first = rng.normal(size=vocab).astype(np.float32)
  log_p = np.array(jax.nn.log_softmax(np.stack([first, *table])))
  scores = {}
  for count in range(1, length):
    for prefix in itertools.product([0, 1, 3, 4], repeat=count - 1):
      ids = (*prefix, 2)
      rows = (0, *(1 + i for i in prefix))
      total = sum(log_p[row, i] for row, i in zip(rows, ids))
      scores[ids] = total / ((5 + count) / 6) ** alpha
  best = sorted(scores, key=scores.get)[-3:]
  found = markov_search(table, first, beams, length, alpha)
  for ids, sequence, score in zip(
    best, found.sequences[0, -3:], found.scores[0, -3:]
  ):
    assert tuple(sequence[1 : 1 + len(ids)].tolist()) == ids
    np.testing.assert_allclose(score, scores[ids], rtol=1e-5)


def test_one_beam_takes_the_most_likely_token():
  rng = np.random.default_rng(1)
  table = rng.normal(size=(7, 7)).astype(np.float32)
  table[:, 2] = -20.0  # So that nothing ends, and the live sequence is taken.
  found = markov_search(table, table[0], 1, 6, 0.6)
  token, expected = 0, [0]
  for _ in range(5):
    token = int(table[token].argmax())
    expected.append(token)
  assert found.sequences[0, 0].tolist() == expected
  assert not found.has_ended.any()


def test_a_translation_does_not_depend_on_the_other_sentences():
  model, params = small_model('wmt')
  inputs = NUMBERS['wmt/beam_model/inputs']
  together = TRANSLATE(model, params, inputs, 4)
  alone = TRANSLATE(model, params, inputs * np.array([[0], [1], [0]]), 4)
  np.testing.assert_array_equal(together.sequences[1], alone.sequences[1])
  np.testing.assert_allclose(together.scores[1], alone.scores[1], rtol=1e-5)
