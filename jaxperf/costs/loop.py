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
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxperf import mesh, text
from jaxperf import rules as rules_lib
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.running import build, environment, jobs
from jaxperf.running import config as config_lib
from jaxperf.trial import compiled, stopwatch, trial
from jaxperf.trial import run as run_lib

_SECONDS = 0.5  # Of each of the two measurements in a pair.
_WARM_UP = 5  # Steps before each measurement: fills the pipeline, the caches.
_SYNTHETIC = 'a 1 ms step'
_FOREVER = 10**9  # Steps.


def loop(names: Sequence[str] | None, repeats: int, form: str) -> str:
  """Steps per second of the whole training loop over those of the bare step.

  The bare step is the same compiled function, called on one batch that is on
  the devices already. The loop adds batches, clock, records and decisions;
  evaluations are not in either. Both are measured in turns of half a second in
  one trial, because other load on the machine comes and goes; medians of the
  paired ratios are reported.

  Args:
    names: workloads beside the synthetic one; by default the mini ones.
    repeats: pairs of measurements.
    form: `'table'` or `'json'`.
  """
  rules = rules_lib.load('mini')
  compiled.share_compiled_code(pathlib.Path(tempfile.mkdtemp()))
  trainings = {_SYNTHETIC: _one_millisecond()}
  for name in names or rules.base_workloads:
    config = config_lib.make_config(
      {'submissions': ('baselines.nadamw',), 'workloads': (name,)}
    )
    plan = jobs.plan(config)
    job = plan.jobs[0]
    trainings[name] = build.make_training(
      config, job, plan.entries[job.spec], build.problem(config, name)
    )
  rows = [
    _loop_row(name, training, repeats) for name, training in trainings.items()
  ]
  if form == 'json':
    return json.dumps(
      {'loop': rows, 'environment': environment.describe()}, indent=2
    )
  table = text.layout(
    ['workload', 'bare steps/s', 'loop steps/s', 'loop/bare'],
    [
      [
        row['workload'],
        *(f'{row[kind]:.1f}' for kind in ('bare', 'loop')),
        f'{row["ratio"]:.3f}',
      ]
      for row in rows
    ],
  )
  device = jax.devices()[0].device_kind
  return f'{table}\nmedian of {repeats} pairs, {len(jax.devices())} x {device}'


def _loop_row(
  name: str, training: trial.Training, repeats: int
) -> dict[str, Any]:
  """Bare and loop speed of one training."""
  bare = _BareSteps(training)
  steps = max(int(_SECONDS * bare.speed(20)), 10)
  pairs = _Pairs(bare, steps, repeats)
  _train(training, pairs)
  return {
    'workload': name,
    'steps': steps,
    'bare': statistics.median(bare for bare, _ in pairs.speeds),
    'loop': statistics.median(loop for _, loop in pairs.speeds),
    'ratio': statistics.median(loop / bare for bare, loop in pairs.speeds),
    'ratios': [loop / bare for bare, loop in pairs.speeds],
  }


class _BareSteps:
  """The compiled step alone, on one batch."""

  def __init__(self, training: trial.Training):
    self._state = training.method.initial_state(training)
    self._step = training.method.compile(training, self._state).step
    stream = training.workload.data.train(
      training.seed, training.run.batch_size, None
    )
    self._batch = mesh.place_batch(next(stream)[0], training.run.mesh)

  def speed(self, steps: int) -> float:
    """Steps per second."""
    jax.block_until_ready(self._take(_WARM_UP))
    watch = stopwatch.Stopwatch(False)
    watch.switch('train')
    watch.switch('logging', after=self._take(steps))
    return steps / watch.seconds()['train']

  def _take(self, steps: int) -> Any:
    """Dispatches steps; returns what to wait for."""
    for _ in range(steps):
      self._state, scalars = self._step(self._state, self._batch)
    return self._state, scalars


