# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Learning rate schedules against reference numbers."""

import json

import jax
import jax.numpy as jnp
import pytest

from baselines import caspr
from baselines.parts import schedules
from tests import reference

pytestmark = pytest.mark.parity

_DATA = reference.arrays('optimizers')
_TEXTS = json.loads(str(_DATA['meta_json']))['settings']['schedules']


def _numbers(text):
  """`'lr 0.01, W 15, 2 cycles'` -> {'lr': 0.01, 'W': 15, 'cycles': 2}."""
  pairs = [part.split('(')[0].split() for part in text.split(',')]
  pairs = [p if p[1][0].isdigit() else p[::-1] for p in pairs]
  return {
    name: float(value) if '.' in value else int(value) for name, value in pairs
  }


def _s2_float(lr, f, H):
  return schedules.warmup_rebounding_cosine(lr, int(f * H), H)


_SCHEDULES = {
  'S1': lambda lr, W, H: schedules.warmup_cosine(lr, W, H),
  'S2': lambda lr, W, H: schedules.warmup_rebounding_cosine(lr, W, H),
  'S2_float_horizon': _s2_float,
  'S3': lambda lr, W, T: schedules.peak_first_cyclic_cosine(lr, W, T),
  'S3c': lambda lr, W, T, cycles: schedules.peak_first_cyclic_cosine(
    lr, W, T, cycles
  ),
  'S4': lambda lr, W, H, **factors: schedules.warmup_linear(
    lr, W, H, **factors
  ),
  'S5': lambda lr, f, H: caspr.nested_cosine(lr, f, H),
}


@pytest.mark.parametrize('name', sorted(_SCHEDULES))
def test_schedule_follows_the_reference(name, parity):
  expected = _DATA[f'schedule/{name}']
  text = _TEXTS[name]
  numbers = _numbers(text.split(' (W')[0])
  rates = jax.jit(jax.vmap(_SCHEDULES[name](**numbers)))(
    jnp.arange(len(expected))
  )
  parity.close(name, rates, expected, atol=1e-6 * numbers['lr'])
