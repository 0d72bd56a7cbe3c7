# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecular properties against the published benchmark's numbers."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import jraph
import numpy as np
import pytest
import sklearn.metrics

import workloads
from jaxperf import errors
from tests import reference
from workloads.ogbg import data as data_lib
from workloads.ogbg import graphs as graphs_lib
from workloads.ogbg import metrics, model, packing
from workloads.ogbg import workload as workload_lib

VARIANTS = ('ogbg', 'ogbg_gelu', 'ogbg_silu', 'ogbg_model_size')
# Activations change no initial value, and what is traced only a little.
MOSTLY_QUICK = [
  pytest.param(name, marks=pytest.mark.slow if is_slow else ())
  for name, is_slow in zip(VARIANTS, (False, True, True, False))
]
NUMBERS = reference.arrays('ogbg')
ENTRY = reference.index('ogbg')['workloads']['ogbg']
GRAPH_KEYS = ('nodes', 'edges', 'senders', 'receivers', 'n_node', 'n_edge')


def variant(name):
  return ENTRY['variants'][name]


def flat(tree):
  return {
    '/'.join(entry.key for entry in path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def summary(logits):
  x = np.asarray(logits, np.float64)
  return [x.sum(), (x**2).sum(), np.abs(x).max()]


def one_shard():
  """The reference batch as one shard of a batch with a shard axis."""
  graphs = {k: jnp.asarray(NUMBERS[f'batch/{k}'])[None] for k in GRAPH_KEYS}
  return {
    'inputs': jraph.GraphsTuple(**graphs, globals=None),
    'targets': jnp.asarray(NUMBERS['batch/targets'])[None],
    'weights': jnp.asarray(NUMBERS['batch/weights'])[None],
  }


def raw_graphs():
  """The graphs of the reference's stream."""

  def column(field):
    return [
      NUMBERS[f'stream/in{i:02d}/{field}']
      for i in range(ENTRY['stream_num_inputs'])
    ]

  nodes, bonds = column('node_feat'), column('edge_index')
  return graphs_lib.compact(
    graphs_lib.Loose(
      n_node=np.array([len(x) for x in nodes]),
      n_bond=np.array([len(x) for x in bonds]),
      nodes=np.concatenate(nodes),
      bonds=np.concatenate(bonds),
      bond_features=np.concatenate(column('edge_feat')),
      labels=np.stack(column('labels')),
    )
  )


@pytest.mark.parity
@pytest.mark.parametrize('name', VARIANTS)
def test_parameters_are_the_published_ones(name, parity):
  workload = workloads.build(name)
  params, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  shapes = {path: leaf.shape for path, leaf in flat(params).items()}
  kinds = flat(workload.param_kinds(params))
  count = sum(leaf.size for leaf in jax.tree.leaves(params))
  parity.equal('count', count, variant(name)['param_count'])
  for expected in variant(name)['params']:
    path = expected['path']
    parity.equal(f'{path} shape', shapes.pop(path), expected['shape'])
    parity.equal(f'{path} kind', kinds[path], expected['type'].lower())
  parity.equal('leaves that the benchmark has not', len(shapes), 0)
  assert model_state == {}


@pytest.mark.parity
@pytest.mark.parametrize('name', MOSTLY_QUICK)
def test_initial_values_are_the_published_ones(name, parity):
  seed = reference.index('ogbg')['init_seed']
  params, _ = jax.jit(workloads.build(name).init)(jax.random.PRNGKey(seed))
  leaves = flat(params)
  for expected, row in zip(
    variant(name)['params'], NUMBERS[f'{name}/init_stats']
  ):
    x = np.asarray(leaves[expected['path']], np.float64)
    actual = [x.mean(), x.std(), x.min(), x.max(), x.ravel()[0]]
    parity.close(expected['path'], actual, row, atol=1e-7, rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize('name', MOSTLY_QUICK)
def test_forward_and_gradient_are_the_published_ones(name, parity):
  apply, loss = workloads.build(name).apply, workload_lib.loss
  params = reference.filled('ogbg', variant(name)['params'])
  batch = one_shard()
  smoothing = variant(name)['cases']['main']['label_smoothing']

  @functools.partial(jax.value_and_grad, has_aux=True)
  def value_and_gradient(params):
    logits, _ = apply(
      params, {}, batch, jax.random.key(0), train=True, dropout_rate=0.0
    )
    summed, n_valid, _ = loss(logits, batch, label_smoothing=smoothing)
    return summed / n_valid, logits

  (value, train_logits), gradient = jax.jit(value_and_gradient)(params)
  logits = jax.jit(lambda p: apply(p, {}, batch, None, train=False)[0])(params)

  def expected(key):
    return NUMBERS[f'{name}/main/{key}']

  for mode, x in (('eval', logits), ('train', train_logits)):
    close = functools.partial(parity.close, atol=1e-4, rtol=1e-4)
    close(f'{mode} logits', x[0], expected(f'{mode}_logits'))
    close(f'{mode} summary', summary(x), expected(f'{mode}_logits_summary'))
  parity.close('train loss', value, expected('train_loss'), rtol=1e-5)
  leaves = [flat(gradient)[leaf['path']] for leaf in variant(name)['params']]
  norms = np.array([np.linalg.norm(leaf) for leaf in leaves])
  total = np.linalg.norm(norms)
  close = functools.partial(parity.close, rtol=2e-3)
  close('gradient norms', norms, expected('grad_norms'))
  close('global gradient norm', total, expected('grad_global_norm'))
  first = np.array([np.ravel(leaf)[0] for leaf in leaves]) / norms
  expected_first = expected('grad_first') / expected('grad_norms')
  parity.close('first gradients / norms', first, expected_first, atol=2e-3)


@pytest.mark.parity
@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_losses_are_the_published_ones(smoothing, parity):
  batch = {
    'targets': jnp.asarray(NUMBERS['metrics/labels0']),
    'weights': jnp.asarray(NUMBERS['metrics/mask0']),
  }
  logits = jnp.asarray(NUMBERS['metrics/logits0'])
  loss = workload_lib.loss(logits, batch, label_smoothing=smoothing)
  for key, value in (
    ('summed', loss.summed),
    ('n_valid_examples', loss.n_valid),
    ('per_example', loss.per_example),
  ):
    expected = NUMBERS[f'loss/ls{smoothing}_mask/{key}']
    parity.close(key, value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize(
  ('batches', 'key'), [([0], 'batch0'), ([1], 'batch1'), ([0, 1], 'merged')]
)
def test_metrics_are_the_published_ones(batches, key, parity):
  rows = {
    ours: np.concatenate([NUMBERS[f'metrics/{theirs}{i}'] for i in batches])
    for ours, theirs in (
      ('logits', 'logits'),
      ('targets', 'labels'),
      ('weights', 'mask'),
    )
  }
  loss = workload_lib.loss(jnp.asarray(rows['logits']), rows)
  correct = ((rows['logits'] > 0) == (rows['targets'] > 0)) * rows['weights']
  sums = {
    'loss': loss.summed,
    'num_correct': correct.sum(),
    'num_labels': loss.n_valid,
  }
  actual = workload_lib.finish(sums, rows)
  for name, expected in zip(ENTRY['metric_order'], NUMBERS[f'metrics/{key}']):
    parity.close(name, actual[name], expected, atol=1e-5)


@pytest.mark.parity
def test_greedy_packing_makes_the_published_batches(parity):
  graphs, size = raw_graphs(), ENTRY['stream_global_batch_size']
  batches = list(data_lib.evaluating(graphs, size * packing.NUM_SHARDS))
  shards = [
    jax.tree.map(lambda x, i=i: x[i], batch)
    for batch in batches
    for i in range(packing.NUM_SHARDS)
  ]
  count = ENTRY['stream_num_outputs']
  empty = [int(shard['weights'].sum()) == 0 for shard in shards[count:]]
  parity.equal('empty shards at the end', all(empty), True)
  parity.equal('batches', len(batches), -(-count // packing.NUM_SHARDS))
  for i, shard in enumerate(shards[:count]):
    found = shard['inputs']._asdict() | shard
    for key in (*GRAPH_KEYS, 'targets', 'weights'):
      parity.equal(f'{i} {key}', found[key], NUMBERS[f'stream/out{i}/{key}'])


# What the contract promises.


def tiny(**changes):
  """`init` and `apply` of a network that compiles fast."""
  config = {'num_tasks': 128, 'latent': 8, 'hidden': (8,), 'steps': 1}
  return workload_lib.model_functions(
    model.GraphNetwork(model.Config(**config | changes))
  )


def tiny_workload():
  """The workload on random graphs, with a network that compiles fast."""
  init, apply = tiny()
  evaluate = functools.partial(workload_lib.evaluate, apply)
  return workloads.build('ogbg', data='fake')._replace(
    init=init, apply=apply, evaluate=evaluate
  )


def metrics_of(workload, params, batches):
  sums, rows = {}, []
  for batch in batches:
    more, new_rows = jax.jit(workload.evaluate)(params, {}, batch, None)
    sums = {k: sums.get(k, 0) + float(v) for k, v in more.items()}
    rows.append({k: v[new_rows['valid']] for k, v in new_rows.items()})
  joined = {k: np.concatenate([r[k] for r in rows]) for k in rows[0]}
  return workload.finish(sums, joined), len(joined['valid'])


def test_padding_never_changes_a_metric():
  workload = tiny_workload()
  params, _ = workload.init(jax.random.key(0))
  results = [
    metrics_of(workload, params, workload.data.evaluation('test', batch_size))
    for batch_size in (64, 256)
  ]
  (small, small_count), (large, large_count) = results
  assert small_count == large_count == 1000
  for name in workload.metric_names:
    np.testing.assert_allclose(small[name], large[name], rtol=1e-5)


@pytest.mark.parametrize('split', [None, 'validation'])
@pytest.mark.parametrize('name', ['ogbg_model_size', 'mini_molecules'])
def test_batches_have_the_promised_shapes(name, split):
  data = workloads.build(name, data='fake').data
  batch_size = 128
  if split is None:
    batch, _ = next(data.train(0, batch_size, None))
  else:
    *_, batch = data.evaluation(split, batch_size)
  spec = data.element_spec(batch_size, split)
  assert jax.tree.structure(spec) == jax.tree.structure(batch)
  for expected, array in zip(jax.tree.leaves(spec), jax.tree.leaves(batch)):
    assert (array.shape, array.dtype) == (expected.shape, expected.dtype)
  graphs = batch['inputs']
  assert np.all(graphs.n_node.sum(axis=1) == graphs.nodes.shape[1])
  assert np.all(graphs.n_edge.sum(axis=1) == graphs.edges.shape[1])
  assert graphs.senders.max() < graphs.nodes.shape[1]


def test_a_cursor_restores_the_stream_even_across_epochs():
  data = workloads.build('ogbg', data='fake').data
  stream = data.train(3, 512, None)
  _, cursor = next(stream)
  expected = [next(stream) for _ in range(3)]
  assert expected[-1][1] > 1000 > cursor
  for (batch, position), (again, same) in zip(
    expected, data.train(3, 512, cursor)
  ):
    assert position == same
    jax.tree.map(np.testing.assert_array_equal, batch, again)


def test_an_epoch_holds_every_graph_once():
  graphs = data_lib.fake_graphs(8, 'train')
  # A graph is known by its number in binary.
  bits = (np.arange(1000)[:, None] >> np.arange(10)) & 1
  graphs = dataclasses.replace(graphs, labels=bits.astype(np.uint8))
  seen = []
  for batch, taken in data_lib.training(graphs, 0, 240):
    known = batch['weights'][..., 0] > 0
    seen.extend(batch['targets'][known] @ 2 ** np.arange(10))
    assert len(seen) == taken
    if taken > 2000:
      break
  for epoch in (seen[:1000], seen[1000:2000]):
    assert sorted(epoch) == list(range(1000))
  assert seen[:1000] != seen[1000:2000]


def test_shards_do_not_influence_each_other():
  workload = tiny_workload()
  params, _ = workload.init(jax.random.key(0))
  batch = next(workload.data.evaluation('validation', 64))
  order = np.array([3, 1, 0, 2, 7, 6, 5, 4])
  moved = jax.tree.map(lambda x: x[order], batch)
  logits = jax.jit(
    lambda batch: workload.apply(params, {}, batch, None, train=False)[0]
  )
  np.testing.assert_array_equal(logits(moved), logits(batch)[order])


def test_data_parallel_training_only_reduces_the_gradient():
  workload = tiny_workload()
  mesh = jax.make_mesh(
    (8,), ('data',), axis_types=(jax.sharding.AxisType.Auto,)
  )

  def placed(tree, *axes):
    sharding = jax.sharding.NamedSharding(mesh, jax.P(*axes))
    return jax.tree.map(
      lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree
    )

  def mean_loss(params, batch, key):
    logits, _ = workload.apply(params, {}, batch, key, train=True)
    loss = workload_lib.loss(logits, batch)
    return loss.summed / loss.n_valid

  params, _ = jax.eval_shape(workload.init, jax.random.key(0))
  batch = placed(workload.data.element_spec(512), 'data')
  program = (
    jax.jit(jax.grad(mean_loss))
    .lower(placed(params), batch, jax.random.key(0))
    .compile()
    .as_text()
  )
  for collective in ('all-gather', 'all-to-all', 'collective-permute'):
    assert f' {collective}' not in program
  assert ' all-reduce' in program


def test_dropout_follows_a_traced_rate():
  init, apply = tiny()
  params, _ = init(jax.random.key(0))
  batch = one_shard()

  @jax.jit
  def logits(rate):
    key = jax.random.key(1)
    return apply(params, {}, batch, key, train=True, dropout_rate=rate)[0]

  kept, _ = apply(params, {}, batch, None, train=False)
  np.testing.assert_allclose(logits(0.0), kept, rtol=1e-5, atol=1e-6)
  default, _ = apply(params, {}, batch, jax.random.key(1), train=True)
  np.testing.assert_allclose(logits(0.1), default, rtol=1e-5, atol=1e-6)
  assert np.abs(logits(0.1) - logits(0.5)).max() > 1e-3


def test_a_batch_without_known_labels_has_zero_loss_and_nan_metrics():
  logits = jnp.ones((8, 3, 4))
  batch = {'targets': jnp.full((8, 3, 4), jnp.nan), 'weights': 0 * logits}

  def summed(logits):
    return workload_lib.loss(logits, batch, label_smoothing=0.1).summed

  value, gradient = jax.value_and_grad(summed)(logits)
  assert value == 0
  np.testing.assert_array_equal(gradient, 0)
  sums = dict.fromkeys(('loss', 'num_correct', 'num_labels'), 0.0)
  empty = np.zeros((0, 4), np.float32)
  rows = {'logits': empty, 'targets': empty, 'weights': empty}
  assert all(np.isnan(list(workload_lib.finish(sums, rows).values())))


def test_missing_weights_count_as_ones():
  logits, targets = jnp.array([[[0.3, -2.0]]]), jnp.array([[[1.0, 0.0]]])
  without = workload_lib.loss(logits, {'targets': targets})
  batch = {'targets': targets, 'weights': jnp.ones((1, 1, 2))}
  jax.tree.map(
    np.testing.assert_array_equal, without, workload_lib.loss(logits, batch)
  )


def test_average_precision_is_that_of_scikit_learn():
  rng = np.random.default_rng(0)
  for num_levels in (2, 5, 1000):
    scores = rng.integers(num_levels, size=200) / num_levels
    labels = rng.integers(2, size=200)
    np.testing.assert_allclose(
      metrics.average_precision(scores, labels),
      sklearn.metrics.average_precision_score(labels, scores),
      rtol=1e-12,
    )


def test_a_task_with_only_positive_labels_scores_one_and_without_any_none():
  logits = np.array([[0.0, 1.0], [2.0, -1.0]], np.float32)
  labels = np.array([[1.0, 0.0], [1.0, 0.0]])
  known = np.ones((2, 2), bool)
  assert metrics.mean_average_precision(logits, labels, known) == 1


@pytest.mark.parametrize('batch_size', [0, 12])
def test_a_batch_size_must_fill_eight_shards(batch_size):
  data = workloads.build('ogbg', data='fake').data
  with pytest.raises(errors.UserError, match='multiple of 8'):
    data.element_spec(batch_size)


@pytest.mark.parametrize('name', ['n_node', 'n_bond'])
def test_a_graph_too_large_for_a_shard_is_refused(name):
  graphs = data_lib.fake_graphs(1, 'train')
  sizes = getattr(graphs, name).copy()
  sizes[8] = 57  # One more than has room as nodes, and as edges.
  graphs = dataclasses.replace(graphs, **{name: sizes})
  batches = data_lib.evaluating(graphs, 8)
  next(batches)
  with pytest.raises(errors.UserError, match='larger batch size than 8'):
    next(batches)
  next(data_lib.evaluating(graphs, 32))


def jraph_batches(graphs, size):
  """What jraph's own packing makes of the graphs, one shard at a time."""
  singles = []
  for i in range(len(graphs)):
    atoms = slice(*graphs.first_node[i : i + 2])
    bonds = slice(*graphs.first_bond[i : i + 2])
    begin, end = graphs.bonds[bonds].astype(np.int32).T
    features = graphs.bond_features[bonds].astype(np.float32)
    singles.append(
      jraph.GraphsTuple(
        nodes=graphs.nodes[atoms].astype(np.float32),
        edges=np.concatenate([features, features]),
        senders=np.concatenate([begin, end]),
        receivers=np.concatenate([end, begin]),
        n_node=np.array([graphs.n_node[i]], np.int32),
        n_edge=np.array([2 * graphs.n_bond[i]], np.int32),
        globals=graphs.labels[i : i + 1].astype(np.float32),
      )
    )
  return jraph.dynamically_batch(
    singles,
    n_node=packing.NODES_PER_GRAPH * size + 1,
    n_edge=packing.EDGES_PER_GRAPH * size,
    n_graph=size + 1,
  )


@pytest.mark.parametrize('size', [2, 16, 200])
@pytest.mark.parametrize('source', ['mini', 'fake'])
def test_packing_is_that_of_jraph(source, size):
  if source == 'mini':
    graphs = data_lib.mini_graphs('test')
  else:
    graphs = data_lib.fake_graphs(3, 'test')
  batches = data_lib.evaluating(graphs, size * packing.NUM_SHARDS)
  shards = (
    jax.tree.map(lambda x: x[i], batch)  # noqa: B023
    for batch in batches
    for i in range(packing.NUM_SHARDS)
  )
  for expected, shard in zip(jraph_batches(graphs, size), shards):
    inputs, real = shard['inputs'], expected.n_node.size - 1
    for key in GRAPH_KEYS:
      np.testing.assert_array_equal(
        getattr(inputs, key), getattr(expected, key), key
      )
    labels = expected.globals[:real]
    targets = np.where(labels == graphs_lib.UNKNOWN, 0, labels)
    np.testing.assert_array_equal(shard['targets'][:real], targets)
  assert not any(shard['weights'].any() for shard in shards)


def test_real_data_without_a_folder_is_refused(monkeypatch):
  monkeypatch.delenv('JAXPERF_DATA', raising=False)
  data = workloads.build('ogbg').data
  for ask in (data.check, lambda: next(data.train(0, 512))):
    with pytest.raises(errors.UserError, match='no folder of prepared data'):
      ask()


def test_the_mini_molecules_ship():
  workload = workloads.build('mini_molecules')
  description = workload.description
  for split, count in (
    ('train', description.num_eval_train),
    ('validation', description.num_validation),
    ('test', description.num_test),
  ):
    batches = list(workload.data.evaluation(split, workload.eval_batch_size))
    real = sum(
      int(workload_lib.real_graphs(batch['inputs'].n_node).sum())
      for batch in batches
    )
    assert real == count
  assert len(data_lib.mini_graphs('train')) == description.num_train
