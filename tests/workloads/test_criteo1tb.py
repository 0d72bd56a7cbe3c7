# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Click-through-rate prediction against the published benchmark's numbers."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import workloads
from jaxperf import errors
from tests import reference
from workloads.criteo1tb import workload as workload_lib

VARIANTS = (
  'criteo1tb',
  'criteo1tb_layernorm',
  'criteo1tb_embed_init',
  'criteo1tb_resnet',
)
NUMBERS = reference.arrays('criteo1tb')
ENTRY = reference.index('criteo1tb')['workloads']['criteo1tb']
# The benchmark's own small model, for smoke tests; not a workload here.
SMOKE_TEST = 'criteo1tb_test'


def variant(name):
  return ENTRY['variants'][name]


def functions(name):
  """`init` and `apply` with the small table of the reference numbers."""
  if name == SMOKE_TEST:
    settings, overrides = workload_lib.FULL, {'vocab_size': 65_536}
  else:
    settings = workloads.settings(name)
    overrides = variant(name)['fixture_overrides']
  config = dataclasses.replace(settings.model.config, **overrides)
  settings = dataclasses.replace(
    settings, model=settings.model.clone(config=config)
  )
  workload = workload_lib.build(name, settings)
  return workload.init, workload.apply


def flat(tree):
  return {
    '/'.join(entry.key for entry in path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def summary(logits):
  x = np.asarray(logits, np.float64)
  return [x.sum(), (x**2).sum(), np.abs(x).max()]


def batch(prefix='batch'):
  return {
    key: jnp.asarray(NUMBERS[f'{prefix}/{key}'])
    for key in ('inputs', 'targets', 'weights')
  }


def filled(name, case):
  multipliers = variant(name)['cases'][case].get('param_multiplier')
  params = reference.filled('criteo1tb', variant(name)['params'], multipliers)
  return jax.tree.map(jnp.asarray, params)


@pytest.mark.parity
@pytest.mark.parametrize('name', VARIANTS)
def test_parameters_are_the_published_ones(name, parity):
  workload = workloads.build(name)
  params, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  parity.equal('count', count, variant(name)['param_count'])
  small_params, _ = jax.eval_shape(functions(name)[0], jax.random.key(0))
  shapes = {path: leaf.shape for path, leaf in flat(small_params).items()}
  kinds = flat(workload.param_kinds(params))
  for expected in variant(name)['params']:
    path = expected['path']
    parity.equal(f'{path} shape', shapes.pop(path), expected['shape'])
    parity.equal(f'{path} kind', kinds[path], expected['type'].lower())
  parity.equal('leaves that the benchmark has not', len(shapes), 0)
  assert model_state == {}


@pytest.mark.parity
@pytest.mark.parametrize('name', [*VARIANTS, SMOKE_TEST])
def test_initial_values_are_the_published_ones(name, parity):
  init, _ = functions(name)
  seed = reference.index('criteo1tb')['init_seed']
  params, _ = jax.jit(init)(jax.random.PRNGKey(seed))
  leaves = flat(params)
  for expected, row in zip(
    variant(name)['params'], NUMBERS[f'{name}/init_stats']
  ):
    x = np.asarray(leaves[expected['path']], np.float64)
    actual = [x.mean(), x.std(), x.min(), x.max(), x.ravel()[0]]
    parity.close(expected['path'], actual, row, atol=1e-7, rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize('name', [*VARIANTS, SMOKE_TEST])
@pytest.mark.parametrize('case', ['main', 'embed16'])
def test_forward_and_gradient_are_the_published_ones(name, case, parity):
  _, apply = functions(name)
  params, examples = filled(name, case), batch()

  def expected(key):
    return NUMBERS[f'{name}/{case}/{key}']

  @jax.jit
  def loss_fn(params):
    logits, _ = apply(
      params, {}, examples, jax.random.key(0), train=True, dropout_rate=0.0
    )
    loss = workload_lib.loss(logits, examples)
    return loss.summed / loss.n_valid, logits

  (value, train_logits), gradient = jax.value_and_grad(loss_fn, has_aux=True)(
    params
  )
  logits, _ = apply(params, {}, examples, None, train=False)
  for mode, x in (('eval', logits), ('train', train_logits)):
    close = functools.partial(parity.close, atol=1e-4, rtol=1e-4)
    close(f'{mode} logits', x, expected(f'{mode}_logits'))
    close(f'{mode} summary', summary(x), expected(f'{mode}_logits_summary'))
  parity.close('train loss', value, expected('train_loss'), rtol=1e-5)
  if case == 'main':
    parity.close(
      'eval summed loss',
      workload_lib.loss(logits, examples).summed,
      expected('eval_summed_loss'),
      rtol=1e-5,
    )
  leaves = [flat(gradient)[leaf['path']] for leaf in variant(name)['params']]
  norms = np.array([np.linalg.norm(leaf) for leaf in leaves])
  parity.close('gradient norms', norms, expected('grad_norms'), rtol=2e-3)
  parity.close(
    'global gradient norm',
    np.linalg.norm(norms),
    expected('grad_global_norm'),
    rtol=2e-3,
  )
  first = np.array([np.ravel(leaf)[0] for leaf in leaves])
  parity.close(
    'first gradients / norms',
    first / expected('grad_norms'),
    expected('grad_first') / expected('grad_norms'),
    atol=2e-3,
  )


@pytest.mark.parity
@pytest.mark.parametrize('smoothing', [0.0, 0.1])
@pytest.mark.parametrize('masked', ['mask', 'nomask'])
def test_losses_are_the_published_ones(smoothing, masked, parity):
  examples = {'targets': jnp.asarray(NUMBERS['loss/labels'])}
  if masked == 'mask':
    examples['weights'] = jnp.asarray(NUMBERS['loss/mask'])
  loss = workload_lib.loss(
    jnp.asarray(NUMBERS['loss/logits']), examples, label_smoothing=smoothing
  )
  prefix = f'loss/ls{smoothing}_{masked}'
  for key, value in (
    ('summed', loss.summed),
    ('n_valid_examples', loss.n_valid),
    ('per_example', loss.per_example),
  ):
    parity.close(key, value, NUMBERS[f'{prefix}/{key}'], rtol=1e-5, atol=1e-6)


# What the contract promises.


def mean_loss(workload, params, batches):
  sums, evaluate = {}, jax.jit(workload.evaluate)
  for batch in batches:
    more, _ = evaluate(params, {}, batch, None)
    sums = {k: sums.get(k, 0) + float(v) for k, v in more.items()}
  return workload.finish(sums, {})['loss']


def test_padding_never_changes_the_loss():
  workload = workloads.build('mini_clicks')
  params, _ = workload.init(jax.random.key(0))
  evaluation = workload.data.evaluation
  large, small = (
    mean_loss(workload, params, evaluation('validation', batch_size))
    for batch_size in (10_000, 3_000)
  )
  np.testing.assert_allclose(large, small, rtol=1e-6)


def test_a_batch_of_padding_alone_has_zero_loss():
  batch = {'targets': jnp.ones(3), 'weights': jnp.zeros(3)}
  loss = workload_lib.loss(jnp.ones((3, 1)), batch)
  assert (loss.summed, loss.n_valid) == (0, 0)
  assert workload_lib.finish({'loss': 0.0, 'num_examples': 0.0}, {}) == {
    'loss': 0.0
  }


def test_ids_are_rounded_to_float32_and_wrap_round_the_table():
  _, apply = functions('criteo1tb')
  params = filled('criteo1tb', 'embed16')
  rows = variant('criteo1tb')['fixture_overrides']['vocab_size']
  odd_id = 2**24 + 1  # Not a float32: becomes 2**24, row 0 of the table.

  def logit(identity):
    inputs = np.zeros((1, 39), np.float32)
    inputs[0, 13:] = identity
    return apply(params, {}, {'inputs': inputs}, None, train=False)[0]

  assert logit(odd_id) == logit(0) == logit(3 * rows)
  assert logit(0) != logit(1)


@pytest.mark.parametrize('name', ['criteo1tb', 'criteo1tb_resnet'])
def test_dropout_follows_a_traced_rate(name):
  _, apply = functions(name)
  params, examples = filled(name, 'main'), batch()

  @jax.jit
  def logits(rate):
    key = jax.random.key(1)
    return apply(params, {}, examples, key, train=True, dropout_rate=rate)[0]

  kept, _ = apply(params, {}, examples, None, train=False)
  np.testing.assert_allclose(logits(0.0), kept, rtol=1e-5, atol=1e-6)
  default, _ = apply(params, {}, examples, jax.random.key(1), train=True)
  np.testing.assert_allclose(default, kept, rtol=1e-5, atol=1e-6)
  assert np.abs(logits(0.5) - kept).max() > 1e-3


@pytest.mark.parametrize('data', [None, 'fake'])
@pytest.mark.parametrize('split', [None, 'train', 'test'])
def test_batches_have_the_promised_shapes(data, split):
  source = workloads.build('mini_clicks', data=data).data
  if split is None:
    made, _ = next(source.train(0, 24, None))
  else:
    made = next(source.evaluation(split, 24))
  spec = source.element_spec(24, split)
  assert spec.keys() == made.keys()
  for key, expected in spec.items():
    assert (made[key].shape, made[key].dtype) == (
      expected.shape,
      expected.dtype,
    )


def test_evaluation_covers_the_splits_that_the_facts_name():
  workload = workloads.build('mini_clicks')
  for split, count in (
    ('train', workload.description.num_eval_train),
    ('validation', workload.description.num_validation),
    ('test', workload.description.num_test),
  ):
    batches = workload.data.evaluation(split, workload.eval_batch_size)
    assert sum(made['weights'].sum() for made in batches) == count


def test_a_cursor_restores_the_stream_even_across_epochs():
  data = workloads.build('mini_clicks').data
  stream = data.train(3, 30_000, None)
  expected = [next(stream) for _ in range(4)]  # Two batches an epoch.
  restored = data.train(3, 30_000, expected[0][1])
  for made, cursor in expected[1:]:
    again, same = next(restored)
    assert cursor == same
    np.testing.assert_array_equal(made['inputs'], again['inputs'])


@pytest.mark.parametrize('name', VARIANTS)
def test_real_data_that_is_not_there_is_announced(name, tmp_path):
  data = workloads.build(name, data=tmp_path).data
  for batches in (
    lambda: data.train(0, 512, None),
    lambda: data.evaluation('test', 512),
    data.check,
  ):
    with pytest.raises(errors.UserError, match='holds no prepared data'):
      batches()
