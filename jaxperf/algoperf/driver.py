# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Calls the functions of an AlgoPerf file."""

from __future__ import annotations

import collections
import importlib
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxperf import mesh
from jaxperf.algoperf import state as state_lib
from jaxperf.algoperf import workload
from jaxperf.trial import progress, trial
from jaxperf.trial import step as step_lib

PyTree = Any
_SELECT, _PREPARE, _INIT = 1, 2, 3  # Keep the uses of a key apart.


class Driver:
  """One file on one workload.

  The file is called once per step. It may donate all that it is given, so only
  what it returned last is ever used.

  Random keys are raw (two 32-bit numbers for the usual kind). That of
  `update_params` is folded from seed and step, and is the key that a native
  submission has in this step: a file that hands it to `model_fn` as it is drops
  the same units. The other functions' keys are folded from it once more.
  """

  def __init__(self, training: trial.Training):
    """Prepares to call a file.

    Args:
      training: with a goal; its submission is a `files.File`.
    """
    file = training.submission
    self._module, self._training = file.module, training
    self._spec = importlib.import_module(f'{file.package}.spec')
    self._hyperparameters = _hyperparameters(training)
    self._keys = _make_keys(training.seed)
    self._sharding = importlib.import_module(
      f'{file.package}.jax_sharding_utils'
    )
    if hasattr(self._sharding, 'use_devices'):  # Ours; the real one takes all.
      self._sharding.use_devices(training.run.mesh.devices.flat)
    takes = inspect.signature(file.module.update_params).parameters
    self._takes_train_state = 'train_state' in takes
    self._connect(progress.Live(), 0)

  def start(self) -> step_lib.TrainState:
    """The first state, with the optimizer state that the file makes.

    All arrays are placed as the file's own step will place them, on its mesh:
    otherwise it would compile twice.
    """
    training = self._training
    step, (params, model_state) = jax.jit(
      lambda: (jnp.int32(0), step_lib.first_params(training)),
      out_shardings=mesh.replicated(training.run.mesh),
    )()
    params, model_state = self._sharding.replicate((params, model_state))
    opt_state = self._module.init_optimizer_state(
      workload=self._workload,
      model_params=params,
      model_state=model_state,
      hyperparameters=self._hyperparameters,
      rng=self._keys(np.int32(0))[_INIT],
    )
    opt_state = jax.tree.map(self._place, opt_state)
    params, model_state, opt_state = state_lib.unshared(
      (params, model_state, opt_state)
    )
    return step_lib.TrainState(
      step, params, model_state, state_lib.AlgoPerfState(opt_state)
    )

  def functions(
    self, state: step_lib.TrainState, live: progress.Live
  ) -> trial.Functions:
    """What a trial calls; the step takes the iterator of batches.

    Args:
      state: that the first step is given.
      live: the run.
    """
    self._connect(live, int(state.step))
    self._first_shapes = _shapes(state.opt_state)
    # What each step needs besides the file; it compiles now, not in a step.
    leaf = jax.tree.leaves(state.params)[0]
    jax.block_until_ready((self._keys(np.int32(0)), _after(state.step, leaf)))
    prepares = hasattr(self._module, 'prepare_for_eval')
    return trial.Functions(
      step=self._update,
      prepare=self._prepare if prepares else None,
      next_batch=lambda batches, state, step: batches,
    )

  def _place(self, leaf: Any) -> Any:
    """A leaf of a state; an array on one device comes on the file's mesh."""
    if isinstance(leaf, jax.Array) and isinstance(
      leaf.sharding, jax.sharding.SingleDeviceSharding
    ):
      return self._sharding.replicate(leaf)
    return leaf

  def _connect(self, live: progress.Live, step: int) -> None:
    """Starts to follow a run."""
    self._live, self._step = live, step
    self._workload = workload.AlgoPerfWorkload(
      self._training, self._spec, workload.ScalarLogger(live.log)
    )
    self._eval_results: list[tuple[int, dict]] = []
    self._compiled: set[Callable] = set()
    self._in_flight: collections.deque = collections.deque()
    self._last_step_end = 0.0

  def _update(
    self, state: step_lib.TrainState, batches: Iterator
  ) -> tuple[step_lib.TrainState, dict]:
    """One step; no scalars are returned, since a file logs its own."""
    keys = self._keys(np.int32(self._step))
    arguments = self._arguments(state)
    batch = self._module.data_selection(
      **arguments, input_queue=batches, rng=keys[_SELECT]
    )
    if self._takes_train_state:
      arguments['train_state'] = self._train_state()
    first = not self._compiled
    try:
      opt_state, params, model_state = self._call(
        self._module.update_params,
        state,
        **arguments,
        **self._update_arguments(),
        batch=batch,
        rng=keys[0],
      )
    except self._spec.TrainingCompleteError:
      self._live.complete = True
      params, model_state = state.params, state.model_state
      opt_state = state.opt_state.value
    self._step += 1
    self._last_step_end = self._live.watch.running_time()
    step, token = _after(state.step, jax.tree.leaves(params)[0])
    new = step_lib.TrainState(
      step, params, model_state, state_lib.AlgoPerfState(opt_state)
    )
    if first:
      self._check(state, new)
    self._in_flight.append(token)
    if len(self._in_flight) > step_lib.IN_FLIGHT:
      jax.block_until_ready(self._in_flight.popleft())
    return new, {}

  def _prepare(self, state: step_lib.TrainState) -> step_lib.TrainState:
    """What is evaluated, and trained on: the file turns it back if it must."""
    first = self._module.prepare_for_eval not in self._compiled
    opt_state, params, model_state = self._call(
      self._module.prepare_for_eval,
      state,
      **self._arguments(state),
      **self._update_arguments(),
      rng=self._keys(np.int32(self._step))[_PREPARE],
    )
    if first:  # The next update compiles the way back.
      self._compiled.discard(self._module.update_params)
    return step_lib.TrainState(
      state.step, params, model_state, state_lib.AlgoPerfState(opt_state)
    )

  def _arguments(self, state: step_lib.TrainState) -> dict[str, Any]:
    """What all functions get."""
    return {
      'workload': self._workload,
      'current_param_container': state.params,
      'model_state': state.model_state,
      'hyperparameters': self._hyperparameters,
      'optimizer_state': state.opt_state.value,
      'global_step': self._step,
    }

  def _update_arguments(self) -> dict[str, Any]:
    """What `update_params` and `prepare_for_eval` get besides."""
    for row in self._live.progress.evaluations[len(self._eval_results) :]:
      self._eval_results.append((row['global_step'], dict(row)))
    return {
      'current_params_types': self._workload.model_params_types,
      'loss_type': self._workload.loss_type,
      'eval_results': self._eval_results,
    }

  def _call(self, function: Callable, state: step_lib.TrainState, **arguments):
    """Calls a function of the file; it compiles the first time."""
    if function in self._compiled:
      return function(**arguments)
    self._compiled.add(function)
    with self._live.watch.bucket(self._live.compile_bucket, after=state):
      return jax.block_until_ready(function(**arguments))

  def _check(
    self, before: step_lib.TrainState, after: step_lib.TrainState
  ) -> None:
    """Refuses other parameters; says so if the state cannot be restored.

    Raises:
      UserError: if parameters or model state change their tree or shapes.
    """
    step_lib.check_same_tree('params', before.params, after.params)
    step_lib.check_same_tree(
      'model_state', before.model_state, after.model_state
    )
    if self._first_shapes != _shapes(after.opt_state):
      print(
        'note: the optimizer state is not shaped as init_optimizer_state made '
        'it, so it cannot be restored: an interrupted trial must begin anew',
        flush=True,
      )

  def _train_state(self) -> Mapping[str, Any]:
    """How the run stands; times are seconds of the run, without set-up."""
    limits, known = self._live.limits, self._live.progress
    seconds = self._live.watch.seconds()
    submission_time = self._live.watch.submission_time()
    return types.MappingProxyType(
      {
        'validation_goal_reached': known.validation_reached,
        'test_goal_reached': known.test_reached,
        'is_time_remaining': not limits.spent(self._step, submission_time),
        'last_eval_time': known.evaluated_at,
        'training_complete': self._live.complete,
        'accumulated_submission_time': submission_time,
        'accumulated_eval_time': seconds['eval'],
        'accumulated_logging_time': seconds['logging'] + seconds['checkpoint'],
        'last_step_end_time': self._last_step_end,
      }
    )


def _hyperparameters(training: trial.Training) -> Any:
  """A named tuple of the tuning point; None for self-tuning."""
  if training.run.ruleset == 'self':
    return None
  point = vars(training.hps)
  return collections.namedtuple('Hyperparameters', point)(**point)


def _make_keys(seed: int) -> Callable:
  """The function from step to the keys of that step, by their use."""

  @jax.jit
  def keys(step):
    key = step_lib.step_key(seed, step)
    uses = {use: jax.random.fold_in(key, use) for use in (1, 2, 3)}
    return jax.tree.map(jax.random.key_data, uses | {0: key})

  return keys


@jax.jit
def _after(step: jax.Array, leaf: jax.Array) -> tuple[jax.Array, jax.Array]:
  """The next step's number, and something to wait for that nobody donates."""
  return step + 1, leaf.ravel()[:1]


def _shapes(opt_state: state_lib.AlgoPerfState) -> list[tuple]:
  """Shapes and dtypes of the arrays in a state."""
  return [(x.shape, x.dtype) for x in jax.tree.leaves(opt_state)]
