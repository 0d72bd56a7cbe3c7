# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What every workload has to hold; mini workloads stand for their siblings.

A new workload is tested by its row in `workloads.TABLE`.
"""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import jraph
import numpy as np
import optax
import pytest

import workloads
from jaxperf import mesh, rules, submission
from jaxperf import workload as workload_lib
from jaxperf.trial import compiled, evaluation, trial
from jaxperf.trial import step as step_lib

MINI = [name for name in workloads.TABLE if name.startswith('mini_')]
FULL = [name for name in workloads.TABLE if not name.startswith('mini_')]

# Compiling their evaluation takes half a minute or more.
HEAVY = ('mini_speech_conformer', 'mini_speech_deepspeech', 'mini_translation')

# A hundred of their steps take seconds.
QUICK = ('mini_clicks', 'mini_molecules')

# Their examples differ in length or size.
PADDED = (*HEAVY, 'mini_molecules')

# Their curves drift apart by up to 8e-4 in ten steps of Adam.
SENSITIVE = ('mini_mri', 'mini_speech_deepspeech')

each = pytest.mark.parametrize('name', MINI)
each_evaluated = pytest.mark.parametrize(
  'name',
  [
    pytest.param(name, marks=pytest.mark.slow if name in HEAVY else ())
    for name in MINI
  ],
)


@functools.cache
def fake(name: str) -> workload_lib.Workload:
  return workloads.build(name, data='fake')


@functools.cache
def initialised(name: str):
  return jax.jit(fake(name).init)(jax.random.key(0))


def first_batch(workload, seed=0):
  return next(workload.data.train(seed, workload.default_batch_size, None))[0]


def _shapes(tree):
  return jax.tree.map(lambda x: (np.shape(x), np.asarray(x).dtype), tree)


@pytest.mark.parametrize('name', MINI + FULL)
def test_parameters_are_float32_and_each_has_a_kind(name):
  workload = fake(name)
  params, model_state = jax.eval_shape(workload.init, jax.random.key(0))
  assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype('float32')}
  kinds = workload.param_kinds(params)
  assert jax.tree.structure(kinds) == jax.tree.structure(params)
  assert all(
    isinstance(kind, workload_lib.ParamKind) for kind in jax.tree.leaves(kinds)
  )
  assert isinstance(model_state, dict)


@pytest.mark.parametrize('name', MINI + FULL)
def test_a_rule_set_knows_its_goal(name):
  workload = fake(name)
  known = [
    rules.load(version)
    for version in rules.names()
    if name in rules.load(version).workloads
  ]
  assert known
  for ruleset in known:
    assert ruleset.workloads[name].metric in workload.metric_names


@pytest.mark.parametrize('name', MINI + FULL)
def test_it_says_what_it_is(name):
  workload = fake(name)
  assert workload.name == name
  description = workload.description
  for text in (
    description.task,
    description.dataset,
    description.model,
    description.loss,
  ):
    assert text
  assert min(description.num_train, description.num_validation) > 0
  assert description.num_test > 0 or 'test' not in description.splits


@each
@pytest.mark.parametrize('data', ['fake', None])
def test_batches_are_as_promised(name, data):
  workload = workloads.build(name, data=data)
  size = workload.default_batch_size
  spec = workload.data.element_spec(size)
  evaluation.check_batch(first_batch(workload), spec)
  leading = workload.batch_shards or size
  assert leading % 8 == 0  # So that up to eight devices can share it.
  assert {x.shape[0] for x in jax.tree.leaves(spec)} == {leading}
  for split in workload.description.splits:
    spec = workload.data.element_spec(workload.eval_batch_size, split)
    batches = workload.data.evaluation(split, workload.eval_batch_size)
    for batch in itertools.islice(batches, 2):
      evaluation.check_batch(batch, spec)
      assert 'weights' in batch


@each
def test_real_evaluation_data_is_the_same_every_time(name):
  workload = workloads.build(name)
  for split in workload.description.splits:
    one, two = (
      next(iter(workload.data.evaluation(split, workload.eval_batch_size)))
      for _ in range(2)
    )
    jax.tree.map(np.testing.assert_array_equal, one, two)


@each
def test_a_cursor_restores_the_stream_and_the_seed_changes_it(name):
  workload = workloads.build(name)
  size = workload.default_batch_size
  stream = list(itertools.islice(workload.data.train(0, size, None), 4))
  again = workload.data.train(0, size, stream[1][1])
  for (batch, _), (restored, _) in zip(stream[2:], again):
    jax.tree.map(np.testing.assert_array_equal, batch, restored)
  same, other = first_batch(workload, seed=0), first_batch(workload, seed=1)
  jax.tree.map(np.testing.assert_array_equal, stream[0][0], same)
  pairs = zip(jax.tree.leaves(same), jax.tree.leaves(other))
  assert any(not np.array_equal(x, y) for x, y in pairs)


@each_evaluated
def test_the_batch_size_of_evaluation_changes_no_metric(name):
  """Other batches of the real data, other padding: the same numbers."""
  workload = workloads.build(name)
  params, model_state = initialised(name)
  whole, smaller = (
    evaluation.Evaluator(
      workload._replace(eval_batch_size=size),
      mesh.make_mesh(jax.devices()[:1]),
    ).split(params, model_state, 'test', jax.random.key(0))
    for size in (workload.eval_batch_size, workload.eval_batch_size // 3 * 2)
  )
  assert set(whole) == set(workload.metric_names)
  for metric, value in whole.items():
    np.testing.assert_allclose(smaller[metric], value, rtol=2e-5, atol=1e-6)


@each_evaluated
def test_one_device_and_eight_give_the_same_metrics(name):
  workload = fake(name)
  size = 8 * -(-workload.eval_batch_size // 8)
  workload = workload._replace(eval_batch_size=size)
  params, model_state = initialised(name)
  one, eight = (
    evaluation.Evaluator(workload, mesh.make_mesh(jax.devices()[:count]))(
      params, model_state, jax.random.key(0)
    )
    for count in (1, 8)
  )
  assert set(one) == {
    f'{split}/{metric}'
    for split in workload.description.splits
    for metric in workload.metric_names
  }
  for metric, value in one.items():
    np.testing.assert_allclose(eight[metric], value, rtol=2e-4, atol=1e-5)


@each
def test_a_batch_of_padding_alone_has_a_loss_of_zero(name):
  workload = fake(name)
  params, model_state = initialised(name)
  size = workload.eval_batch_size
  batch = dict(next(iter(workload.data.evaluation('validation', size))))
  outputs, _ = jax.jit(workload.apply, static_argnames='train')(
    params, model_state, batch, jax.random.key(0), train=False
  )
  assert workload.loss(outputs, batch).summed > 0
  batch['weights'] = np.zeros_like(batch['weights'])
  loss = workload.loss(outputs, batch)
  assert loss.summed == 0
  # The speech workloads count at least one label, as the benchmark does.
  assert loss.n_valid == (1 if 'speech' in name else 0)
  assert not np.any(loss.per_example)


@each
def test_update_stats_false_leaves_the_model_state_alone(name):
  workload = fake(name)
  params, model_state = initialised(name)
  _, kept = jax.jit(workload.apply, static_argnames=('train', 'update_stats'))(
    params,
    model_state,
    first_batch(workload),
    jax.random.key(0),
    train=True,
    update_stats=False,
  )
  jax.tree.map(np.testing.assert_array_equal, kept, model_state)
  assert jax.tree.structure(kept) == jax.tree.structure(model_state)


def _training(name, devices=1, **constants) -> trial.Training:
  workload = fake(name)
  algorithm = submission.Submission(optimizer=lambda hps, run: optax.adam(3e-3))
  run = submission.RunInfo(
    step_hint=100,
    budget=100,
    eval_period=100,
    unit='steps',
    batch_size=workload.default_batch_size,
    loss_kind=workload.loss_kind,
    minimize=True,
    params=step_lib.param_info(workload),
    has_batch_stats=step_lib.has_model_state(workload),
    mesh=mesh.make_mesh(jax.devices()[:devices]),
    ruleset='self',
  )
  hps = submission.Hyperparameters(**constants)
  return trial.Training(workload, algorithm, hps, run, compiled.OPTAX)


def _steps(training, batches, states=None):
  """Loss and gradient norm of each step, and the states before them.

  Args:
    training: what to run.
    batches: one a step.
    states: to start each step from; by default from where the last one ended.
  """
  state = compiled.initial_state(training)
  shardings = jax.tree.map(lambda x: x.sharding, state)
  step = compiled.compile_functions(training, state).step
  scalars, before = [], []
  for i, batch in enumerate(batches):
    if states:
      state = jax.device_put(states[i], shardings)
    before.append(jax.device_get(state))
    state, values = step(state, mesh.place_batch(batch, training.run.mesh))
    scalars.append([float(values['loss']), float(values['grad_norm'])])
  return np.array(scalars), before


@each
def test_the_loss_falls_in_twenty_steps(name):
  batch = first_batch(fake(name))
  losses = _steps(_training(name), [batch] * 20)[0][:, 0]
  assert np.all(np.isfinite(losses))
  assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in MINI
  ],
)
def test_a_hundred_steps_of_real_data_compile_nothing(name, caplog):
  """Lengths and sizes of the examples vary, the shapes of a batch do not."""
  workload = workloads.build(name)
  training = dataclasses.replace(_training(name), workload=workload)
  state = compiled.initial_state(training)
  step = compiled.compile_functions(training, state).step
  stream = workload.data.train(0, workload.default_batch_size, None)
  paddings = []
  with jax.log_compiles():
    for batch, _ in itertools.islice(stream, 100):
      paddings.append(_padding(batch))
      state, _ = step(state, mesh.place_batch(batch, training.run.mesh))
    assert not caplog.messages
    jax.jit(lambda x: x + len(paddings))(1.0)
    assert caplog.messages  # What is compiled would have been seen.
  if name in PADDED:
    assert len(set(paddings)) > 10


def _padding(batch) -> float:
  """How much of a batch of variable lengths or sizes is padding."""
  inputs = batch['inputs']
  if isinstance(inputs, jraph.GraphsTuple):
    return inputs.n_node[:, -1].sum()  # The last graph of a shard.
  if isinstance(inputs, tuple):
    return inputs[1].sum()
  return np.sum(inputs == 0)


def _one_and_many(name, devices):
  """Trainings on one and on many devices, without dropout, and batches."""
  if fake(name).description.default_dropout is None:
    constants = {}
  else:
    constants = {'dropout_rate': 0.0}
  stream = fake(name).data.train(0, fake(name).default_batch_size, None)
  batches = [batch for batch, _ in itertools.islice(stream, 10)]
  one, many = (_training(name, n, **constants) for n in (1, devices))
  return one, many, batches


@pytest.mark.slow
@pytest.mark.parametrize('devices', [2, 4, 8])
@pytest.mark.parametrize('name', [n for n in MINI if n not in SENSITIVE])
def test_the_number_of_devices_does_not_change_the_curve(name, devices):
  one, many, batches = _one_and_many(name, devices)
  losses = _steps(one, batches)[0][:, 0]
  np.testing.assert_allclose(_steps(many, batches)[0][:, 0], losses, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('devices', [2, 4, 8])
@pytest.mark.parametrize('name', SENSITIVE)
def test_the_number_of_devices_does_not_change_a_step(name, devices):
  """From each of ten states: left alone, Adam blows rounding up here."""
  one, many, batches = _one_and_many(name, devices)
  expected, states = _steps(one, batches)
  actual, _ = _steps(many, batches, states)
  np.testing.assert_allclose(actual, expected, rtol=1e-4)
