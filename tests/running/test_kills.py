# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A small task killed at random instants, with all kinds of state in it."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib
from tests import trial_files

KILLS = 100
STEPS = 3000
RULES = f"""
title = "many steps"
unit = "steps"
studies = 1
external_trials = 1
self_tuning_budget = 1.0
counts_compilation = false
hardware = "any"
precision = "float32"
tau_max = 4.0
fixed_batch_size = true

[workloads.mini_clicks]
metric = "loss"
direction = "minimize"
validation_target = -1.0
test_target = -1.0
budget = {STEPS}
eval_period = 200
step_hint = {STEPS}
"""
# Typed keys, bfloat16 and a transformation inside of others.
SUBMISSION = """
import time
import jax, jax.numpy as jnp, jaxperf, optax


def noise():
  def init(params):
    halves = jax.tree.map(lambda p: jnp.zeros_like(p, jnp.bfloat16), params)
    return jax.random.key(3), halves

  def update(updates, state, params=None):
    key, mean = state
    key, own = jax.random.split(key)
    mean = jax.tree.map(
      lambda m, g: (0.9 * m + 0.1 * g).astype(jnp.bfloat16), mean, updates
    )
    scale = 1 + 0.01 * jax.random.normal(own)
    return jax.tree.map(lambda m: scale * m, mean), (key, mean)

  return optax.GradientTransformation(init, update)


def optimizer(hps, run):
  inner = optax.chain(noise(), optax.scale_by_adam(), optax.scale(-hps.rate))
  return optax.apply_if_finite(
    optax.MultiSteps(inner, 2).gradient_transformation(), 3
  )


def select_data(batches, opt_state, params, key):
  time.sleep(0.01)  # So that kills hit steps, too.
  return next(batches)


submission = jaxperf.Submission(
  optimizer=optimizer, select_data=select_data,
  tuning=jaxperf.SelfTuning(rate=1e-3),
)
"""


def planned(place):
  """A results folder with one trial that has not begun."""
  place.mkdir()
  (place / 'rules.toml').write_text(RULES)
  (place / 'mine.py').write_text(SUBMISSION)
  config = config_lib.make_config(
    {
      'rules': str(place / 'rules.toml'),
      'submissions': [str(place / 'mine.py')],
      'checkpoint_every_s': 0.3,
      'keep_state': True,
      'retries': 10 * KILLS,
    }
  )
  plan = jobs_lib.plan(config)
  folder_lib.write(place / 'results', config, plan)
  return place / 'results', plan.jobs[0]


def start(folder, job):
  return subprocess.Popen(
    [sys.executable, '-m', 'jaxperf', 'trial', str(folder), str(job.folder)],
    env=os.environ | {'XLA_FLAGS': ''},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )


def wait_for_a_step(trial, process):
  """Until the heartbeat tells of one more than it began with."""
  begun = time.time()
  path = trial / 'progress.json'
  while process.poll() is None:
    fresh = path.exists() and path.stat().st_mtime > begun
    stage = json.loads(path.read_text())['stage'] if fresh else 'setup'
    if stage not in ('setup', 'compile'):
      return
    time.sleep(0.02)


def half_written(trial):
  return [p for p in trial.rglob('*') if 'orbax-checkpoint-tmp' in p.name]


@pytest.mark.slow
def test_a_hundred_kills_change_nothing(tmp_path):
  rng = random.Random(KILLS)
  whole, job = planned(tmp_path / 'whole')
  assert start(whole, job).wait() == 0
  killed, job = planned(tmp_path / 'killed')
  trial = killed / job.folder
  kills = 0
  while kills < KILLS:
    begun = len(list(trial.glob('flags_*.json')))
    process = start(killed, job)
    while len(list(trial.glob('flags_*.json'))) == begun:
      assert process.poll() is None
      time.sleep(0.005)
    if rng.random() < 0.7:  # Between steps, in a save, in an evaluation.
      wait_for_a_step(trial, process)
      time.sleep(rng.random())
    else:  # While it restores and compiles.
      time.sleep(3 * rng.random())
    if process.poll() is not None:
      break
    process.send_signal(signal.SIGKILL)
    process.wait()
    kills += 1
  assert start(killed, job).wait() == 0
  print(f'{kills} kills')
  assert kills >= 0.9 * KILLS
  result = json.loads((trial / 'result.json').read_text())
  assert result['preemption_count'] == kills
  assert half_written(trial) == []
  trial_files.assert_same(killed, whole, str(job.folder))
  assert pathlib.Path(trial / 'judged').is_dir()
