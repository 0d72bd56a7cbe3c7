# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Hand-computed cases of rules, schedules, averages and restarts."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxperf
from baselines import (
  adafactor,
  amos,
  nadamw,
  nadamw_sequential,
  schedule_free_adamw,
  schedule_free_adamw_v2,
  sinv6,
)
from baselines.parts import averaging, schedules
from jaxperf.trial import step as step_lib

_ONE = jnp.ones([])


def _first_update(tx, grad=_ONE, param=_ONE):
  return tx.update(grad, tx.init(param), param)[0]


def test_first_step_of_nadam_is_one_plus_beta1():
  u = _first_update(nadamw.scale_by_nadam(0.9, 0.99))
  np.testing.assert_allclose(u, 1.9, rtol=1e-5)


def test_nadam_differs_from_the_one_of_optax():
  theirs = _first_update(optax.scale_by_adam(0.9, 0.99, nesterov=True))
  # 0.9 * 0.1 / (1 - 0.9^2) + 1, against 1.9.
  np.testing.assert_allclose(theirs, 0.09 / 0.19 + 1, rtol=1e-5)


def test_first_step_of_adafactor_on_a_vector_is_the_momentum_part():
  step = _first_update(
    adafactor.adafactor(0.1, b1=0.9), jnp.ones(3), jnp.ones(3)
  )
  np.testing.assert_allclose(step, -0.01 * np.ones(3), rtol=1e-5)


def test_decay_multiplies_the_rate_and_the_old_parameter():
  tx = nadamw.nadamw(0.1, 0.9, 0.99, weight_decay=0.5)
  step = _first_update(tx, grad=jnp.zeros([]), param=2 * _ONE)
  np.testing.assert_allclose(step, -0.1 * 0.5 * 2, rtol=1e-6)


def test_first_rates_of_the_schedules():
  assert float(schedules.warmup_cosine(2.0, 10, 100)(0)) == 0
  assert float(schedules.peak_first_cyclic_cosine(2.0, 10, 100)(0)) == 2
  np.testing.assert_allclose(schedules.warmup_constant(2.0, 10)(0), 0.2)
  np.testing.assert_allclose(schedules.warmup_constant(2.0, 10)(99), 2.0)
  np.testing.assert_allclose(schedules.warmup_constant(2.0, 0)(0), 2.0)


def test_rebounding_cosine_climbs_back_to_its_peak():
  schedule = schedules.warmup_rebounding_cosine(2.0, 10, 60)
  np.testing.assert_allclose(schedule(60), 0.0, atol=1e-6)
  np.testing.assert_allclose(schedule(110), 2.0, rtol=1e-6)


@pytest.mark.parametrize(
  ('step_hint', 'start', 'queue', 'ema'),
  [
    (10_666, 214, 22, 54),
    (36_189, 724, 73, 181),
    (186_666, 3734, 374, 934),
    (80_000, 1600, 160, 400),
    (48_000, 960, 96, 240),
    (133_333, 2667, 267, 667),
  ],
)
def test_snapshots_are_taken_when_the_published_table_says(
  step_hint, start, queue, ema
):
  parts = averaging.parts_of_step_hint
  assert parts(step_hint, 0.02, 0.002) == (start, queue)
  assert parts(step_hint, 0.02, 0.005) == (start, ema)


def _parameter_path(tx, eval_params, steps):
  """With rate 1 and gradient -1, parameters are 0, 1, 2, ..."""
  param = jnp.zeros([])
  state, judged = tx.init(param), []
  for _ in range(steps):
    updates, state = tx.update(-_ONE, state, param)
    param = optax.apply_updates(param, updates)
    judged.append(float(eval_params(state, param, {})[0]))
  return judged


def test_queue_counts_once_it_is_full():
  tx = averaging.queue_snapshots(optax.sgd(1.0), start=1, every=2, length=2)
  # Snapshots after updates 1, 3, 5 (from 0): parameters 2, 4, 6.
  judged = _parameter_path(tx, averaging.queue_mean, 6)
  assert judged == [1, 2, 3, (2 + 4) / 2, 3, (4 + 6) / 2]


@pytest.mark.parametrize(
  ('decay', 'expected'),
  [(0.0, [1, 2, 2, 4, 4]), (0.5, [1, 2, 2, 3, 3])],
)
def test_average_of_snapshots_starts_with_the_first(decay, expected):
  tx = averaging.average_snapshots(optax.sgd(1.0), 1, 2, decay)
  assert _parameter_path(tx, averaging.snapshot_average, 5) == expected


