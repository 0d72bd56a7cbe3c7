# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""`jaxperf bench optimizers`: what an update takes besides the gradient."""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxperf import errors, mesh, text, tuning
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.running import entries, environment, isolated, launch, plugins
from jaxperf.trial import compiled, gradients, stopwatch, trial
from jaxperf.trial import step as step_lib

PyTree = Any
_REFERENCE = 'optax.adamw'
_RATE = 1e-3  # Of rules that are taken from optax.
_STEPS = 10_000  # Of a run; the cost of an update does not depend on it.
_BLOCK_S = 0.2  # Of updates in one measurement, if they are not too many.
_MOST_UPDATES = 8  # From a fresh state: less than the period of any refresh.
_PATIENCE_S = 30.0  # No further pair is begun after that.
_COLUMNS = ('submission', 'update', 'of optax.adamw', 'state, bytes/param')


def bench(
  names: Sequence[str] | None,
  submissions: Sequence[str] | None,
  repeats: int,
  form: str,
) -> str:
  """Time of an update and size of its state, as text.

  Args:
    names: workloads, whose parameters are updated; by default one of
      convolutions and one of attention.
    submissions: `baselines.NAME` and so on, or `optax.NAME`; by default the
      main one of each module in `baselines`, and `optax.nadamw`.
    repeats: pairs of measurements, of which the median is reported.
    form: `'table'` or `'json'`.

  Raises:
    UserError: if a workload or a submission does not exist.
  """
  names = names or plugins.typical_workloads()
  submissions = submissions or _all_submissions()
  for name in names:  # What does not exist is refused before it starts.
    plugins.workload(name, 'fake')
  for spec in submissions:
    _submission(spec)
  machine, error = isolated.call(environment.describe, {})
  if error:
    raise errors.UserError(f'the devices cannot be used: {error}')
  with tempfile.TemporaryDirectory() as folder:
    rows = [
      _row(name, spec, repeats, folder)
      for name in names
      for spec in submissions
    ]
  if form == 'json':
    return json.dumps({'optimizers': rows, 'environment': machine}, indent=2)
  return _table(rows, machine)


def _row(name: str, spec: str, repeats: int, folder: str) -> dict[str, Any]:
  """What `measure` returns, from a process of its own, or its error."""
  print(f'{name} {spec} ...', file=sys.stderr, flush=True)
  row, error = isolated.call(
    measure,
    {'name': name, 'spec': spec, 'repeats': repeats},
    launch.HUGE_PAGES
    | {
      'JAX_COMPILATION_CACHE_DIR': folder,  # The reference is always the same.
      'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
    },
  )
  return {'workload': name, 'submission': spec, 'error': error} | (row or {})


def measure(name: str, spec: str, repeats: int) -> dict[str, Any]:
  """Times updates of one submission and of `optax.adamw` in turns.

  Each measurement starts from a fresh state and takes a few updates, so that
  work that is due once in many updates (roots of matrices, snapshots,
  synchronisation) is in none of them.

  Args:
    name: of a workload, for its parameters.
    spec: names the submission.
    repeats: pairs of measurements; fewer where they take too long.

  Returns:
    `params` (their number), `state_bytes` (per parameter), `update_s`,
    `adamw_s`, their `ratio` (medians), and the `ratios` of the pairs.
  """
  workload = plugins.workload(name, 'fake')
  shapes, _ = jax.eval_shape(workload.init, jax.random.key(0))
  grads = _normals(shapes, seed=0)
  ours, adamw = (
    _Updates(_training(workload, s), grads) for s in (spec, _REFERENCE)
  )
  seconds, total = [], 0.0
  while len(seconds) < repeats and total < _PATIENCE_S:
    pair = adamw.seconds(), ours.seconds()
    seconds.append(pair)
    total += sum(pair)
  ratios = [b / a for a, b in seconds]
  return {
    'params': ours.n_params,
    'state_bytes': ours.state_bytes / ours.n_params,
    'update_s': statistics.median(b for _, b in seconds),
    'adamw_s': statistics.median(a for a, _ in seconds),
    'ratio': statistics.median(ratios),
    'ratios': ratios,
  }


