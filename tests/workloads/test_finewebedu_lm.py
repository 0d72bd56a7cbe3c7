# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The language model against the published benchmark's numbers."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from jaxperf import rules
from tests import reference
from workloads.finewebedu_lm import model as model_lib
from workloads.finewebedu_lm import windows
from workloads.finewebedu_lm import workload as workload_lib

NAME = 'finewebedu_lm'
INDEX = reference.index(NAME)
ENTRY = INDEX['workloads'][NAME]
VARIANT = ENTRY['variants'][NAME]
SMALL = VARIANT['small_model']
NUMBERS = reference.arrays(NAME)
FULL_SIZE = pytest.param(False, marks=pytest.mark.slow, id='full')


def flat(tree):
  return {
    '/'.join(entry.key for entry in path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def summary(array):
  x = np.asarray(array, np.float64)
  return [x.sum(), (x**2).sum(), np.abs(x).max()]


def small_settings():
  """The settings of the small model of the reference numbers."""
  sizes = SMALL['config']
  config = model_lib.Config(
    vocab_size=sizes['vocab_size'],
    width=sizes['emb_dim'],
    mlp_width=sizes['mlp_dim'],
    num_heads=sizes['n_heads'],
    depth=sizes['n_layers'],
    max_length=sizes['seq_len'],
  )
  model = model_lib.LanguageModel(config)
  return workload_lib.Settings(
    workload_lib.FULL.description, model, 4, 4, workload_lib.FULL.data
  )


def built(small):
  if small:
    return workload_lib.build('small', small_settings(), data='fake')
  return workloads.build(NAME)


def reference_batch(name):
  return {
    key.removeprefix(f'{name}/'): jnp.asarray(array)
    for key, array in NUMBERS.items()
    if key.startswith(f'{name}/')
  }


@pytest.mark.parity
@pytest.mark.parametrize('small', [True, False], ids=['small', 'full'])
def test_parameters_are_the_published_ones(small, parity):
  workload, variant = built(small), SMALL if small else VARIANT
  params, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  leaves = flat(params)
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


def test_the_full_model_has_its_published_size():
  params, _ = jax.eval_shape(workloads.build(NAME).init, jax.random.key(0))
  assert sum(x.size for x in jax.tree.leaves(params)) == 252_815_372


@pytest.mark.parity
@pytest.mark.parametrize('small', [pytest.param(True, id='small'), FULL_SIZE])
def test_initial_values_are_the_published_ones(small, parity):
  workload = built(small)
  params, _ = jax.jit(workload.init)(jax.random.PRNGKey(INDEX['init_seed']))
  prefix = f'{NAME}/small_model' if small else NAME
  expected = NUMBERS[f'{prefix}/init_stats']
  for (path, leaf), row in zip(flat(params).items(), expected, strict=True):
    x = np.asarray(leaf, np.float64)
    actual = [x.mean(), x.std(), x.min(), x.max(), x.ravel()[0]]
    parity.close(path, actual, row, atol=1e-7, rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize(
  ('small', 'case'),
  [
    *((True, case) for case in SMALL['cases']),
    *(
      pytest.param(False, case, marks=pytest.mark.slow)
      for case in VARIANT['cases']
    ),
  ],
)
def test_outputs_and_gradients_are_the_published_ones(small, case, parity):
  workload, variant = built(small), SMALL if small else VARIANT
  setting = variant['cases'][case]
  batch = reference_batch(setting['batch'])
  multipliers = setting.get('param_multiplier') or variant['param_multiplier']
  params = reference.filled(NAME, variant['params'], multipliers)

  @jax.jit
  def run(params):
    def loss_fn(params):
      logits, _ = workload.apply(
        params, {}, batch, jax.random.key(0), train=True
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

  prefix = f'{NAME}/small_model/{case}/' if small else f'{NAME}/{case}/'
  expected = {
    key.removeprefix(prefix): array
    for key, array in NUMBERS.items()
    if key.startswith(prefix)
  }
  mean, logits, loss, norms, firsts = run(params)
  close = functools.partial(parity.close, atol=1e-4, rtol=1e-4)
  stored = reference.stored_part(setting['logits'])
  close('logits', logits[stored], expected['eval_logits'])
  for mode in ('eval', 'train'):
    total = expected[f'{mode}_logits_summary']
    close(f'{mode} summary', summary(logits), total)
  parity.equal('argmax', logits.argmax(-1), expected['eval_logits_argmax'])
  normaliser = jax.nn.logsumexp(logits, axis=-1)
  close('log-sum-exp', normaliser, expected['eval_logits_logsumexp'])
  at_targets = jnp.take_along_axis(logits, batch['targets'][..., None], -1)
  close('at targets', at_targets[..., 0], expected['eval_logits_at_targets'])
  parity.close('mean loss', mean, expected['train_loss'], rtol=1e-5)
  parity.close(
    'summed loss', loss.summed, expected['train_loss_summed'], rtol=1e-5
  )
  close('losses', loss.per_example, expected['train_loss_per_example'])
  parity.equal('tokens', loss.n_valid, expected['train_loss_n_valid_examples'])
  scale = 1e-6 * float(expected['grad_global_norm'])
  parity.close(
    'gradient norms', norms, expected['grad_norms'], atol=scale, rtol=1e-3
  )
  parity.close(
    'gradient norm',
    np.linalg.norm(norms),
    expected['grad_global_norm'],
    rtol=1e-3,
  )
  parity.close(
    'first elements',
    (firsts - expected['grad_first']) / expected['grad_norms'],
    np.zeros(len(firsts)),
    atol=2e-3,
  )


@pytest.mark.parity
@pytest.mark.slow
def test_an_evaluation_step_is_the_published_one(parity):
  workload, published = built(False), VARIANT['eval_step_weighted']
  setting = VARIANT['cases']['weighted']
  params = reference.filled(
    NAME, VARIANT['params'], setting['param_multiplier']
  )
  batch = reference_batch(setting['batch'])
  sums, rows = jax.jit(workload.evaluate)(params, {}, batch, jax.random.key(0))
  assert rows == {}
  parity.close('loss', sums['loss'], published['loss'], rtol=1e-5)
  parity.equal('tokens', sums['tokens'], published['denominator'])
  metrics = workload.finish(sums, {})
  parity.close('ppl', metrics['ppl'], published['ppl'], rtol=2e-4)


@pytest.mark.parity
def test_the_loss_is_the_published_one(parity):
  logits, targets = NUMBERS['loss/logits'], NUMBERS['loss/targets']
  for smoothing in (0.0, 0.1):
    for masked in (False, True):
      batch = {'targets': targets}
      if masked:
        batch['weights'] = NUMBERS['loss/mask']
      found = workload_lib.loss(logits, batch, label_smoothing=smoothing)
      name = f'ls{smoothing}_{"mask" if masked else "nomask"}'
      for key, value in (
        ('summed', found.summed),
        ('n_valid_examples', found.n_valid),
        ('per_example', found.per_example),
      ):
        expected = NUMBERS[f'loss/{name}/{key}']
        parity.close(f'{name} {key}', value, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parity
def test_rotary_positions_are_the_published_ones(parity):
  sizes = ENTRY['rope_config']['table']
  table = model_lib.rotary_table(sizes['length'], sizes['head_dim'])
  close = functools.partial(parity.close, atol=2e-4)
  close('slice', table[::61, ::7], NUMBERS['rope/table_slice'])
  parity.close(
    'summary', summary(table), NUMBERS['rope/table_summary'], atol=2, rtol=1e-4
  )
  channels = ENTRY['rope_config']['rotated']['head_dim']
  small = model_lib.rotary_table(sizes['length'], channels)
  for name in ('q', 'k'):
    found = model_lib.rotated(NUMBERS[f'rope/{name}'], small)
    close(name, found, NUMBERS[f'rope/{name}_rotated'])


def stream():
  """The documents of the reference numbers as one stream, and their length."""
  ids = np.concatenate([np.array(d, '<u2') for d in ENTRY['documents']])
  return ids, ENTRY['data_sequence_length']


@pytest.mark.parity
def test_windows_and_batches_are_the_published_ones(parity):
  ids, length = stream()
  size = ENTRY['data_batch_size']
  expected = NUMBERS['data/sequences']
  parity.equal('count', windows.count(ids, length), len(expected))
  found = list(windows.evaluation(ids, length, 10**6, size))
  names = sorted(k.split('/')[1] for k in NUMBERS if k.startswith('data/v'))
  assert len(found) == len(set(names))
  for number, batch in enumerate(found):
    for key, array in batch.items():
      published = NUMBERS[f'data/validation{number}/{key}']
      parity.equal(f'validation {number} {key}', array, published)


@pytest.mark.parity
def test_an_epoch_is_a_permutation_of_the_windows(parity):
  ids, length = stream()
  size, published = ENTRY['data_batch_size'], NUMBERS['data/sequences']
  per_epoch = -(-len(published) // size)
  batches = windows.training(ids, length, 3, size)
  epochs = [[next(batches)[0] for _ in range(per_epoch)] for _ in range(2)]
  seen = []
  for epoch in epochs:
    rows = [
      np.append(inputs, target[-1])
      for batch in epoch
      for inputs, target, weight in zip(*batch.values())
      if weight.any()
    ]
    seen.append(np.array(rows))
    parity.equal(
      'windows', sorted(map(tuple, rows)), sorted(map(tuple, published))
    )
    last = epoch[-1]
    parity.equal(
      'weights', last['weights'], NUMBERS['data/train_last_batch_weights']
    )
    assert not last['inputs'][last['weights'] == 0].any()
  assert not np.array_equal(*seen)


def test_a_stream_goes_on_from_its_cursor_and_gives_rows_alone():
  ids, length = stream()
  whole = windows.training(ids, length, 5, 4)
  batches = [next(whole) for _ in range(12)]
  for start in (0, 3, 5, 9):
    on = windows.training(ids, length, 5, 4, start or None)
    part = windows.training(ids, length, 5, 4, start, (1, 3))
    for batch, cursor in batches[start:]:
      (again, taken), (rows, _) = next(on), next(part)
      assert taken == cursor
      for key, array in batch.items():
        np.testing.assert_array_equal(again[key], array)
        np.testing.assert_array_equal(rows[key], array[1:3])
  evaluated = windows.evaluation(ids, length, 7, 4)
  cut = windows.evaluation(ids, length, 7, 4, (1, 3))
  for batch, rows in zip(evaluated, cut, strict=True):
    np.testing.assert_array_equal(rows['weights'], batch['weights'][1:3])
    np.testing.assert_array_equal(rows['inputs'], batch['inputs'][1:3])


def test_a_token_never_sees_what_follows():
  workload = built(True)
  params, _ = jax.jit(workload.init)(jax.random.key(0))
  apply = jax.jit(
    lambda inputs: workload.apply(
      params, {}, {'inputs': inputs}, jax.random.key(0), train=False
    )[0]
  )
  inputs = jax.random.randint(jax.random.key(1), (1, 12), 0, 509)
  before = apply(inputs)
  after = apply(inputs.at[0, 7:].set(3))
  np.testing.assert_array_equal(after[:, :7], before[:, :7])
  assert np.abs(after[:, 7:] - before[:, 7:]).max() > 1e-3


def test_the_facts_agree_with_the_published_numbers():
  numbers = VARIANT['numbers']
  about = workload_lib.FULL.description
  assert about.num_train == numbers['num_train_examples']
  assert about.num_eval_train == numbers['num_eval_train_examples']
  assert about.num_validation == numbers['num_validation_examples']
  assert about.num_test == numbers['num_test_examples']
  assert workload_lib.FULL.eval_batch_size == numbers['eval_batch_size']
  goal = rules.load('v1.0').workloads[NAME]
  assert goal.validation_target == numbers['validation_target_value']
  assert goal.test_target is numbers['test_target_value'] is None
  assert goal.budget == numbers['max_allowed_runtime_sec']
  assert goal.eval_period == numbers['eval_period_time_sec']
  assert goal.step_hint == numbers['step_hint']
  assert goal.metric == numbers['target_metric_name']


def test_heads_one_after_another_give_the_same_loss_and_gradient():
  settings = small_settings()
  config = settings.model.config
  tokens = np.arange(2 * config.max_length).reshape(2, -1) % config.vocab_size
  params = settings.model.init(jax.random.key(0), tokens)

  def loss(params, by_head):
    model = model_lib.LanguageModel(
      dataclasses.replace(config, by_head=by_head)
    )
    logits = model.apply(params, tokens)
    return workload_lib.loss(logits, {'targets': tokens[:, ::-1]}).summed

  one, all_at_once = (
    jax.value_and_grad(loss)(params, by_head) for by_head in (True, False)
  )
  # Sums of 2,048 losses: the largest slopes are about 10.
  chex.assert_trees_all_close(one, all_at_once, rtol=1e-4, atol=1e-4)
