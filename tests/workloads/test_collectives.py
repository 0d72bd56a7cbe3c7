# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the devices exchange in a training step, read from the program."""

import jax
import pytest

import workloads
from jaxperf.costs import hlo
from jaxperf.trial import compiled
from tests import tiny


# One has weights in a loop over time, the other uses weights in three places.
@pytest.mark.parametrize('name', ['mini_speech_deepspeech', 'mini_translation'])
def test_devices_exchange_one_gradient_a_step(name):
  training = tiny.make_training(
    workload=workloads.build(name, data='fake'), devices=jax.devices()
  )
  state = compiled.abstract_state(training)
  program = compiled.lower_step(training, state).compile(
    compiler_options={'xla_backend_optimization_level': 0}
  )
  gradient = 4 * sum(x.size for x in jax.tree.leaves(state.params))
  exchanged = hlo.collective_bytes(program.as_text())
  assert set(exchanged) == {'all-reduce'}
  assert gradient <= exchanged['all-reduce'] <= 1.02 * gradient
