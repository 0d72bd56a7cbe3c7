# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""First steps of every training algorithm on every small workload."""

import dataclasses
import functools
import importlib
import itertools

import flax.serialization
import jax
import numpy as np
import pytest

import workloads
from baselines import sinv6
from jaxperf import mesh
from jaxperf import tuning as tuning_lib
from jaxperf.running import config as config_lib
from jaxperf.running import plugins
from jaxperf.trial import step as step_lib
from tests import planned

pytestmark = pytest.mark.slow

_STEPS = 30
_MINI = [name for name in workloads.TABLE if name.startswith('mini_')]
# Compiling well would take longer than thirty steps do.
_INIT_OPTIONS = {'xla_backend_optimization_level': 0}
_STEP_OPTIONS = {'xla_backend_optimization_level': 1}


def _cases():
  """`submission` and `self_tuning` of each module, and all that differ in kind.

  Other points of the same rule are left out: they differ in numbers only.
  """
  for module, _, attributes in plugins.baselines():
    first = {'submission', 'self_tuning'} & set(attributes)
    seen = set()
    for name in [*sorted(first), *sorted(set(attributes) - first)]:
      spec = f'baselines.{module}:{name}'
      submission = _submission(spec)
      ((point,),) = tuning_lib.deal(submission.tuning, 1, 1, seed=0)
      options = {
        key: value
        for key, value in point.items()
        if not isinstance(value, float) and key != 'warmup_steps'
      }
      rule = (submission.optimizer, submission.train_step, str(options))
      if name in first or rule not in seen:
        yield pytest.param(spec, id=spec.removeprefix('baselines.'))
      seen.add(rule)


def _submission(spec):
  module, _, attribute = spec.partition(':')
  return getattr(importlib.import_module(module), attribute)


def _mildest(jobs):
  return min(jobs, key=lambda job: job.point.get('learning_rate', 0))


def _training(spec, workload):
  """At the first published point, or the mildest of five from a search space.

  The highest rates of the published spaces are for larger batches: momentum at
  3.9 takes the Conformer to infinity in 19 steps.
  """
  tuning = _submission(spec).tuning
  tunes_itself = isinstance(tuning, tuning_lib.SelfTuning)
  config = config_lib.make_config(
    {
      'submissions': (spec,),
      'workloads': (workload,),
      'ruleset': 'self' if tunes_itself else 'external',
      'studies': 1,
      'trials': 5 if isinstance(tuning, tuning_lib.SearchSpace) else 1,
    }
  )
  training = planned.training(config, _mildest)
  one_device = mesh.make_mesh(jax.devices()[:1])
  run = dataclasses.replace(training.run, mesh=one_device)
  return dataclasses.replace(training, run=run)


@functools.cache
def _batches(name):
  workload = workloads.build(name)
  stream = workload.data.train(0, workload.default_batch_size, None)
  return [batch for batch, _ in itertools.islice(stream, _STEPS)]


@pytest.fixture(autouse=True)
def weights_of_the_learned_optimizer(tmp_path, monkeypatch):
  path = tmp_path / 'weights.msgpack'
  weights = sinv6.random_weights(0)
  path.write_bytes(flax.serialization.msgpack_serialize(weights))
  monkeypatch.setenv('JAXPERF_SINV6_WEIGHTS', str(path))


@pytest.mark.parametrize('workload', _MINI)
@pytest.mark.parametrize('spec', list(_cases()))
def test_thirty_steps_stay_finite(spec, workload):
  training = _training(spec, workload)
  state = jax.jit(
    step_lib.make_init(training), compiler_options=_INIT_OPTIONS
  )()
  step = jax.jit(
    step_lib.make_step(training),
    donate_argnums=0,
    compiler_options=_STEP_OPTIONS,
  )
  losses = []
  for batch in _batches(workload):
    state, scalars = step(state, batch)
    losses.append(scalars['loss'])
  assert np.isfinite(losses).all(), losses
  for path, x in jax.tree.leaves_with_path(state.params):
    assert np.isfinite(x).all(), jax.tree_util.keystr(path)
