# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A workload of a few lines, without flax, for tests of the toolkit."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxperf
from jaxperf import data, mesh, rules
from jaxperf import submission as submission_lib
from jaxperf.trial import compiled, step, trial

FEATURES, CLASSES, HIDDEN = 8, 3, 16
_COUNTS = {'train': 640, 'validation': 50, 'test': 30}


def _arrays(split: str) -> dict[str, np.ndarray]:
  rng = np.random.default_rng(list(_COUNTS).index(split))
  inputs = rng.standard_normal((_COUNTS[split], FEATURES), dtype=np.float32)
  teacher = np.random.default_rng(9).standard_normal((FEATURES, CLASSES))
  targets = np.argmax(inputs @ teacher, axis=1).astype(np.int32)
  return {'inputs': inputs, 'targets': targets}


def _train(seed, batch_size, cursor=None):
  arrays = _arrays('train')
  for index, taken in data.shuffled_indices(
    seed, _COUNTS['train'], batch_size, cursor
  ):
    yield {name: x[index] for name, x in arrays.items()}, taken


def _evaluation(split, batch_size):
  return data.array_evaluation(_arrays(split), batch_size)


def _element_spec(batch_size, split=None):
  batch = next(_train(0, batch_size))[0]
  if split is not None:
    batch = data.pad_batch(batch, batch_size)
  return data.spec_of(batch)


def _init(key):
  one, two = jax.random.split(key)
  return {
    'one': jax.random.normal(one, (FEATURES, HIDDEN)) / FEATURES**0.5,
    'two': jax.random.normal(two, (HIDDEN, CLASSES)) / HIDDEN**0.5,
    'bias': jnp.zeros(CLASSES),
  }, {}


def _apply(
  params,
  model_state,
  batch,
  key,
  *,
  train,
  update_stats=True,
  dropout_rate=None,
):
  del update_stats
  hidden = jnp.tanh(batch['inputs'] @ params['one'])
  if train and dropout_rate is not None:
    keep = jax.random.bernoulli(key, 1 - dropout_rate, hidden.shape)
    hidden = jnp.where(keep, hidden / (1 - dropout_rate), 0)
  return hidden @ params['two'] + params['bias'], model_state


def _loss(outputs, batch, *, label_smoothing=0.0):
  labels = optax.smooth_labels(
    jax.nn.one_hot(batch['targets'], CLASSES), label_smoothing
  )
  weights = batch.get('weights', jnp.ones(len(outputs)))
  per_example = optax.softmax_cross_entropy(outputs, labels) * weights
  return jaxperf.Loss(per_example.sum(), weights.sum(), per_example)


def _evaluate(params, model_state, batch, key):
  outputs, _ = _apply(params, model_state, batch, key, train=False)
  loss = _loss(outputs, batch)
  correct = (outputs.argmax(-1) == batch['targets']) * batch['weights']
  return {
    'loss': loss.summed,
    'correct': correct.sum(),
    'count': loss.n_valid,
  }, {}


def _finish(sums, rows):
  del rows
  return {
    'loss': sums['loss'] / sums['count'],
    'accuracy': sums['correct'] / sums['count'],
  }


WORKLOAD = jaxperf.Workload(
  name='tiny',
  description=jaxperf.Description(
    task='classification',
    dataset='random numbers and a teacher',
    model='two layers',
    loss='cross entropy',
    num_train=_COUNTS['train'],
    num_eval_train=_COUNTS['train'],
    num_validation=_COUNTS['validation'],
    num_test=_COUNTS['test'],
    uses_label_smoothing=True,
  ),
  init=_init,
  apply=_apply,
  loss=_loss,
  evaluate=_evaluate,
  finish=_finish,
  data=jaxperf.Data(_train, _evaluation, _element_spec),
  param_kinds=lambda params: jax.tree.map(
    lambda _: jaxperf.ParamKind.WEIGHT, params
  ),
  loss_kind=jaxperf.LossKind.SOFTMAX_CROSS_ENTROPY,
  default_batch_size=64,
  eval_batch_size=16,
  metric_names=('loss', 'accuracy'),
)

GOAL = rules.WorkloadRules(
  name='tiny',
  metric='accuracy',
  minimize=False,
  validation_target=0.8,
  test_target=0.8,
  budget=60,
  eval_period=20,
  step_hint=60,
)


def adam(hps, run):
  """Adam at a constant rate."""
  del run
  return optax.adam(hps.learning_rate)


SUBMISSION = jaxperf.Submission(
  optimizer=adam, tuning=jaxperf.SelfTuning(learning_rate=3e-3)
)


def make_training(
  submission=SUBMISSION,
  workload=WORKLOAD,
  devices=None,
  goal=GOAL,
  microbatches=1,
  shard_params=False,
  **limits,
) -> trial.Training:
  """The training of a submission on the tiny workload."""
  run = submission_lib.RunInfo(
    **{
      'step_hint': 60,
      'budget': 60,
      'eval_period': 20,
      'unit': 'steps',
      'batch_size': workload.default_batch_size,
      'loss_kind': workload.loss_kind,
      'minimize': False,
      'params': step.param_info(workload),
      'has_batch_stats': step.has_model_state(workload),
      'mesh': mesh.make_mesh(devices or jax.devices()[:1]),
      'ruleset': 'self',
    }
    | limits
  )
  hps = submission_lib.Hyperparameters(**submission.tuning.constants)
  return trial.Training(
    workload,
    submission,
    hps,
    run,
    compiled.OPTAX,
    goal,
    microbatches=microbatches,
    shard_params=shard_params,
  )


def make_trial(training=None, goal=GOAL, **options) -> trial.Trial:
  """A trial on the tiny workload; an unreachable target by default."""
  options = {'counts_compilation': False, 'keep_state': True} | options
  training = dataclasses.replace(training or make_training(), goal=goal)
  return trial.Trial(training, **options)


UNREACHABLE = dataclasses.replace(GOAL, validation_target=2.0)


def run_steps(training: trial.Training, count: int):
  """Final state and losses of some steps."""
  state = compiled.initial_state(training)
  functions = compiled.compile_functions(training, state)
  stream = training.workload.data.train(
    training.seed, training.run.batch_size, None
  )
  losses = []
  for _ in range(count):
    batch, _ = next(stream)
    state, scalars = functions.step(
      state, mesh.place_batch(batch, training.run.mesh)
    )
    losses.append(float(scalars['loss']))
  return state, np.array(losses)
