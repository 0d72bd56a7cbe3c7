# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Measures jaxperf itself, on the devices at hand."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pathlib
import statistics
import tempfile
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxperf import compiled, environment, experiment, job, train, trial, worker
from jaxperf import mesh as mesh_lib
from jaxperf import rules as rules_lib
from jaxperf import stopwatch as stopwatch_lib
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib

_SECONDS = 4.0  # Of training in each measurement.
_SYNTHETIC = 'a 1 ms step'


def loop(names: Sequence[str] | None, repeats: int, form: str) -> str:
  """Steps per second of the whole training loop over those of the bare step.

  The bare step is the same compiled function, called on one batch that is on
  the devices already. The loop adds batches, clock, records and decisions;
  evaluations are not in either. Both are measured in turns; medians of the
  paired ratios are reported.

  Args:
    names: workloads; the mini ones and a synthetic one by default.
    repeats: pairs of measurements.
    form: `'table'` or `'json'`.
  """
  rules = rules_lib.load('mini')
  worker.share_compiled_code(pathlib.Path(tempfile.mkdtemp()))
  trainings = {} if names else {_SYNTHETIC: _one_millisecond()}
  for name in names or rules.base_workloads:
    config = experiment.make_config(
      {'submissions': ('baselines.nadamw',), 'workloads': (name,)}
    )
    trainings[name] = job.make_training(config, experiment.plan(config)[0])
  rows = [
    _loop_row(name, training, repeats) for name, training in trainings.items()
  ]
  if form == 'json':
    return json.dumps(
      {'loop': rows, 'environment': environment.describe()}, indent=2
    )
  lines = [
    f'{"workload":<24}{"bare steps/s":>14}{"loop steps/s":>14}{"loop/bare":>11}'
  ]
  lines += [
    f'{row["workload"]:<24}{row["bare"]:>14.1f}{row["loop"]:>14.1f}'
    f'{row["ratio"]:>11.3f}'
    for row in rows
  ]
  device = jax.devices()[0].device_kind
  lines.append(f'median of {repeats} pairs, {len(jax.devices())} x {device}')
  return '\n'.join(lines)


def _loop_row(
  name: str, training: train.Training, repeats: int
) -> dict[str, Any]:
  """Bare and loop speed of one training."""
  steps = max(int(_SECONDS * _bare(training, 20)), 20)
  pairs = [
    (_bare(training, steps), _in_loop(training, steps)) for _ in range(repeats)
  ]
  return {
    'workload': name,
    'steps': steps,
    'bare': statistics.median(bare for bare, _ in pairs),
    'loop': statistics.median(loop for _, loop in pairs),
    'ratio': statistics.median(loop / bare for bare, loop in pairs),
    'ratios': [loop / bare for bare, loop in pairs],
  }


def _bare(training: train.Training, steps: int) -> float:
  """Steps per second of the compiled step alone."""
  state = compiled.initial_state(training)
  step = compiled.compile_functions(training, state).step
  stream = training.workload.data.train(
    training.seed, training.run.batch_size, None
  )
  batch = mesh_lib.place_batch(next(stream)[0], training.run.mesh)
  for _ in range(3):
    state, scalars = step(state, batch)
  watch = stopwatch_lib.Stopwatch(False)
  watch.switch('train', after=state)
  for _ in range(steps):
    state, scalars = step(state, batch)
  watch.switch('logging', after=(state, scalars))
  return steps / watch.seconds()['train']


def _in_loop(training: train.Training, steps: int) -> float:
  """Steps per second of a trial, without set-up, compiling and evaluation."""
  run = dataclasses.replace(
    training.run, unit='steps', budget=steps, eval_period=10**9
  )
  goal = rules_lib.WorkloadRules(
    name=training.workload.name,
    metric=training.workload.metric_names[0],
    minimize=True,
    validation_target=float('-inf'),
    test_target=float('-inf'),
    budget=steps,
    eval_period=10**9,
    step_hint=run.step_hint,
  )
  made = trial.Trial(
    training=dataclasses.replace(training, run=run),
    goal=goal,
    counts_compilation=False,
  )
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder)
    with contextlib.redirect_stdout(io.StringIO()):
      trial.run(made, path)
    result = json.loads((path / 'result.json').read_text())
  return steps / result['submission_time']


def _one_millisecond() -> train.Training:
  """A training whose bare step takes about a millisecond."""
  size = 64
  while True:
    training = _matrices(size)
    if _bare(training, 200) < 1000:
      return training
    size = int(size * 1.2)


def _matrices(size: int) -> train.Training:
  """Gradient descent on products of square matrices."""
  inputs = np.ones((size, size), np.float32)

  def stream(seed, batch_size, cursor=None):
    taken = cursor or 0
    while True:
      taken += 1
      yield {'inputs': inputs}, taken

  def apply(params, model_state, batch, key, **_):
    return jnp.tanh(batch['inputs'] @ params @ params), model_state

  def loss(outputs, batch, *, label_smoothing=0.0):
    per_example = jnp.mean(outputs**2, axis=1)
    return workload_lib.Loss(per_example.sum(), jnp.float32(size), per_example)

  def evaluate(params, model_state, batch, key):
    return {'loss': jnp.sum(params)}, {}

  spec = {'inputs': jax.ShapeDtypeStruct((size, size), np.float32)}
  workload = workload_lib.Workload(
    name='matrices',
    facts=workload_lib.Facts('', '', '', '', size, size, size, size),
    init=lambda key: (jax.random.normal(key, (size, size)) / size, {}),
    apply=apply,
    loss=loss,
    evaluate=evaluate,
    finish=lambda sums, rows: sums,
    data=workload_lib.Data(
      stream,
      lambda split, batch_size: iter([{'inputs': inputs}]),
      lambda batch_size, split=None: spec,
    ),
    param_kinds=lambda params: workload_lib.ParamKind.WEIGHT,
    loss_kind=workload_lib.LossKind.MEAN_SQUARED_ERROR,
    default_batch_size=size,
    eval_batch_size=size,
    metric_names=('loss',),
  )
  run = submission_lib.RunInfo(
    step_hint=1000,
    budget=1000,
    eval_period=1000,
    unit='steps',
    batch_size=size,
    loss_kind=workload.loss_kind,
    minimize=True,
    params=None,
    has_batch_stats=False,
    mesh=mesh_lib.make_mesh(jax.devices()[:1]),
    ruleset='self',
  )
  submission = submission_lib.Submission(
    optimizer=lambda hps, run: optax.sgd(1e-3)
  )
  return train.Training(
    workload, submission, submission_lib.Hyperparameters(), run
  )
