# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What files written against the AlgoPerf API are given, and when refused."""

import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxperf import errors
from jaxperf.algoperf import state
from jaxperf.algoperf import workload as workload_lib
from jaxperf.algoperf.api import jax_sharding_utils, spec
from jaxperf.running import config as config_lib
from jaxperf.running import config_file, entries, plugins
from jaxperf.trial import run as run_lib
from tests import planned
from tests.algoperf import test_trajectories

ROOT = pathlib.Path(__file__).parents[2]
# Gradient descent, as short as it can be.
SGD = """
import functools
import jax
from algoperf import spec

def get_batch_size(workload_name):
  if workload_name != 'criteo1tb':
    raise ValueError(workload_name)
  return 4096

def init_optimizer_state(
  workload, model_params, model_state, hyperparameters, rng
):
  return ()

@functools.partial(jax.jit, static_argnums=0)
def step(workload, params, batch, rng):
  def loss_fn(params):
    logits, _ = workload.model_fn(
      params, batch, {}, spec.ForwardPassMode.TRAIN, rng,
      update_batch_norm=True,
    )
    loss = workload.loss_fn(batch['targets'], logits, batch.get('weights'))
    return loss['summed'] / loss['n_valid_examples']
  grad = jax.grad(loss_fn)(params)
  return jax.tree.map(lambda p, g: p - 0.1 * g, params, grad)

def update_params(
  workload, current_param_container, current_params_types, model_state,
  hyperparameters, batch, loss_type, optimizer_state, eval_results,
  global_step, rng, train_state,
):
  # BEFORE
  params = step(workload, current_param_container, batch, rng)
  return optimizer_state, params, model_state

def data_selection(
  workload, input_queue, optimizer_state, current_param_container,
  model_state, hyperparameters, global_step, rng,
):
  return next(input_queue)
"""


def write(folder: pathlib.Path, text: str, before: str = 'pass') -> str:
  path = folder / 'mine.py'
  path.write_text(text.replace('# BEFORE', before))
  return str(path)


def run(folder, before='pass', after='', **options):
  """Trains such a file; the module it became, and the outcome."""
  path = write(folder, SGD + after, before)
  made = test_trajectories.file_trial(
    path, 'self', {}, devices=jax.devices()[:1], **options
  )
  outcome = run_lib.run(made, folder / 'trial')
  return sys.modules[made.training.submission.batch_size.__module__], outcome


def test_a_file_may_end_the_training(tmp_path):
  before = 'if global_step == 7: raise spec.TrainingCompleteError'
  _, outcome = run(tmp_path, before)
  assert outcome == 'finished'
  rows = test_trajectories.rows(tmp_path / 'trial', 'eval_measurements.csv')
  assert [int(r['global_step']) for r in rows] == [1, 8]


def test_train_state_and_evaluations_are_handed_over(tmp_path):
  before = 'seen.append((dict(train_state), list(eval_results)))'
  after = 'seen = []'
  module, _ = run(tmp_path, before, after, budget=5, eval_period=2)
  states, evaluations = zip(*module.seen)
  assert [[s for s, _ in e] for e in evaluations] == [
    [], [1], [1, 2], [1, 2], [1, 2, 4],
  ]  # fmt: skip
  assert 'validation/accuracy' in evaluations[-1][-1][1]
  assert set(states[0]) == {
    'validation_goal_reached', 'test_goal_reached', 'is_time_remaining',
    'last_eval_time', 'training_complete', 'accumulated_submission_time',
    'accumulated_eval_time', 'accumulated_logging_time', 'last_step_end_time',
  }  # fmt: skip
  times = [s['accumulated_submission_time'] for s in states]
  assert times == sorted(times)
  assert all(s['is_time_remaining'] for s in states)
  ended = [s['last_step_end_time'] for s in states[1:]]
  assert all(np.diff(ended) > 0)
  assert states[-1]['last_eval_time'] > states[1]['last_eval_time'] > 0


def test_at_most_two_steps_are_in_flight(tmp_path):
  after = """
import time
done, ahead = [], []

def slow(x):
  time.sleep(0.02)
  done.append(1)
  return x

@jax.jit
def wait(params):
  return jax.tree.map(
    lambda x: jax.pure_callback(slow, x, x) if x.ndim == 1 else x, params
  )

fast = step
def step(workload, params, batch, rng):
  ahead.append(len(ahead) - len(done))
  return wait(fast(workload, params, batch, rng))
"""
  module, _ = run(tmp_path, after=after, budget=20, eval_period=100)
  assert max(module.ahead) == 2


def test_an_update_that_changes_parameters_is_refused(tmp_path):
  before = 'return (), {**current_param_container, "more": 0}, model_state'
  with pytest.raises(errors.UserError, match='changes the tree of params'):
    run(tmp_path, before)


