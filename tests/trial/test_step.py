# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxperf
from jaxperf import errors, mesh, submission
from jaxperf.trial import compiled, dry_run
from jaxperf.trial import gradients as gradients_lib
from tests import tiny


def _with(optimizer, **constants):
  return dataclasses.replace(
    tiny.SUBMISSION,
    optimizer=optimizer,
    tuning=jaxperf.SelfTuning(learning_rate=0.1, **constants),
  )


def _first_batch(training):
  return next(training.workload.data.train(0, 64, None))[0]


def test_one_step_of_gradient_descent_is_that_of_plain_jax():
  training = tiny.make_training(_with(lambda h, r: optax.sgd(h.learning_rate)))
  start = compiled.initial_state(training)
  params = jax.tree.map(np.asarray, start.params)
  batch = _first_batch(training)

  def mean_loss(params):
    hidden = jnp.tanh(batch['inputs'] @ params['one'])
    logits = hidden @ params['two'] + params['bias']
    return optax.softmax_cross_entropy_with_integer_labels(
      logits, batch['targets']
    ).mean()

  loss, grad = jax.value_and_grad(mean_loss)(params)
  state, losses = tiny.run_steps(training, 1)
  np.testing.assert_allclose(losses[0], loss, rtol=1e-6)
  jax.tree.map(
    lambda p, g, new: np.testing.assert_allclose(
      new, p - 0.1 * g, rtol=1e-5, atol=1e-6
    ),
    params,
    grad,
    state.params,
  )


@pytest.mark.parametrize(
  ('devices', 'microbatches'), [(1, 4), (2, 1), (4, 1), (8, 1), (2, 4)]
)
def test_devices_and_microbatches_do_not_change_the_training_curve(
  devices, microbatches
):
  _, reference = tiny.run_steps(tiny.make_training(), 50)
  training = tiny.make_training(
    devices=jax.devices()[:devices], microbatches=microbatches
  )
  _, losses = tiny.run_steps(training, 50)
  np.testing.assert_allclose(losses, reference, rtol=1e-4)
  assert reference[-1] < 0.8 * reference[0]


def test_microbatches_of_unequal_weight_give_the_gradient_of_the_whole():
  """Sums are divided once: a mean of means would be another number."""
  training = tiny.make_training()
  params, model_state = training.workload.init(jax.random.key(0))
  batch = dict(_first_batch(training))
  batch['weights'] = (np.arange(64) < 5).astype(np.float32)
  key = jax.random.key(1)
  value, grad, _ = gradients_lib.make_gradients(
    training, model_state, batch, key
  ).grad_fn(params)
  split = dataclasses.replace(training, microbatches=4)
  value_4, grad_4, _ = gradients_lib.make_gradients(
    split, model_state, batch, key
  ).grad_fn(params)
  np.testing.assert_allclose(value_4, value, rtol=1e-6)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7),
    grad_4,
    grad,
  )


def test_a_batch_without_valid_examples_gives_a_zero_gradient():
  training = tiny.make_training()
  params, model_state = training.workload.init(jax.random.key(0))
  batch = dict(_first_batch(training)) | {'weights': np.zeros(64, np.float32)}
  value, grad, _ = gradients_lib.make_gradients(
    training, model_state, batch, jax.random.key(0)
  ).grad_fn(params)
  assert value == 0
  assert optax.tree.norm(grad) == 0


def test_sharded_parameters_give_the_same_curve_and_stay_sharded():
  workload = tiny.WORKLOAD._replace(init=_wide_init)
  devices = jax.devices()
  _, reference = tiny.run_steps(tiny.make_training(workload=workload), 10)
  training = tiny.make_training(
    workload=workload, devices=devices, shard_params=True
  )
  state = compiled.initial_state(training)
  assert not state.params['one'].sharding.is_fully_replicated
  moments = state.opt_state[0].mu['one']
  assert moments.sharding == state.params['one'].sharding
  step = compiled.compile_functions(training, state).step
  stream = training.workload.data.train(0, 64, None)
  for expected in reference:
    batch = mesh.place_batch(next(stream)[0], training.run.mesh)
    state, scalars = step(state, batch)
    np.testing.assert_allclose(scalars['loss'], expected, rtol=1e-4)
  assert not state.params['one'].sharding.is_fully_replicated


def _wide_init(key):
  params, state = tiny.WORKLOAD.init(key)
  one = jax.random.normal(key, (tiny.FEATURES, 2**12)) / 3
  two = jax.random.normal(key, (2**12, tiny.CLASSES)) / 64
  return params | {'one': one, 'two': two}, state


def test_the_update_gets_the_extra_arguments_that_optax_names():
  seen = {}

  def probe(hps, run):
    def update(updates, state, params, *, value, grad, value_fn, grad_fn, step):
      again, gradient, _ = grad_fn(params)
      seen['names'] = sorted(vars(hps)), run.unit
      error = jnp.abs(value_fn(params) - value) + jnp.abs(again - value)
      error += optax.tree.norm(optax.tree.sub(gradient, grad))
      del updates
      return optax.tree.scale(0.0, params), (error, step)

    return optax.GradientTransformationExtraArgs(
      lambda params: (jnp.float32(0), jnp.int32(-1)), update
    )

  state, _ = tiny.run_steps(tiny.make_training(_with(probe)), 3)
  error, step = state.opt_state
  assert error < 1e-6
  assert step == 2
  assert seen['names'] == (['learning_rate'], 'steps')


