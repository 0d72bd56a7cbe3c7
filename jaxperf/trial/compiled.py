# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How optax submissions train: all that runs on the clock, compiled ahead."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import jax

from jaxperf import cache
from jaxperf import mesh as mesh_lib
from jaxperf.trial import dry_run, progress, trial
from jaxperf.trial import step as step_lib

PyTree = Any
_COMPILED_BYTES = 2 * 2**30


def abstract_state(training: trial.Training) -> step_lib.TrainState:
  """Shapes, dtypes and shardings of the state; nothing is allocated."""
  shapes = jax.eval_shape(step_lib.make_init(training))
  mesh = training.run.mesh
  shardings = mesh_lib.state_shardings(shapes, mesh, training.shard_params)
  rule = training.submission.state_sharding
  if rule is not None:
    shardings = shardings._replace(opt_state=rule(shapes.opt_state, mesh))
  return jax.tree.map(_struct, shapes, shardings)


def abstract_batch(training: trial.Training) -> PyTree:
  """Shapes, dtypes and shardings of a training batch."""
  spec = training.workload.data.element_spec(training.run.batch_size)
  split = mesh_lib.split(training.run.mesh)
  return jax.tree.map(lambda x: _struct(x, split), spec)


def initial_state(training: trial.Training) -> step_lib.TrainState:
  """A fresh state on the devices."""
  shardings = _shardings(abstract_state(training))
  return jax.jit(step_lib.make_init(training), out_shardings=shardings)()


def lower_step(
  training: trial.Training, state: step_lib.TrainState
) -> jax.stages.Lowered:
  """The training step, traced for a state (abstract or not).

  Raises:
    UserError: if the step changes the tree, a shape or a dtype of the state.
  """
  state = jax.tree.map(lambda x: _struct(x, x.sharding), state)
  scalars = mesh_lib.replicated(training.run.mesh)
  lowered = jax.jit(
    step_lib.make_step(training),
    donate_argnums=0,
    out_shardings=(_shardings(state), scalars),
  ).lower(state, abstract_batch(training))
  step_lib.check_same_state(state, lowered.out_info[0])
  step_lib.check_scalars(lowered.out_info[1])
  return lowered


def compile_functions(
  training: trial.Training,
  state: step_lib.TrainState,
  live: progress.Live | None = None,
) -> trial.Functions:
  """Compiles step and `eval_params` for a state (abstract or not)."""
  del live  # Compiled functions follow no run.
  submission = training.submission
  functions = trial.Functions(
    step=lower_step(training, state).compile(), on_eval=submission.on_eval
  )
  if submission.select_data is not None:
    functions = functions._replace(next_batch=_selection(training))
  if submission.eval_params is None:
    return functions
  like = jax.tree.map(lambda x: _struct(x, x.sharding), state)
  lowered = jax.jit(submission.eval_params).lower(
    like.opt_state, like.params, like.model_state
  )
  return functions._replace(eval_params=lowered.compile())


def share_compiled_code(folder: pathlib.Path) -> None:
  """Lets trials on such machines reuse each other's compiled code.

  Args:
    folder: where it is kept. If that cannot be, each trial compiles its own,
      and its log says so.
  """
  try:
    folder.mkdir(parents=True, exist_ok=True)
    cache.trim(folder, _COMPILED_BYTES)
  except OSError as error:
    print(f'compiled code is not kept for other trials: {error}', flush=True)
    return
  jax.config.update('jax_compilation_cache_dir', str(folder.absolute()))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
  jax.config.update('jax_persistent_cache_min_entry_size_bytes', -1)


def _selection(training: trial.Training) -> Callable:
  """`Functions.next_batch` of a submission that selects its data."""
  select, seed = training.submission.select_data, training.seed
  _selection_key(seed, 0)  # It compiles now, not in a step.

  def next_batch(batches, state, step):
    key = _selection_key(seed, step)
    return select(batches, state.opt_state, state.params, key)

  return next_batch


@functools.partial(jax.jit, static_argnums=0)
def _selection_key(seed: int, step: int) -> jax.Array:
  """The random key of `select_data`."""
  return jax.random.fold_in(jax.random.key(seed), step)


def _struct(x: Any, sharding: Any) -> jax.ShapeDtypeStruct:
  """Shape, dtype and sharding of an array."""
  return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)


def _shardings(state: PyTree) -> PyTree:
  """The shardings of a tree of arrays or structs."""
  return jax.tree.map(lambda x: x.sharding, state)


OPTAX = trial.Method(
  initial_state=initial_state,
  abstract_state=abstract_state,
  compile=compile_functions,
  check=dry_run.check_update,
  foreseeable=True,
)
