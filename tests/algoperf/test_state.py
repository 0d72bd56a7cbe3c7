# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The first state that an AlgoPerf file makes, and its first steps."""

import jax
import numpy as np
import pytest

from jaxperf.trial import run, trial
from tests.algoperf import test_files, test_trajectories

# Goes down by 1 a step; the state starts as the parameters and is donated with
# them, and a number in it lies on one device.
_DOWN = """
import jax.numpy as jnp

def init_optimizer_state(
  workload, model_params, model_state, hyperparameters, rng
):
  return {'z': model_params, 'again': model_params, 'sum': jnp.zeros(())}

@functools.partial(jax.jit, donate_argnums=(0, 1))
def down(params, state):
  z = jax.tree.map(lambda z: z - 1, state['z'])
  params = jax.tree.map(lambda p, z: (p - 1 + z) / 2, params, z)
  return params, state | {'z': z, 'sum': state['sum'] + 1}

def update_params(
  workload, current_param_container, current_params_types, model_state,
  hyperparameters, batch, loss_type, optimizer_state, eval_results,
  global_step, rng,
):
  return *down(current_param_container, optimizer_state)[::-1], model_state
"""


def _trial(folder, devices=1) -> trial.Trial:
  path = test_files.write(folder, test_files.SGD + _DOWN)
  return test_trajectories.file_trial(
    path, 'self', {}, devices=jax.devices()[:devices], budget=3
  )


@pytest.mark.parametrize('devices', [1, 8])
def test_a_state_may_be_the_parameters_and_be_donated(tmp_path, devices):
  made = _trial(tmp_path, devices)
  first = jax.tree.map(
    np.asarray, made.training.method.initial_state(made.training).params
  )
  assert run.run(made, tmp_path / 'trial') == 'budget'
  state = test_trajectories.final_state(tmp_path / 'trial', made)
  for tree, moved in (
    (state.params, 3),
    (state.opt_state.value['z'], 3),
    (state.opt_state.value['again'], 0),
  ):
    jax.tree.map(
      lambda x, y, moved=moved: np.testing.assert_allclose(
        x, y - moved, rtol=1e-6
      ),
      tree,
      first,
    )
  assert state.opt_state.value['sum'] == 3


def test_an_array_on_one_device_compiles_the_update_no_second_time(
  tmp_path, caplog
):
  with jax.log_compiles():
    run.run(_trial(tmp_path), tmp_path / 'trial')
  compiled_updates = [
    r for r in caplog.messages if r.startswith('Compiling jit(down)')
  ]
  assert len(compiled_updates) == 1
