# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Every transformation of the installed optax, as a submission.

Five steps, saved and restored after the second, end with the parameters of five
steps in one go; or it is refused, with a sentence.
"""

import dataclasses
import functools
import inspect

import jax
import numpy as np
import optax
import pytest
from optax import contrib

from jaxperf import errors
from jaxperf.trial import checkpoint, compiled, dry_run
from tests import tiny

RATE = 0.01
# Quick by default; all others are slow.
QUICK = (
  *('adam', 'lbfgs', 'lookahead', 'add_noise', 'masked', 'partition', 'sam'),
  *('sam opaque', 'sam in a chain', 'MultiSteps', 'inject_hyperparams'),
  *('schedule_free', 'apply_if_finite', 'polyak_sgd', 'frozen', 'muon'),
  *('reduce_on_plateau', 'mechanize', 'adafactor', 'named_chain', 'ema'),
)


def _parts(params):
  return jax.tree.map_with_path(
    lambda path, _: 'frozen' if 'one' in str(path[0]) else 'trained', params
  )


def _mask(params):
  return jax.tree.map(lambda x: x.ndim == 2, params)


BY_RATE = (
  *('adabelief', 'adadelta', 'adafactor', 'adagrad', 'adam', 'adamax'),
  *('adamaxw', 'adamw', 'adan', 'amsgrad', 'fromage', 'lamb', 'lars', 'lion'),
  *('lbfgs', 'nadam', 'nadamw', 'noisy_sgd', 'novograd', 'optimistic_adam'),
  *('optimistic_adam_v2', 'optimistic_gradient_descent', 'polyak_sgd'),
  *('radam', 'rmsprop', 'rprop', 'sgd', 'sign_sgd', 'signum', 'sm3', 'yogi'),
  *('scale_by_learning_rate', 'adaptive_grad_clip', 'clip', 'scale'),
  *('clip_by_block_rms', 'clip_by_global_norm'),
)
PLAIN = (
  *(
    'add_decayed_weights',
    'centralize',
    'identity',
    'normalize_by_update_norm',
  ),
  *('keep_params_nonnegative', 'set_to_zero', 'zero_nans', 'scale_by_adadelta'),
  *('scale_by_adam', 'scale_by_adamax', 'scale_by_adan', 'scale_by_amsgrad'),
  *('scale_by_belief', 'scale_by_distance_over_gradients', 'scale_by_lbfgs'),
  *('scale_by_lion', 'scale_by_novograd', 'scale_by_optimistic_gradient'),
  *('scale_by_param_block_norm', 'scale_by_param_block_rms', 'scale_by_polyak'),
  *('scale_by_radam', 'scale_by_rms', 'scale_by_rss', 'scale_by_sign'),
  *('scale_by_sm3', 'scale_by_stddev', 'scale_by_trust_ratio', 'scale_by_yogi'),
)
CONTRIB_BY_RATE = (
  *('acprop', 'ademamix', 'adopt', 'dadapt_adamw', 'galore', 'madgrad'),
  *(
    'momo',
    'momo_adam',
    'muon',
    'scale_by_madgrad',
    'prodigy',
    'schedule_free_adamw',
  ),
  *('schedule_free_sgd', 'simplified_ademamix'),
)
CONTRIB_PLAIN = (
  *('cocob', 'normalize', 'reduce_on_plateau', 'scale_by_acprop'),
  *('scale_by_ademamix', 'scale_by_adopt', 'scale_by_cocob', 'scale_by_galore'),
)


def _made() -> dict:
  """Name -> what builds the transformation."""
  adam = optax.adam
  made = {}
  for module, names, arguments in (
    (optax, BY_RATE, (RATE,)),
    (optax, PLAIN, ()),
    (contrib, CONTRIB_BY_RATE, (RATE,)),
    (contrib, CONTRIB_PLAIN, ()),
  ):
    for name in names:
      if hasattr(module, name):
        made[name] = functools.partial(getattr(module, name), *arguments)
  return made | {
    'add_noise': lambda: optax.chain(
      optax.add_noise(0.1, 0.55, key=jax.random.key(3)), optax.sgd(RATE)
    ),
    'apply_every': lambda: optax.apply_every(2),
    'apply_if_finite': lambda: optax.apply_if_finite(adam(RATE), 3),
    'chain': lambda: optax.chain(optax.clip(1.0), adam(RATE)),
    'conditionally_mask': lambda: optax.conditionally_mask(
      adam(RATE), lambda step: step > 1
    ),
    'conditionally_transform': lambda: optax.conditionally_transform(
      adam(RATE), lambda step: step > 1
    ),
    'ema': lambda: optax.ema(0.9),
    'flatten': lambda: optax.flatten(adam(RATE)),
    'freeze': lambda: optax.freeze(_mask),
    'frozen': lambda: optax.partition(
      {'trained': adam(RATE), 'frozen': optax.set_to_zero()}, _parts
    ),
    'inject_hyperparams': lambda: optax.inject_hyperparams(adam)(
      learning_rate=optax.linear_schedule(0.0, RATE, 3)
    ),
    'inject_stateful_hyperparams': lambda: optax.inject_stateful_hyperparams(
      adam
    )(learning_rate=RATE),
    'lookahead': lambda: optax.lookahead(adam(RATE), 2, 0.5),
    'masked': lambda: optax.masked(adam(RATE), _mask),
    'multi_transform': lambda: optax.multi_transform(
      {'trained': adam(RATE), 'frozen': optax.set_to_zero()}, _parts
    ),
    'MultiSteps': lambda: optax.MultiSteps(adam(RATE), 2),
    'named_chain': lambda: optax.named_chain(
      ('clip', optax.clip(1.0)), ('adam', adam(RATE))
    ),
    'partition': lambda: optax.partition(
      {'trained': adam(RATE), 'frozen': optax.sgd(RATE)}, _parts
    ),
    'scale_by_backtracking_linesearch': lambda: optax.chain(
      optax.sgd(RATE), optax.scale_by_backtracking_linesearch(5)
    ),
    'scale_by_rprop': lambda: optax.scale_by_rprop(RATE),
    'scale_by_schedule': lambda: optax.scale_by_schedule(lambda step: -RATE),
    'scale_by_zoom_linesearch': lambda: optax.chain(
      optax.sgd(RATE), optax.scale_by_zoom_linesearch(5)
    ),
    'selective_transform': lambda: optax.selective_transform(
      adam(RATE), freeze_mask=_mask
    ),
    'snapshot': lambda: optax.chain(
      optax.snapshot('norm', optax.tree.norm), adam(RATE)
    ),
    'stateless': lambda: optax.stateless(lambda updates, params: updates),
    'stateless_with_tree_map': lambda: optax.stateless_with_tree_map(
      lambda update, param: -RATE * update
    ),
    'trace': lambda: optax.trace(0.9),
    'with_extra_args_support': lambda: optax.with_extra_args_support(
      adam(RATE)
    ),
    'mechanize': lambda: contrib.mechanize(adam(RATE)),
    'sam': lambda: contrib.sam(adam(RATE), optax.sgd(0.05), sync_period=2),
    'sam opaque': lambda: contrib.sam(
      adam(RATE), optax.sgd(0.05), sync_period=2, opaque_mode=True
    ),
    'sam in a chain': lambda: optax.chain(
      optax.clip(1.0),
      contrib.sam(adam(RATE), optax.sgd(0.05), sync_period=2, opaque_mode=True),
      optax.scale_by_backtracking_linesearch(5),
    ),
    'scale_by_simplified_ademamix': lambda: (
      contrib.scale_by_simplified_ademamix()
    ),
    'schedule_free': lambda: contrib.schedule_free(adam(RATE), RATE),
    'split_real_and_imaginary': lambda: contrib.split_real_and_imaginary(
      adam(RATE)
    ),
  }


MADE = _made()
# What needs something that a training step does not have, and why.
REFUSED = {
  'differentially_private_aggregate': (
    lambda: contrib.differentially_private_aggregate(1.0, 0.1, 0),
    'cannot be traced',
  ),
  'dpsgd': (lambda: contrib.dpsgd(RATE, 1.0, 0.1, 0), 'cannot be traced'),
  'measure_with_ema': (
    lambda: optax.measure_with_ema(optax.tree.norm, 0.9),
    'changes the tree of params',
  ),
  'scale_by_muon': (contrib.scale_by_muon, 'cannot be traced'),
  'sophia': (lambda: contrib.sophia(RATE), 'cannot be traced'),
}


def training(make):
  submission = dataclasses.replace(
    tiny.SUBMISSION, optimizer=lambda hps, run: make()
  )
  return tiny.make_training(submission)


def params_after(made, count, folder=None):
  """Parameters after some steps; saved and restored after the second."""
  functions, state = None, compiled.initial_state(made)
  stream = made.workload.data.train(made.seed, made.run.batch_size, None)
  functions = compiled.compile_functions(made, state)
  for step in range(count):
    if folder is not None and step == 2:
      checkpointer = checkpoint.Checkpointer(folder)
      checkpointer.save(step, state, {})
      checkpointer.close()
      checkpointer = checkpoint.Checkpointer(folder)
      state, _ = checkpointer.restore(compiled.abstract_state(made))
      checkpointer.close()
    batch, _ = next(stream)
    state, _ = functions.step(state, batch)
  return jax.tree.map(np.asarray, state.params)


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in MADE
  ],
)
def test_it_trains_and_goes_on_from_a_checkpoint(tmp_path, name):
  made = training(MADE[name])
  dry_run.check_update(made)
  whole = params_after(made, 5)
  jax.tree.map(
    np.testing.assert_array_equal, params_after(made, 5, tmp_path), whole
  )


@pytest.mark.parametrize('name', REFUSED)
def test_what_cannot_work_is_refused_in_a_sentence(name):
  make, message = REFUSED[name]
  with pytest.raises(errors.UserError, match=message) as caught:
    dry_run.check_update(training(make))
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('module', [optax, contrib])
def test_the_list_is_whole(module):
  for name in dir(module):
    function = getattr(module, name)
    if name.startswith('_') or not callable(function):
      continue
    if inspect.isclass(function) and name != 'MultiSteps':
      continue
    try:
      made = str(inspect.signature(function).return_annotation)
    except (TypeError, ValueError):
      continue
    if 'GradientTransformation' in made:
      assert name in MADE | REFUSED, name