class _Pairs:
  """Called by the loop between its steps: measures, and takes bare steps.

  Attributes:
    speeds: (bare, loop) steps per second.
  """

  def __init__(self, bare: _BareSteps, steps: int, repeats: int):
    self.speeds: list[tuple[float, float]] = []
    self._bare, self._steps, self._repeats = bare, steps, repeats
    self._turn = 0
    self._watch = stopwatch.Stopwatch(False)

  def __call__(self) -> bool:
    """Whether there are pairs enough."""
    self._turn += 1
    if self._turn == _WARM_UP:
      self._watch = stopwatch.Stopwatch(False)
      self._watch.switch('train')
    if self._turn == _WARM_UP + self._steps:
      loop = self._steps / self._watch.seconds()['train']
      self.speeds.append((self._bare.speed(self._steps), loop))
      self._turn = 0
    return len(self.speeds) == self._repeats


def _train(training: trial.Training, should_stop: Callable[[], bool]) -> None:
  """A trial that only stops when asked to."""
  run = dataclasses.replace(
    training.run, unit='steps', budget=_FOREVER, eval_period=_FOREVER
  )
  goal = rules_lib.WorkloadRules(
    name=training.workload.name,
    metric=training.workload.metric_names[0],
    minimize=True,
    validation_target=float('-inf'),
    test_target=float('-inf'),
    budget=_FOREVER,
    eval_period=_FOREVER,
    step_hint=run.step_hint,
  )
  made = trial.Trial(
    training=dataclasses.replace(training, run=run, goal=goal),
    counts_compilation=False,
  )
  quiet = contextlib.redirect_stdout(io.StringIO())
  with tempfile.TemporaryDirectory() as folder, quiet:
    run_lib.run(made, pathlib.Path(folder), should_stop)


def _one_millisecond() -> trial.Training:
  """A training whose bare step takes at least a millisecond."""
  depth = 8
  while _BareSteps(training := _sequential(depth)).speed(200) > 1000:
    depth = int(depth * 1.2) + 1
  return training


def _sequential(depth: int) -> trial.Training:
  """Gradient descent on a chain of small products, one after another.

  Nothing in it can run in parallel: like an accelerator, it leaves the host's
  other cores to the host.
  """
  size = 64
  inputs = np.ones((size, size), np.float32)

  def stream(seed, batch_size, cursor=None):
    taken = cursor or 0
    while True:
      taken += 1
      yield {'inputs': inputs}, taken

  def apply(params, model_state, batch, key, **_):
    def layer(x, _):
      return jnp.tanh(x @ params), None

    outputs, _ = jax.lax.scan(layer, batch['inputs'], length=depth)
    return outputs, model_state

  def loss(outputs, batch, *, label_smoothing=0.0):
    per_example = jnp.mean(outputs**2, axis=1)
    return workload_lib.Loss(per_example.sum(), jnp.float32(size), per_example)

  def evaluate(params, model_state, batch, key):
    return {'loss': jnp.sum(params)}, {}

  spec = {'inputs': jax.ShapeDtypeStruct((size, size), np.float32)}
  workload = workload_lib.Workload(
    name='sequential',
    description=workload_lib.Description(
      '', '', '', '', size, size, size, size
    ),
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
  run = _one_device_run(workload, size)
  submission = submission_lib.Submission(
    optimizer=lambda hps, run: optax.sgd(1e-3)
  )
  return trial.Training(
    workload, submission, submission_lib.Hyperparameters(), run, compiled.OPTAX
  )


def _one_device_run(
  workload: workload_lib.Workload, batch_size: int
) -> submission_lib.RunInfo:
  """What an algorithm is told in these measurements."""
  return submission_lib.RunInfo(
    step_hint=1000,
    budget=1000,
    eval_period=1000,
    unit='steps',
    batch_size=batch_size,
    loss_kind=workload.loss_kind,
    minimize=True,
    params=None,
    has_batch_stats=False,
    mesh=mesh.make_mesh(jax.devices()[:1]),
    ruleset='self',
  )
