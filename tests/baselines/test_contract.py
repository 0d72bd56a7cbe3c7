# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What every submission in `baselines` must do, on a small regression."""

import dataclasses
import importlib
import pkgutil

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import baselines
import jaxperf
from baselines import sinv6
from jaxperf import mesh
from jaxperf import submission as submission_lib
from jaxperf import tuning as tuning_lib
from jaxperf.trial import checkpoint, compiled, trial
from jaxperf.trial import step as step_lib
from tests import reference

_STEPS = 30
# Rates so small, as published, that a few steps move nothing.
_STANDS_STILL = ('muon_torch:jax_constants', 'schedule_free_prodigy:submission')


def _modules():
  names = [m.name for m in pkgutil.iter_modules(baselines.__path__)]
  return {n: importlib.import_module(f'baselines.{n}') for n in sorted(names)}


def _points(tuning):
  """Points that differ in more than numbers, or one draw."""
  if isinstance(tuning, tuning_lib.SelfTuning):
    return [tuning.constants]
  if isinstance(tuning, tuning_lib.SearchSpace):
    return tuning_lib.draw(tuning, 1, seed=0)
  kinds = {}
  for point in tuning.points:
    kind = [v for v in point.values() if isinstance(v, (str, bool, int))]
    kinds.setdefault(str(kind), point)
  return list(kinds.values())


def _cases():
  """Every submission; those that only differ in numbers are slow."""
  seen = set()
  for module_name, module in _modules().items():
    for name, value in vars(module).items():
      if not isinstance(value, submission_lib.Submission):
        continue
      for i, point in enumerate(_points(value.tuning)):
        text = [v for v in point.values() if isinstance(v, (str, bool))]
        key = (module_name, value.optimizer, value.train_step, str(text), i)
        marks = pytest.mark.slow if key in seen else ()
        seen.add(key)
        yield pytest.param(
          value,
          jaxperf.submission.Hyperparameters(**point),
          id=f'{module_name}:{name}' + (f':{i}' if i else ''),
          marks=marks,
        )


_SHAPES = {
  'conv': {'kernel': (2, 2, 3, 4)},
  'dense': {'kernel': (6, 5), 'bias': (5,)},
  'embedding': {'embedding': (7, 4)},
  'scale': (),
}


def _init(key):
  del key
  params = jax.tree.map(
    lambda shape: jnp.cos(jnp.arange(np.prod(shape, dtype=int))).reshape(shape),
    _SHAPES,
    is_leaf=lambda x: isinstance(x, tuple),
  )
  return params, {'batch_stats': {'mean': jnp.zeros(3)}}


def _apply(params, model_state, batch, key, *, train, update_stats=True, **_):
  """A weighted copy of the parameters: a linear regression on each."""
  outputs = jax.tree.map(lambda p: jnp.tensordot(batch['x'], p, 0), params)
  if update_stats:
    mean = 0.9 * model_state['batch_stats']['mean'] + 0.1 * params['scale']
    model_state = {'batch_stats': {'mean': mean}}
  return outputs, model_state


def _loss(outputs, batch, *, label_smoothing=0.0):
  del label_smoothing
  per_example = sum(
    jnp.square(o - 0.5).reshape(len(o), -1).mean(1) * 0.05
    for o in jax.tree.leaves(outputs)
  )
  n_valid = jnp.float32(len(per_example))
  return jaxperf.Loss(per_example.sum(), n_valid, per_example)


_WORKLOAD = jaxperf.Workload(
  name='regression',
  description=None,
  init=_init,
  apply=_apply,
  loss=_loss,
  evaluate=None,
  finish=None,
  data=None,
  param_kinds=lambda params: jax.tree.map(
    lambda _: jaxperf.ParamKind.WEIGHT, params
  ),
  loss_kind=jaxperf.LossKind.MEAN_SQUARED_ERROR,
  default_batch_size=8,
  eval_batch_size=8,
  metric_names=(),
)
_BATCH = {'x': jnp.linspace(0.5, 1.5, 8)}


def _training(submission, hps, devices=1):
  run = jaxperf.RunInfo(
    step_hint=2 * _STEPS,
    budget=_STEPS,
    eval_period=10,
    unit='steps',
    batch_size=8,
    loss_kind=_WORKLOAD.loss_kind,
    minimize=True,
    params=step_lib.param_info(_WORKLOAD),
    has_batch_stats=True,
    mesh=mesh.make_mesh(jax.devices()[:devices]),
    ruleset='external',
  )
  return trial.Training(_WORKLOAD, submission, hps, run, compiled.OPTAX)


@pytest.fixture(autouse=True)
def weights_of_the_learned_optimizer(tmp_path, monkeypatch):
  weights = sinv6.random_weights(0)
  weights['rnn_params']['step_size']['b'] += 1.0
  path = tmp_path / 'weights.msgpack'
  path.write_bytes(flax.serialization.msgpack_serialize(weights))
  monkeypatch.setenv('JAXPERF_SINV6_WEIGHTS', str(path))


def _specs(tree):
  return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


def _same(a, b, tolerance=0.0):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(
      np.asarray(x, np.float32),
      np.asarray(y, np.float32),
      rtol=tolerance,
      atol=tolerance,
    ),
    a,
    b,
  )


def _through_a_file(state, folder):
  checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
  checkpointer.save(1, state, {})
  checkpointer.close()
  checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
  like = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
  )
  restored, _ = checkpointer.restore(like)
  checkpointer.close()
  return restored


