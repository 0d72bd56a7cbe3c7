# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What runs on the counted clock, compiled ahead of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from jaxperf import mesh as mesh_lib
from jaxperf.trial import host as host_lib
from jaxperf.trial import step as step_lib
from jaxperf.trial import trial

PyTree = Any


class Functions(NamedTuple):
  """Compiled functions of one trial.

  Attributes:
    step: `(state, batch) -> state, scalars`; the state is donated.
    eval_params: `(opt_state, params, model_state) -> params, model_state` and
      perhaps a new optimizer state; None if the training weights are judged.
    prepare: `(state) -> state`, of a submission with a driver: what it returns
      is judged and trained on.
  """

  step: Callable
  eval_params: Callable | None
  prepare: Callable | None = None


def abstract_state(
  training: trial.Training, shard_params: bool = False
) -> step_lib.TrainState:
  """Shapes, dtypes and shardings of the state.

  Nothing is allocated, but for a submission with a driver, which makes its
  state for real.
  """
  if training.submission.driver is not None:
    state = initial_state(training)
    return jax.tree.map(lambda x: _everywhere(x, training.run.mesh), state)
  return _abstract_state(training, shard_params)


def _abstract_state(
  training: trial.Training, shard_params: bool
) -> step_lib.TrainState:
  """The abstract state of a native submission."""
  shapes = jax.eval_shape(step_lib.make_init(training))
  mesh = training.run.mesh
  shardings = mesh_lib.state_shardings(shapes, mesh, shard_params)
  rule = training.submission.state_sharding
  if rule is not None:
    shardings = shardings._replace(opt_state=rule(shapes.opt_state, mesh))
  return jax.tree.map(_struct, shapes, shardings)


def abstract_batch(training: trial.Training) -> PyTree:
  """Shapes, dtypes and shardings of a training batch."""
  spec = training.workload.data.element_spec(training.run.batch_size)
  split = mesh_lib.split(training.run.mesh)
  return jax.tree.map(lambda x: _struct(x, split), spec)


def initial_state(
  training: trial.Training, shard_params: bool = False
) -> step_lib.TrainState:
  """A fresh state on the devices."""
  shardings = _shardings(_abstract_state(training, shard_params))
  state = jax.jit(step_lib.make_init(training), out_shardings=shardings)()
  driver = training.submission.driver
  return state if driver is None else driver(training).start(state)


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
  return lowered


def compile_functions(
  training: trial.Training,
  state: step_lib.TrainState,
  host: host_lib.Host | None = None,
) -> Functions:
  """Compiles step and `eval_params` for a state (abstract or not).

  Args:
    training: algorithm and workload.
    state: to compile for; not abstract for a submission with a driver.
    host: the run, for a driver; it follows none if left out.
  """
  if training.submission.driver is not None:
    driver = training.submission.driver(training)
    step, prepare = driver.functions(state, host or host_lib.Host())
    return Functions(step, None, prepare)
  step = lower_step(training, state).compile()
  eval_params = training.submission.eval_params
  if eval_params is None:
    return Functions(step, None)
  like = jax.tree.map(lambda x: _struct(x, x.sharding), state)
  lowered = jax.jit(eval_params).lower(
    like.opt_state, like.params, like.model_state
  )
  return Functions(step, lowered.compile())


def _everywhere(x: jax.Array, mesh: jax.sharding.Mesh) -> jax.ShapeDtypeStruct:
  """Shape, dtype and sharding of an array that is to be on all devices."""
  if len(x.sharding.device_set) == mesh.size:
    return _struct(x, x.sharding)
  return _struct(x, mesh_lib.replicated(mesh))


def _struct(x: Any, sharding: Any) -> jax.ShapeDtypeStruct:
  """Shape, dtype and sharding of an array."""
  return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)


def _shardings(state: PyTree) -> PyTree:
  """The shardings of a tree of arrays or structs."""
  return jax.tree.map(lambda x: x.sharding, state)