def test_sequential_goes_back_to_the_initial_parameters():
  schedule = schedules.warmup_cosine(0.1, 1, 5)
  stages = [nadamw_sequential.Stage(5, schedule, 0.9, 0.99, 0.0)] * 2
  tx = nadamw_sequential.nadamw_sequential(stages)
  param, state, path = _ONE, tx.init(_ONE), []
  for _ in range(10):
    updates, state = tx.update(jnp.cos(param), state, param)
    param = optax.apply_updates(param, updates)
    path.append(float(param))
  # The first update of each run has rate 0: parameters are the initial ones.
  assert path[0] == path[5] == 1.0
  assert path[4] < path[3] < path[2] < path[1] < 1.0
  # Fresh averages: the next step is the rate times 1 + β1.
  np.testing.assert_allclose(path[6], 1 - 0.1 * 1.9, rtol=1e-5)


def _history(*values, step=100):
  return [
    jaxperf.Evaluation(step + i, 0.0, {}, value)
    for i, value in enumerate(values)
  ]


def test_training_that_stalls_restarts_at_half_the_rate_each_time():
  run = SimpleNamespace(step_hint=500, minimize=True)
  reset = schedule_free_adamw.reset_when_stalled
  assert reset(_history(1.0, 0.999, 0.998), run) is None
  assert reset(_history(1.0, 0.9, 0.8, 0.7), run) is None
  assert reset(_history(1.0, 1.0, 1.0, 1.0, step=10), run) is None
  first = reset(_history(1.0, 1.0, 1.0, 1.0), run)
  assert first == jaxperf.Restart({'learning_rate': 0.00125}, False)
  second = reset(_history(1.0, 1.0, 1.0, 1.0, 1.0), run)
  assert second.hyperparameters == {'learning_rate': 0.000625}
  growing = SimpleNamespace(step_hint=500, minimize=False)
  assert reset(_history(0.1, 0.2, 0.3, 0.4), growing) is None


@pytest.mark.parametrize(
  ('name', 'due'),
  [('submission', [0, 1, 1, 0]), ('self_tuning', [1, 0, 0, 1])],
)
def test_running_statistics_are_collected_at_the_average(name, due):
  submission = getattr(schedule_free_adamw_v2, name)
  hps = SimpleNamespace(
    **schedule_free_adamw.SELF_TUNING.constants | {'warmup_factor': 0.0}
  )
  run = SimpleNamespace(step_hint=10, has_batch_stats=True)
  step = submission.train_step(hps, run)
  param = jnp.zeros([])
  opt_state = submission.optimizer(hps, run).init(param)
  seen = []
  for i in range(4):
    state = step_lib.TrainState(jnp.int32(i), param, jnp.float32(-9), opt_state)
    average, _ = submission.eval_params(opt_state, param, {})
    gradients = jaxperf.submission.Gradients(
      None,
      lambda p, update_stats=False: (_ONE, -_ONE, p if update_stats else None),
    )
    param, statistics, opt_state, _ = step(state, gradients, None)
    seen.append(int(statistics == average))
  assert seen == due


def test_amos_assumes_the_published_scales():
  scale = amos.published_scale
  assert scale(('Conv_0', 'kernel'), (3, 3, 2, 8)).eta == math.sqrt(1 / 18)
  assert scale(('Dense_0', 'kernel'), (8, 4)).eta == 0.5
  assert scale(('Dense_0', 'kernel'), (8, 4), 0.062).eta == 0.062
  assert scale(('BatchNorm_0', 'scale'), (4,)).eta == 1.0
  assert scale(('Embed_0', 'embedding'), (9, 4)) == amos.Scale((9, 1), 1.0)
  query = scale(('MultiHeadAttention_0', 'query', 'kernel'), (16, 4, 4))
  assert query == amos.Scale((1, 4, 1), 0.25)


def test_learned_optimizer_gives_one_rate_between_its_limits():
  tx = sinv6.sinv6(sinv6.random_weights(1), 100.0)
  params = {'a': jnp.ones(3), 'b': 2 * jnp.ones(2)}
  updates, _ = tx.update(
    jax.tree.map(jnp.ones_like, params), tx.init(params), params, value=_ONE
  )
  # m / sqrt(v) = 0.1 / sqrt(0.001), times the parameter's size.
  unit = 0.1 / math.sqrt(0.001)
  rates = [-updates['a'][0] / unit, -updates['b'][0] / unit / 2]
  np.testing.assert_allclose(rates[0], rates[1], rtol=1e-4)
  assert 1e-8 * 0.99 <= rates[0] <= 1


def test_learned_optimizer_without_weights_says_what_to_do(monkeypatch):
  monkeypatch.delenv('JAXPERF_SINV6_WEIGHTS', raising=False)
  with pytest.raises(ValueError, match='JAXPERF_SINV6_WEIGHTS'):
    sinv6.self_tuning.optimizer(
      SimpleNamespace(horizon_factor=1.0), SimpleNamespace(step_hint=10)
    )