@pytest.mark.parametrize(
  ('line', 'message'),
  [
    ('step = jax.pmap(step)', r'v0\.6 or later, but line {} uses jax\.pmap'),
    ('from flax import jax_utils; jax_utils.replicate(1)', r'but line {} uses'),
    ('from jax import pmap', r'but line {} uses'),
    ('import torch.nn', r'PyTorch \(line {} imports torch'),
    ('del data_selection', 'does not define data_selection'),
    (
      'from algorithms import tricks',
      r'line {} imports algorithms, a module of',
    ),
    ('from algoperf.pytorch_utils import x', r'line {} imports algoperf\.py'),
    ('import not_there', r'line {} imports not_there, which is not installed'),
    ('def f(:', r'line {} is not valid Python'),
  ],
)
def test_files_that_cannot_run_here_are_refused(tmp_path, line, message):
  path = write(tmp_path, f'{SGD}\n{line}\n')
  number = SGD.count('\n') + 2
  with pytest.raises(errors.UserError, match=message.format(number)) as caught:
    entries.entry(path, 'self')
  assert '\n' not in str(caught.value)
  assert str(path) in str(caught.value)


def test_files_for_older_interfaces_are_named(tmp_path):
  older = SGD.replace('global_step, rng, train_state,', 'global_step, rng,')
  path = write(tmp_path, f'{older}\nstep = jax.pmap(step)\n')
  with pytest.raises(
    errors.UserError, match=r'written for AlgoPerf v0\.5.*line'
  ):
    entries.entry(path, 'self')


def test_what_such_files_often_import_is_there(tmp_path):
  names = ('absl.logging', 'chex', 'flax.linen', 'jraph', 'numpy', 'optax')
  path = write(tmp_path, f'import {", ".join(names)}\n{SGD}')
  assert entries.entry(path, 'self').submission.package == 'algoperf'


def _config(path, **values):
  return config_lib.make_config(
    {'submissions': (path,), 'studies': 1, 'data': 'fake'} | values
  )


def test_external_tuning_needs_a_search_space(tmp_path):
  path = write(tmp_path, SGD)
  values = {'ruleset': 'external', 'workloads': ('mini_clicks',)}
  with pytest.raises(errors.UserError, match=r'tuning_search_space\.json'):
    planned.jobs(_config(path, **values))
  space = tmp_path / 'elsewhere.json'
  space.write_text('{"learning_rate": {"feasible_points": [0.5]}}')
  jobs = planned.jobs(_config(path, search_space=str(space), **values))
  assert [j.point for j in jobs] == [{'learning_rate': 0.5}] * 5
  assert planned.jobs(_config(path))[0].point == {}


def test_points_may_differ_in_their_names():
  config = _config(str(test_trajectories.NADAMW), ruleset='external', trials=2)
  jobs = planned.jobs(config)
  assert [j.point for j in jobs[:2]] == test_trajectories.POINTS
  assert jobs[0].folder.parts[0] == 'nadamw'


@pytest.mark.parametrize(
  ('rules', 'workload', 'batch_size'),
  [
    ('mini', 'mini_clicks', 128),
    ('v0.6', 'criteo1tb', 4096),
    ('v0.5', 'criteo1tb_layernorm', 4096),
  ],
)
def test_the_rules_or_the_file_choose_the_batch_size(
  tmp_path, rules, workload, batch_size
):
  path = write(tmp_path, SGD)
  config = _config(path, rules=rules, workloads=(workload,))
  training = planned.training(config)
  assert training.run.batch_size == batch_size


def test_a_file_without_a_batch_size_for_a_workload_is_refused(tmp_path):
  path = write(tmp_path, SGD)
  config = _config(path, rules='v0.6', workloads=('fastmri_tanh',))
  with pytest.raises(errors.UserError, match='neither fastmri_tanh nor fastm'):
    planned.training(config)


def test_options_that_a_file_cannot_follow_are_refused(tmp_path):
  config = _config(write(tmp_path, SGD), microbatches=2)
  training = planned.training(config)
  with pytest.raises(errors.UserError, match='microbatches can only be 1'):
    training.method.check(training)


def test_the_singular_names_a_submission_too(tmp_path):
  config = config_file.parse('quickstart', ['--config.submission=a/b.py'])
  assert config.submissions == ('a/b.py',)


