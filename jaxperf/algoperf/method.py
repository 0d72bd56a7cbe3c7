# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""How AlgoPerf files train: they are stepped from Python, see `driver`."""

from __future__ import annotations

import jax

from jaxperf import errors
from jaxperf import mesh as mesh_lib
from jaxperf.algoperf import driver
from jaxperf.trial import dry_run, progress, trial
from jaxperf.trial import step as step_lib


def initial_state(training: trial.Training) -> step_lib.TrainState:
  """A fresh state on the devices, the optimizer's part made by the file."""
  return driver.Driver(training).start()


def abstract_state(training: trial.Training) -> step_lib.TrainState:
  """Shapes, dtypes and shardings of the state, which is made for real."""
  mesh = training.run.mesh

  def everywhere(x):
    whole = len(x.sharding.device_set) == mesh.size
    sharding = x.sharding if whole else mesh_lib.replicated(mesh)
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)

  return jax.tree.map(everywhere, initial_state(training))


def compile_functions(
  training: trial.Training,
  state: step_lib.TrainState,
  live: progress.Live | None = None,
) -> trial.Functions:
  """Step and `prepare`; the file compiles them when they are first called.

  Args:
    training: of an AlgoPerf file.
    state: that the first step is given.
    live: the run; none is followed if left out.
  """
  return driver.Driver(training).functions(state, live or progress.Live())


def check(training: trial.Training) -> None:
  """Refuses settings that a file which makes its own steps can't follow.

  Raises:
    UserError: naming the setting.
  """
  dry_run.check_setting(training)
  for key, only in (('microbatches', 1), ('shard_params', False)):
    if getattr(training, key) != only:
      raise errors.UserError(
        f'an AlgoPerf file makes its own steps and shardings: config.{key} '
        f'can only be {only}'
      )


ALGOPERF = trial.Method(
  initial_state=initial_state,
  abstract_state=abstract_state,
  compile=compile_functions,
  check=check,
  foreseeable=False,
)