@pytest.mark.parametrize(('submission', 'hps'), list(_cases()))
def test_training_lowers_the_loss_and_can_resume(
  submission, hps, request, tmp_path
):
  training = _training(submission, hps)
  step = jax.jit(step_lib.make_step(training))
  start = state = jax.jit(step_lib.make_init(training))()
  losses = []
  for _ in range(_STEPS):
    state, scalars = step(state, _BATCH)
    losses.append(float(scalars['loss']))
    assert np.isfinite(losses[-1])
  assert _specs(state) == _specs(start)
  name = request.node.callspec.id
  if not name.startswith(_STANDS_STILL):
    assert losses[-1] < losses[0]

  restored = _through_a_file(state, tmp_path)
  _same(step(restored, _BATCH)[0], step(state, _BATCH)[0])

  if submission.eval_params is not None:
    judged, model_state = submission.eval_params(
      state.opt_state, state.params, state.model_state
    )
    assert _specs(judged) == _specs(state.params)
    assert _specs(model_state) == _specs(state.model_state)


def _one_per_module():
  chosen = {}
  for case in _cases():
    chosen.setdefault(case.id.split(':')[0], case)
  fast = ('nadamw', 'shampoo', 'schedule_free_adamw_v2')
  return [
    pytest.param(
      *case.values, id=name, marks=() if name in fast else pytest.mark.slow
    )
    for name, case in chosen.items()
  ]


@pytest.mark.parametrize(('submission', 'hps'), _one_per_module())
def test_an_update_without_jit_is_the_same(submission, hps):
  training = _training(submission, hps)
  step = step_lib.make_step(training)
  state = step_lib.make_init(training)()
  _same(step(state, _BATCH)[0], jax.jit(step)(state, _BATCH)[0], 1e-5)


@pytest.mark.parametrize(('submission', 'hps'), _one_per_module())
def test_eight_devices_with_split_state_train_as_one_does(submission, hps):
  states = []
  for devices in (1, 8):
    # Parameters split too, and so all state that is not stacked in blocks.
    training = dataclasses.replace(
      _training(submission, hps, devices), shard_params=True
    )
    state = compiled.initial_state(training)
    step = jax.jit(step_lib.make_step(training))
    batch = mesh.place_batch(_BATCH, training.run.mesh)
    for _ in range(3):
      state, _ = step(state, batch)
    states.append(state.params)
  _same(*states, 1e-5)


def test_points_outside_their_range_are_refused_by_name():
  for name, module in _modules().items():
    for value in vars(module).values():
      if not isinstance(value, submission_lib.Submission):
        continue
      (point, *_) = _points(value.tuning)
      for field, wrong in (
        ('learning_rate', -1.0),
        ('weight_decay', -0.1),
        ('one_minus_beta1', 0.0),
        ('beta1', 1.0),
        ('beta2', -0.5),
      ):
        if field in point:
          hps = submission_lib.Hyperparameters(**{**point, field: wrong})
          with pytest.raises(ValueError, match=f'{field} is {wrong}, allowed'):
            value.optimizer(hps, _training(value, hps).run)
          assert name


def test_state_is_made_of_arrays_only():
  for case in _one_per_module():
    state = jax.eval_shape(step_lib.make_init(_training(*case.values)))
    for leaf in jax.tree.leaves(state.opt_state):
      assert isinstance(leaf, jax.ShapeDtypeStruct)
      assert leaf.dtype in (jnp.float32, jnp.bfloat16, jnp.int8, jnp.int32)


def _parameter_tree(base):
  leaves = reference.index(base)['workloads'][base]['variants'][base]['params']
  tree = reference.filled(base, [{**leaf, 'shape': (1,)} for leaf in leaves])
  shapes = {leaf['path']: tuple(leaf['shape']) for leaf in leaves}

  def info(path, _):
    names = tuple(p.key for p in path)
    shape, kind = shapes['/'.join(names)], jaxperf.ParamKind.WEIGHT
    return submission_lib.ParamInfo(names, shape, jnp.float32, kind)

  return jax.tree.map_with_path(info, tree)


@pytest.mark.slow
@pytest.mark.parametrize(
  'base',
  [
    'criteo1tb',
    'fastmri',
    'imagenet_resnet',
    'imagenet_vit',
    'librispeech_conformer',
    'librispeech_deepspeech',
    'ogbg',
    'wmt',
  ],
)
@pytest.mark.parametrize(('submission', 'hps'), _one_per_module())
def test_an_update_fits_the_parameters_of_each_workload(submission, hps, base):
  info = _parameter_tree(base)
  run = dataclasses.replace(
    _training(submission, hps).run, step_hint=10_000, params=info
  )
  params = jax.tree.map(lambda i: jax.ShapeDtypeStruct(i.shape, i.dtype), info)
  tx = optax.with_extra_args_support(submission.optimizer(hps, run))
  state = jax.eval_shape(tx.init, params)

  def update(grads, state, params):
    return tx.update(
      grads,
      state,
      params,
      value=jnp.float32(1),
      grad_fn=lambda p: (jnp.float32(1), p, {}),
    )

  updates, new_state = jax.eval_shape(update, params, state, params)
  assert _specs(updates) == _specs(params)
  assert _specs(new_state) == _specs(state)