def test_the_workload_object_tells_what_the_page_lists():
  training = test_trajectories.file_trial(
    test_trajectories.NADAMW,
    'self',
    {},
    workload=plugins.workload('mini_clicks', 'fake'),
    step_hint=30,
  ).training
  workload = workload_lib.AlgoPerfWorkload(training, spec)
  assert hash(workload) == hash(workload)
  assert workload.step_hint == 30
  assert (workload.max_allowed_runtime_sec, workload.eval_period_time_sec) == (
    60,
    20,
  )
  assert workload.loss_type is spec.LossType.SIGMOID_CROSS_ENTROPY
  assert workload.num_train_examples == training.workload.description.num_train
  assert workload.eval_batch_size == training.workload.eval_batch_size
  assert workload.target_metric_name == 'loss'
  kinds = workload.model_params_types
  assert kinds['embedding_table'] is spec.ParameterType.EMBEDDING
  assert kinds['Dense_1']['bias'] is spec.ParameterType.BIAS
  assert workload.has_reached_validation_target({'validation/loss': -2.0})
  assert not workload.has_reached_validation_target({'validation/loss': 0.1})
  assert not workload.has_reached_test_target({'test/loss': 0.9})
  params, model_state = workload.init_model_fn(jax.random.PRNGKey(0))
  shapes = jax.tree.map(lambda s: s.shape_tuple, workload.param_shapes)
  assert shapes == jax.tree.map(jnp.shape, params)
  layers = sorted(name for name in params if name.startswith('Dense'))
  assert [workload.is_output_params(name) for name in layers] == [
    *[False] * (len(layers) - 1),
    True,
  ]
  batch = next(training.workload.data.train(0, 16, None))[0]
  logits, _ = workload.model_fn(
    params, batch, model_state, spec.ForwardPassMode.EVAL, None, False
  )
  np.testing.assert_allclose(
    workload.output_activation_fn(logits, 'jax'), 1 / (1 + np.exp(-logits)),
    rtol=1e-5,
  )  # fmt: skip
  mask = np.arange(16) < 4
  loss = workload.loss_fn(batch['targets'], logits, mask.astype(np.float32))
  assert loss['n_valid_examples'] == 4
  x, y = np.float64(logits[:4, 0]), batch['targets'][:4]
  by_hand = np.logaddexp(0, x) - x * y
  np.testing.assert_allclose(loss['summed'], by_hand.sum(), rtol=1e-5)


def test_a_state_keeps_numbers_functions_and_keys():
  def function():
    return 1

  value = {'n': 3, 'flag': True, 'f': function, 'key': jax.random.key(1)}
  value['v'] = (jnp.arange(3), np.ones(2, np.float32), None, jnp.float32)
  leaves, treedef = jax.tree.flatten(state.AlgoPerfState(value))
  assert len(leaves) == 5
  assert all(isinstance(x, jax.Array) for x in leaves)
  shapes = jax.tree.map(jnp.shape, jax.tree.unflatten(treedef, leaves))
  assert jax.tree.structure(shapes, is_leaf=lambda x: isinstance(x, tuple))
  again = jax.tree.unflatten(treedef, leaves).value
  assert again['n'] == 3
  assert again['flag'] is True
  assert again['f'] is function
  assert again['v'][3] is jnp.float32
  assert jnp.array_equal(again['key'], value['key'])


def test_sharding_utilities_split_or_replicate_over_all_devices():
  jax_sharding_utils.use_devices(jax.devices())
  split = jax_sharding_utils.shard_along_batch_dim({'x': np.zeros((16, 3))})
  whole = jax_sharding_utils.replicate(np.zeros((16, 3)))
  assert split['x'].sharding.shard_shape((16, 3)) == (2, 3)
  assert whole.sharding.shard_shape((16, 3)) == (16, 3)
  sharding = jax_sharding_utils.get_batch_dim_sharding()
  assert split['x'].sharding == sharding
  assert sharding.mesh.axis_names == ('batch',)


_SHADOWING = """
import sys
import jaxperf
from jaxperf.running import entries
from jaxperf.algoperf import files
assert not {'algoperf', 'algorithmic_efficiency'} & set(sys.modules)
files.provide_packages()
import algoperf
import algorithmic_efficiency.spec
from algorithmic_efficiency import jax_sharding_utils
print(algoperf.__file__)
print(algorithmic_efficiency.spec.__name__)
"""


def test_an_installed_package_is_never_shadowed(tmp_path):
  (tmp_path / 'algoperf').mkdir()
  (tmp_path / 'algoperf' / '__init__.py').write_text('')
  done = subprocess.run(
    [sys.executable, '-c', _SHADOWING],
    env=os.environ | {'PYTHONPATH': f'{ROOT}:{tmp_path}'},
    capture_output=True,
    text=True,
    check=True,
  )
  installed, provided = done.stdout.split()
  assert installed == str(tmp_path / 'algoperf' / '__init__.py')
  assert provided == 'jaxperf.algoperf.api.spec'


def test_names_for_annotations_exist_and_misspelt_ones_do_not():
  for name in ('Workload', 'ParameterContainer', 'UpdateReturn', 'RandomState'):
    assert getattr(spec, name)
  with pytest.raises(AttributeError, match='no_such_function'):
    _ = spec.no_such_function


@pytest.mark.slow
def test_check_says_that_a_file_is_stepped_from_python(tmp_path):
  command = ['check', write(tmp_path, SGD), '--rules=mini']
  done = subprocess.run(
    [sys.executable, '-m', 'jaxperf', *command, '--workloads=mini_clicks'],
    capture_output=True,
    text=True,
    check=True,
  )
  assert 'stepped from Python' in done.stdout
  assert done.stdout.splitlines()[3].split()[-1] == 'ok'
