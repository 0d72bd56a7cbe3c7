# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import itertools
import time

import jax
import jax.numpy as jnp
import pytest

from jaxperf.trial import stopwatch


def test_buckets_are_exclusive_and_add_up_to_the_wall_time():
  ticks = itertools.count(step=1.0)
  watch = stopwatch.Stopwatch(False, clock=lambda: next(ticks))  # 0
  watch.switch('train')  # 1: one second of setup.
  with watch.bucket('data_wait'):  # 2: one of train.
    pass  # 3: one of data_wait.
  watch.switch('eval')  # 4: another of train.
  seconds = watch.seconds()  # 5: one of eval.
  assert seconds == {
    'setup': 1,
    'train': 2,
    'data_wait': 1,
    'eval': 1,
    'prepare_eval': 0,
    'compile': 0,
    'checkpoint': 0,
    'logging': 0,
  }
  assert sum(seconds.values()) == 5


@pytest.mark.parametrize(('counts', 'expected'), [(True, 4.0), (False, 2.0)])
def test_compilation_counts_if_the_rules_say_so(counts, expected):
  ticks = iter([0.0, 1.0, 3.0, 5.0, 6.0])
  watch = stopwatch.Stopwatch(counts, clock=lambda: next(ticks))
  watch.switch('compile')
  watch.switch('train')
  watch.switch('eval')
  assert watch.submission_time() == expected


def test_a_resumed_clock_goes_on_from_the_saved_seconds():
  ticks = iter([0.0, 7.0, 7.0, 9.0])
  watch = stopwatch.Stopwatch(False, clock=lambda: next(ticks))
  watch.resume_from({'setup': 1.0, 'train': 10.0})
  watch.switch('train')
  assert watch.seconds()['setup'] == 8.0
  # Two seconds of training since; the seven of set-up are not counted.
  ticks = iter([9.0])
  assert watch.submission_time() == 12.0


def test_device_work_cannot_hide_in_the_untimed_evaluation():
  """A second of work, dispatched asynchronously, is charged to train."""

  @jax.jit
  def slow(x):
    return jax.lax.fori_loop(0, 400, lambda _, x: jnp.tanh(x @ x), x)

  x = jnp.eye(300) * 0.5
  jax.block_until_ready(slow(x))
  begin = time.perf_counter()
  jax.block_until_ready(slow(x))
  duration = time.perf_counter() - begin

  watch = stopwatch.Stopwatch(False)
  watch.switch('train')
  for _ in range(max(1, round(1 / duration))):
    x = slow(x)  # Returns at once; the work goes on.
  dispatched = watch.seconds()['train']
  watch.switch('eval', after=x)
  seconds = watch.seconds()
  assert dispatched < 0.5 * seconds['train']
  assert seconds['train'] > 0.5
  assert seconds['eval'] < 0.1 * seconds['train']