def test_a_line_search_of_optax_runs_unchanged():
  training = tiny.make_training(_with(lambda h, r: optax.lbfgs()))
  _, losses = tiny.run_steps(training, 5)
  assert losses[-1] < 0.7 * losses[0]


def test_gradient_clipping_scales_the_mean_gradient():
  def keep(hps, run):
    return optax.GradientTransformation(
      lambda params: params,
      lambda updates, state, params=None: (
        optax.tree.zeros_like(updates),
        updates,
      ),
    )

  whole, _ = tiny.run_steps(tiny.make_training(_with(keep)), 1)
  clipped, _ = tiny.run_steps(
    tiny.make_training(_with(keep, grad_clip=0.01)), 1
  )
  norm = optax.tree.norm(whole.opt_state)
  expected = 0.01 * norm / (norm + 1e-6)
  np.testing.assert_allclose(
    optax.tree.norm(clipped.opt_state), expected, rtol=1e-5
  )


def test_label_smoothing_and_dropout_are_taken_from_the_hyperparameters():
  plain = tiny.make_training()
  _, reference = tiny.run_steps(plain, 1)
  for name in ('label_smoothing', 'dropout_rate'):
    changed = dataclasses.replace(
      plain,
      hps=submission.Hyperparameters(learning_rate=0.1, **{name: 0.5}),
    )
    _, losses = tiny.run_steps(changed, 1)
    assert abs(losses[0] - reference[0]) > 1e-3


def test_random_numbers_depend_on_seed_and_step_alone():
  training = tiny.make_training(_with(tiny.adam, dropout_rate=0.5))
  _, losses = tiny.run_steps(training, 4)
  _, again = tiny.run_steps(training, 4)
  _, other = tiny.run_steps(dataclasses.replace(training, seed=1), 4)
  np.testing.assert_array_equal(losses, again)
  assert (losses != other).all()


def test_a_whole_step_can_be_replaced():
  def make(hps, run):
    del run

    def step(state, gradients, key):
      del key
      value, grad, model_state = gradients.grad_fn(state.params, True)
      params = jax.tree.map(
        lambda p, g: p - hps.learning_rate * g, state.params, grad
      )
      return params, model_state, state.opt_state, {'loss': value}

    return step

  plain = _with(lambda h, r: optax.sgd(h.learning_rate))
  _, reference = tiny.run_steps(tiny.make_training(plain), 5)
  replaced = dataclasses.replace(plain, train_step=make)
  _, losses = tiny.run_steps(tiny.make_training(replaced), 5)
  np.testing.assert_allclose(losses, reference, rtol=1e-6)


def _stateless(change):
  return optax.stateless(lambda updates, params: change(updates))


@pytest.mark.parametrize(
  ('change', 'part'),
  [
    (lambda u: {'one': u['one']}, 'tree of params'),
    (lambda u: u | {'bias': u['bias'][:1]}, r"params\['bias'\]"),
    (lambda u: u | {'one': u['one'].astype(jnp.bfloat16)}, r"params\['one'\]"),
  ],
)
def test_an_update_that_changes_tree_shape_or_dtype_is_refused(change, part):
  training = tiny.make_training(_with(lambda h, r: _stateless(change)))
  with pytest.raises(errors.UserError, match=part):
    dry_run.check_update(training)


def test_an_optimizer_state_that_changes_is_refused():
  growing = optax.GradientTransformation(
    lambda params: jnp.zeros(1),
    lambda u, s, p=None: (u, jnp.concatenate([s, s])),
  )
  training = tiny.make_training(_with(lambda h, r: growing))
  with pytest.raises(errors.UserError, match='opt_state'):
    dry_run.check_update(training)
  with pytest.raises(errors.UserError, match='opt_state'):
    compiled.lower_step(training, compiled.abstract_state(training))


def test_a_state_that_changes_is_refused_behind_a_line_search_too():
  growing = optax.GradientTransformation(
    lambda params: jnp.zeros(1),
    lambda u, s, p=None: (u, jnp.concatenate([s, s])),
  )
  for search in (
    optax.scale_by_backtracking_linesearch(max_backtracking_steps=3),
    optax.scale_by_zoom_linesearch(max_linesearch_steps=3),
  ):
    chain = optax.chain(growing, search)
    training = tiny.make_training(_with(lambda h, r, chain=chain: chain))
    with pytest.raises(errors.UserError, match='opt_state'):
      dry_run.check_update(training)
    sound = tiny.make_training(_with(lambda h, r, search=search: search))
    dry_run.check_update(sound)


def test_a_missing_hyperparameter_is_named():
  training = tiny.make_training(_with(lambda h, r: optax.sgd(h.momentum)))
  with pytest.raises(errors.UserError, match="'momentum' is not in the tuning"):
    dry_run.check_update(training)


def test_a_batch_size_that_devices_do_not_divide_is_refused():
  devices = mesh.make_mesh(jax.devices()[:8])
  mesh.check_batch_size(devices, 64, 4)
  with pytest.raises(errors.UserError, match='multiple of 8 devices'):
    mesh.check_batch_size(devices, 60, 1)


@pytest.mark.parametrize(
  ('name', 'value'),
  [('dropout_rate', 1.0), ('label_smoothing', -0.1), ('grad_clip', 0.0)],
)
def test_values_out_of_range_are_refused_before_compilation(name, value):
  training = tiny.make_training(_with(tiny.adam, **{name: value}))
  with pytest.raises(errors.UserError, match=f'{name} is {value}, allowed is'):
    dry_run.check_update(training)