class _Updates:
  """The compiled update of one algorithm, its parameters, and a clock."""

  def __init__(self, training: trial.Training, grads: PyTree):
    shapes, model_state = jax.eval_shape(
      training.workload.init, jax.random.key(0)
    )
    self._params, self._grads = _normals(shapes, seed=1), grads
    self._model_state = optax.tree.zeros_like(model_state)
    self._init = jax.jit(step_lib.make_optimizer(training).init)
    state = jax.eval_shape(self._init, shapes)
    self.n_params = sum(x.size for x in jax.tree.leaves(shapes))
    self.state_bytes = sum(
      x.size * x.dtype.itemsize for x in jax.tree.leaves(state)
    )
    self._watch = stopwatch.Stopwatch(counts_compilation=False)
    update = jax.jit(_make_update(training), donate_argnums=0)
    self._update = update.lower(self._fresh(), self._grads).compile()
    self._count = 1
    self._count = min(math.ceil(_BLOCK_S / self.seconds()), _MOST_UPDATES)

  def seconds(self) -> float:
    """Seconds of one of a few updates from a fresh state."""
    state = self._fresh()
    before = self._watch.seconds()['train']
    self._watch.switch('train', after=state)
    for _ in range(self._count):
      state = self._update(state, self._grads)
    self._watch.switch('setup', after=state)
    self._params, self._model_state = state.params, state.model_state
    return (self._watch.seconds()['train'] - before) / self._count

  def _fresh(self) -> step_lib.TrainState:
    """The first state, with the parameters as they are."""
    opt_state = self._init(self._params)
    return step_lib.TrainState(
      jnp.int32(0), self._params, self._model_state, opt_state
    )


def _normals(shapes: PyTree, seed: int) -> PyTree:
  """Arrays of normal random numbers, which large ones repeat."""
  numbers = np.random.default_rng(seed).standard_normal(2**20, np.float32)
  return jax.tree.map(
    lambda x: jnp.asarray(np.resize(numbers, x.shape), x.dtype), shapes
  )


def _make_update(training: trial.Training) -> Callable:
  """The function `(state, gradient) -> state`, parameters included."""
  update = step_lib.make_update(training)

  def updated(state: step_lib.TrainState, grads: PyTree) -> step_lib.TrainState:
    free = gradients.free_gradients(state.params, state.model_state, grads)
    *new, _ = update(state, free, jax.random.key(0))
    return step_lib.TrainState(state.step + 1, *new)

  return updated


def _training(workload: workload_lib.Workload, spec: str) -> trial.Training:
  """A submission with its first tuning point, on one device."""
  submission = _submission(spec)
  run = submission_lib.RunInfo(
    step_hint=_STEPS,
    budget=_STEPS,
    eval_period=_STEPS,
    unit='steps',
    batch_size=workload.default_batch_size,
    loss_kind=workload.loss_kind,
    minimize=True,
    params=step_lib.param_info(workload),
    has_batch_stats=step_lib.has_model_state(workload),
    mesh=mesh.make_mesh(jax.devices()[:1]),
    ruleset='external',
  )
  ((point,),) = tuning.deal(submission.tuning, 1, 1, seed=0)
  hps = submission_lib.Hyperparameters(**point)
  return trial.Training(workload, submission, hps, run, compiled.OPTAX)


def _submission(spec: str) -> submission_lib.Submission:
  """The submission for external tuning, or else for self-tuning.

  Raises:
    UserError: if there is none, or if its update cannot be called alone.
  """
  package, _, name = spec.partition('.')
  if package == 'optax':
    if not hasattr(optax, name):
      raise errors.UserError(f'optax has no {name!r}')
    return submission_lib.Submission(
      optimizer=lambda hps, run: getattr(optax, name)(_RATE)
    )
  try:
    entry = entries.entry(spec, 'external')
  except errors.UserError:
    entry = entries.entry(spec, 'self')
  if not entry.method.foreseeable:
    raise errors.UserError(
      f'{spec} is an AlgoPerf file: its update cannot be called without a '
      'model, so it cannot be measured'
    )
  return entry.submission


def _all_submissions() -> list[str]:
  """The main one of each module in `baselines`, and optax's for comparison."""
  return ['optax.nadamw'] + [
    f'baselines.{name}'
    for name, _, attributes in plugins.baselines()
    if {'submission', 'self_tuning'} & set(attributes)
  ]


def _table(
  rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]
) -> str:
  """The rows as text, a table for each workload, and what went wrong."""
  parts = []
  for name in dict.fromkeys(row['workload'] for row in rows):
    of_name = [row for row in rows if row['workload'] == name]
    parts += [
      name,
      text.layout(_COLUMNS, [_cells(row) for row in of_name]),
      *(f'{r["submission"]}: {r["error"]}' for r in of_name if r['error']),
      '',
    ]
  parts.append(
    f'medians of pairs; 1 x {machine["device_kind"]}; '
    f'jax {machine["jax_version"]}'
  )
  return '\n'.join(parts)


def _cells(row: Mapping[str, Any]) -> list[str]:
  """A row of the table as text."""
  if row['error']:
    return [row['submission'], '-', '-', '-']
  return [
    row['submission'],
    f'{row["update_s"] * 1000:,.1f} ms',
    f'{row["ratio"]:.2f}',
    f'{row["state_bytes"]:.2f}',
  ]
