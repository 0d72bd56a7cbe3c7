# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The translation Transformer against the published benchmark's numbers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from tests import reference
from workloads.wmt import blocks
from workloads.wmt import model as model_lib
from workloads.wmt import workload as workload_lib

VARIANTS = ('wmt', 'wmt_post_ln', 'wmt_attention_temp', 'wmt_glu_tanh')
QUICK_THEN_SLOW = [
  'wmt',
  *(pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS[1:]),
]
INDEX = reference.index('wmt')
ENTRY = INDEX['workloads']['wmt']
NUMBERS = reference.arrays('wmt')
SMALL = blocks.Config(
  vocab_size=24, width=32, mlp_width=48, num_heads=4, depth=2, max_length=20
)


def flat(tree):
  return {
    '/'.join(entry.key for entry in path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def summary(array):
  x = np.asarray(array, np.float64)
  return [x.sum(), (x**2).sum(), np.abs(x).max()]


def reference_batch(case):
  prefix = f'batch_{case}/'
  batch = {
    key.removeprefix(prefix): jnp.asarray(array)
    for key, array in NUMBERS.items()
    if key.startswith(prefix)
  }
  return batch | {'weights': (batch['targets'] > 0).astype(jnp.float32)}


@functools.lru_cache(maxsize=1)  # Half a gigabyte.
def filled(name):
  """Full-size parameters; both cases have the same multipliers."""
  variant = ENTRY['variants'][name]
  multipliers = [case['param_multiplier'] for case in variant['cases'].values()]
  assert multipliers[0] == multipliers[1]
  return reference.filled('wmt', variant['params'], multipliers[0])


@functools.cache
def small_logits():
  """A small model with random parameters: batch arrays -> logits."""
  model = model_lib.Transformer(SMALL)
  tokens = jnp.ones((1, 4), jnp.int32)
  params = jax.jit(model.init)(jax.random.key(3), tokens, tokens)
  return functools.partial(jax.jit(model.apply), params)


def random_tokens(seed, shape, vocab_size=24):
  return jax.random.randint(jax.random.key(seed), shape, 3, vocab_size)


@pytest.mark.parity
@pytest.mark.parametrize('name', VARIANTS)
def test_parameters_are_the_published_ones(name, parity):
  workload = workloads.build(name)
  params, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  variant, leaves = ENTRY['variants'][name], flat(params)
  count = sum(leaf.size for leaf in leaves.values())
  parity.equal('count', count, variant['param_count'])
  paths = [leaf['path'] for leaf in variant['params']]
  parity.equal('paths', list(leaves), paths)
  kinds = flat(workload.param_kinds(params))
  for leaf in variant['params']:
    path = leaf['path']
    parity.equal(f'{path} shape', leaves[path].shape, leaf['shape'])
    parity.equal(f'{path} kind', kinds[path], leaf['type'].lower())
  assert model_state == {}


@pytest.mark.parity
@pytest.mark.slow
@pytest.mark.parametrize('name', VARIANTS)
def test_initial_values_are_the_published_ones(name, parity):
  workload = workloads.build(name)
  params, _ = jax.jit(workload.init)(jax.random.PRNGKey(INDEX['init_seed']))
  expected = NUMBERS[f'{name}/init_stats']
  for (path, leaf), row in zip(flat(params).items(), expected):
    x = np.asarray(leaf, np.float64)
    actual = [x.mean(), x.std(), x.min(), x.max(), x.ravel()[0]]
    parity.close(path, actual, row, atol=1e-7, rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize('case', ['padded', 'packed'])
@pytest.mark.parametrize('name', QUICK_THEN_SLOW)
def test_outputs_and_gradients_are_the_published_ones(name, case, parity):
  workload, batch = workloads.build(name), reference_batch(case)
  setting = ENTRY['variants'][name]['cases'][case]

  @jax.jit
  def run(params):
    def loss_fn(params):
      logits, _ = workload.apply(
        params, {}, batch, jax.random.key(0), train=True, dropout_rate=0.0
      )
      loss = workload.loss(
        logits, batch, label_smoothing=setting['label_smoothing']
      )
      return loss.summed / loss.n_valid, (logits, loss)

    (mean, (logits, loss)), gradient = jax.value_and_grad(
      loss_fn, has_aux=True
    )(params)
    leaves = jax.tree.leaves(gradient)
    norms = jnp.stack([jnp.linalg.norm(leaf) for leaf in leaves])
    firsts = jnp.stack([leaf.ravel()[0] for leaf in leaves])
    return mean, logits, loss, norms, firsts

  expected = {
    key.removeprefix(f'{name}/{case}/'): array
    for key, array in NUMBERS.items()
    if key.startswith(f'{name}/{case}/')
  }
  mean, logits, loss, norms, firsts = run(filled(name))
  close = functools.partial(parity.close, atol=1e-4, rtol=1e-4)
  close(
    'logits',
    logits[reference.stored_part(setting['logits_stored'])],
    expected['eval_logits'],
  )
  for mode in ('eval', 'train'):
    total = expected[f'{mode}_logits_summary']
    close(f'{mode} summary', summary(logits), total)
  parity.equal('argmax', logits.argmax(-1), expected['eval_logits_argmax'])
  close(
    'log-sum-exp',
    jax.nn.logsumexp(logits, axis=-1),
    expected['eval_logits_logsumexp'],
  )
  at_targets = jnp.take_along_axis(logits, batch['targets'][..., None], -1)
  close('at targets', at_targets[..., 0], expected['eval_logits_at_targets'])
  close('mean loss', mean, expected['train_loss'])
  close('summed loss', loss.summed, expected['train_loss_summed'])
  close('losses', loss.per_example, expected['train_loss_per_example'])
  parity.equal('tokens', loss.n_valid, expected['train_loss_n_valid_examples'])
  scale = 1e-6 * float(expected['grad_global_norm'])
  parity.close(
    'gradient norms', norms, expected['grad_norms'], atol=scale, rtol=2e-3
  )
  parity.close(
    'gradient norm',
    np.linalg.norm(norms),
    expected['grad_global_norm'],
    rtol=2e-3,
  )
  parity.close(
    'first elements',
    (firsts - expected['grad_first']) / expected['grad_norms'],
    np.zeros(len(firsts)),
    atol=2e-3,
  )
  if case == 'padded':
    sums = workload_lib.token_sums(logits, batch)
    published = ENTRY['variants'][name]['eval_step_padded']
    close('evaluation loss', sums['loss'], published['loss'])
    parity.equal('correct tokens', sums['correct'], published['accuracy'])
    parity.equal('evaluated tokens', sums['tokens'], published['denominator'])


@pytest.mark.parity
def test_positions_are_the_published_ones(parity):
  encoding = model_lib.positional_encoding(256, 1024)
  parity.close(
    'slice', encoding[::37, ::61], NUMBERS['posemb/slice'], atol=1e-6
  )
  parity.close(
    'summary',
    summary(encoding),
    NUMBERS['posemb/summary'],
    atol=1e-3,
    rtol=1e-6,
  )


def test_a_packed_pair_never_sees_its_neighbour():
  segments = jnp.array([[1] * 6 + [2] * 7])
  positions = jnp.array([[*range(6), *range(7)]])
  inputs, targets = random_tokens(0, (1, 13)), random_tokens(1, (1, 13))

  def logits(inputs, targets):
    return small_logits()(
      inputs, targets, positions, positions, segments, segments
    )

  before = logits(inputs, targets)
  after = logits(
    inputs.at[0, 6:].set(random_tokens(2, (7,))),
    targets.at[0, 6:].set(random_tokens(3, (7,))),
  )
  np.testing.assert_array_equal(after[:, :6], before[:, :6])
  after = logits(
    inputs.at[0, :6].set(random_tokens(4, (6,))),
    targets.at[0, :5].set(random_tokens(5, (5,))),  # The shift shows the 6th.
  )
  np.testing.assert_array_equal(after[:, 6:], before[:, 6:])


def test_a_packed_pair_has_the_logits_of_its_own_row():
  inputs, targets = random_tokens(0, (1, 13)), random_tokens(1, (1, 13))
  segments = jnp.array([[1] * 6 + [2] * 7])
  positions = jnp.array([[*range(6), *range(7)]])
  packed = small_logits()(
    inputs, targets, positions, positions, segments, segments
  )
  alone = small_logits()(inputs[:, :6], targets[:, :6])
  np.testing.assert_allclose(packed[:, :6], alone, atol=1e-5)


def test_padding_never_changes_the_logits_of_real_tokens():
  inputs, targets = random_tokens(0, (2, 9)), random_tokens(1, (2, 7))
  short = small_logits()(inputs, targets)
  inputs = jnp.pad(inputs, ((0, 1), (0, 6)))
  targets = jnp.pad(targets, ((0, 1), (0, 5)))
  padded = small_logits()(inputs, targets)
  np.testing.assert_allclose(padded[:2, :7], short, atol=1e-5)
  assert np.isfinite(padded).all()


def test_a_token_never_sees_itself_or_what_follows():
  inputs, targets = random_tokens(0, (1, 9)), random_tokens(1, (1, 9))
  before = small_logits()(inputs, targets)
  changed = targets.at[0, 4:].set(random_tokens(2, (5,)))
  after = small_logits()(inputs, changed)
  np.testing.assert_array_equal(after[:, :5], before[:, :5])
  assert np.abs(after[:, 5:] - before[:, 5:]).max() > 1e-3
