# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What one process does for a trial: the timed loop, evaluating, saving."""

from __future__ import annotations

import collections
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax

from jaxperf import mesh, submission
from jaxperf.records import write
from jaxperf.trial import (
  batches,
  checkpoint,
  compiled,
  evaluation,
  host,
  stopwatch,
)
from jaxperf.trial import progress as progress_lib
from jaxperf.trial import step as step_lib
from jaxperf.trial import trial as trial_lib

if TYPE_CHECKING:
  from jaxperf.trial import trial as trial_lib

_IN_FLIGHT = 2  # Steps that the host may be ahead of the devices.
_LOGGED_STEPS, _LOG_EVERY = 100, 100  # Scalars: the first 100, then each 100th.


class Session:
  """What lives as long as one process trains: clock, files, devices."""

  def __init__(
    self, trial: trial_lib.Trial, folder: pathlib.Path, own_folder: pathlib.Path
  ):
    self.trial = trial
    self.goal = trial.goal
    self.run_info = trial.training.run
    self.mesh = self.run_info.mesh
    self.watch = stopwatch.Stopwatch(trial.counts_compilation)
    self.progress = progress_lib.Progress()
    self.batches: batches.Prefetcher | None = None
    self.host = host.Host()
    self.agree = mesh.Agreement(self.mesh)
    workload = trial.training.workload
    self.evaluator = evaluation.Evaluator(workload, self.mesh)
    self.record = write.TrialRecord(own_folder, evaluation.columns(workload))
    self.checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
    self.stage = 'setup'
    self.heartbeat = write.Heartbeat(own_folder, self._status)

  def train(self, should_stop: Callable[[], bool]) -> str:
    """The training loop."""
    state = self._start()
    progress, watch = self.progress, self.watch
    # Compiled before the interruption already: not the submission's time.
    resumed = progress.preemption_count > 0
    functions = self._compile(state, 'setup' if resumed else 'compile')
    in_flight: collections.deque = collections.deque()
    saved_at = watch.running_time()
    outcome = None
    self._enter('train')
    while outcome is None:
      batch = self._next_batch(state)
      state, scalars = functions.step(state, batch)
      progress.step += 1
      in_flight.append((progress.step - 1, scalars))
      if len(in_flight) > _IN_FLIGHT:
        self._finish_step(*in_flight.popleft())

      due, spent, save, stop = self._decide(saved_at, should_stop)
      if due or spent or save or stop:
        while in_flight:
          self._finish_step(*in_flight.popleft())
      if due:
        state, functions, outcome = self._evaluate(state, functions)
      elif spent:
        outcome = 'budget'
      if outcome is None and (save or stop):
        self._save(state)
        saved_at = watch.running_time()
        outcome = 'stopped' if stop else None
    self._enter('logging', state)
    self.record.flush()
    if outcome == 'stopped':
      return outcome
    if self.trial.keep_state and self.checkpointer.latest() != progress.step:
      self._save(state)
    return progress.label(outcome, self.goal.metric)

  def summary(self, outcome: str, message: str | None) -> dict[str, Any]:
    """The content of `result.json`."""
    return {
      'outcome': outcome,
      'message': message,
      'step': self.progress.step,
      'submission_time': self.watch.submission_time(),
      'buckets': self.watch.seconds(),
      'seed': self.trial.training.seed,
      'preemption_count': self.progress.preemption_count,
      'validation_reached': self.progress.validation_reached,
      'test_reached': self.progress.test_reached,
    }

  def close(self) -> None:
    """Ends the threads."""
    self.heartbeat.close()
    if self.batches is not None:
      self.batches.close()

  def _start(self) -> step_lib.TrainState:
    """The first state, or that of the last checkpoint."""
    training = self.trial.training
    workload, batch_size = training.workload, self.run_info.batch_size
    mesh.check_batch_size(
      self.mesh, workload.batch_shards or batch_size, training.microbatches
    )
    restored = None
    if self.checkpointer.latest() is not None:
      like = compiled.abstract_state(training, self.trial.shard_params)
      restored = self.checkpointer.restore(like)
    if restored is None:
      state = compiled.initial_state(training, self.trial.shard_params)
    else:
      state, saved = restored
      self.progress = progress_lib.Progress(**saved)
      self.progress.preemption_count += 1
      self.watch.resume_from(self.progress.seconds)
      print(f'resumed at step {self.progress.step}', flush=True)
    self.record.start(self.progress.evaluations, self.progress.step)
    self.record.settings(
      self.progress.preemption_count,
      vars(training.hps),
      self.trial.settings,
      self.trial.environment,
    )
    stream = workload.data.train(
      training.seed, batch_size, self.progress.cursor
    )
    spec = workload.data.element_spec(batch_size)
    self.batches = batches.Prefetcher(
      evaluation.checked(stream, spec),
      lambda batch: mesh.place_batch(batch, self.mesh),
      self.progress.cursor,
    )
    self.batches.wait_ready()
    return state

  def _training(self) -> trial_lib.Training:
    """The training with the hyperparameters of the last restart."""
    training = self.trial.training
    if not self.progress.restarts:
      return training
    hps = submission.Hyperparameters(
      **(vars(training.hps) | self.progress.restarts[-1])
    )
    return dataclasses.replace(training, hps=hps)

  def _compile(
    self, state: step_lib.TrainState, bucket: str
  ) -> compiled.Functions:
    """Compiles all that runs on the counted clock."""
    self.stage = 'compile'
    self.host = host.Host(
      self.progress, self.watch, self.record.scalars, bucket
    )
    training = self._training()
    with self.watch.bucket(bucket, after=state):
      if training.submission.select_data is not None:
        _selection_key(training.seed, self.progress.step)
      return compiled.compile_functions(training, state, self.host)

  def _next_batch(self, state: step_lib.TrainState) -> Any:
    """The next training batch; waiting for the host is `data_wait`."""
    if not self.batches.ready():
      with self.watch.bucket('data_wait', after=state):
        self.batches.wait_ready()
    select = self.trial.training.submission.select_data
    if select is None:
      return next(self.batches)
    key = _selection_key(self.trial.training.seed, self.progress.step)
    return select(self.batches, state.opt_state, state.params, key)

  def _finish_step(self, index: int, scalars: Mapping[str, jax.Array]) -> None:
    """Waits for a step and notes its scalars."""
    jax.block_until_ready(scalars)
    if scalars and (index < _LOGGED_STEPS or index % _LOG_EVERY == 0):
      values = {name: float(value) for name, value in scalars.items()}
      self.record.scalars(index, values)

  def _decide(
    self, saved_at: float, should_stop: Callable[[], bool]
  ) -> tuple[bool, bool, bool, bool]:
    """Whether to evaluate, end, save, or stop, alike in all processes."""
    info, step = self.run_info, self.progress.step
    running = self.watch.running_time()
    timed = info.unit == 'seconds'
    due, spent, save, stop = self.agree(
      [
        timed
        and (
          not self.progress.evaluations
          or running - self.progress.evaluated_at >= info.eval_period
        ),
        timed and self.watch.submission_time() >= info.budget,
        running - saved_at >= self.trial.checkpoint_every_s,
        should_stop(),
      ]
    )
    if not timed:
      spent = step >= info.budget
      due = spent or step == 1 or step % info.eval_period == 0
    due = due or step == self.trial.max_steps or self.host.complete
    return due, spent, save, stop

  def _evaluate(
    self, state: step_lib.TrainState, functions: compiled.Functions
  ) -> tuple[step_lib.TrainState, compiled.Functions, str | None]:
    """Evaluates; returns what to go on with, and the outcome if it ends."""
    progress, watch = self.progress, self.watch
    self._enter('prepare_eval', state)
    if functions.prepare:
      state = functions.prepare(state)
    params, model_state = state.params, state.model_state
    if functions.eval_params:
      params, model_state, *opt_state = functions.eval_params(
        state.opt_state, params, model_state
      )
      if opt_state:
        state = state._replace(opt_state=opt_state[0])
    self._enter('eval', (params, model_state, state))
    if self.run_info.unit == 'seconds':
      over = watch.submission_time() >= self.run_info.budget
      if self.agree.now(over):
        return state, functions, 'budget'
    key = jax.random.key(self.trial.training.seed)
    metrics = self.evaluator(params, model_state, key)
    self._enter('logging')
    description = self.trial.training.workload.description
    row = progress.add_evaluation(metrics, watch, description, self.goal)
    self.record.evaluation(row)
    outcome = self._judge()
    request = outcome is None and self._request()
    if isinstance(request, submission.Stop):
      outcome = 'finished'
    elif isinstance(request, submission.Restart):
      self._enter('train')
      state, functions = self._restart(state, request)
    progress.evaluated_at = watch.running_time()
    self._enter('train')
    return state, functions, outcome

  def _judge(self) -> str | None:
    """The outcome after an evaluation, None to go on."""
    progress, info = self.progress, self.run_info
    if progress.validation_reached and progress.test_reached:
      return 'reached'
    if info.unit == 'steps' and progress.step >= info.budget:
      return 'budget'
    finished = progress.step == self.trial.max_steps or self.host.complete
    return 'finished' if finished else None

  def _request(self) -> Any:
    """What the submission wants after an evaluation, if anything."""
    on_eval = self.trial.training.submission.on_eval
    if on_eval is None:
      return None
    return on_eval(self.progress.history(self.goal.metric), self.run_info)

  def _restart(
    self, state: step_lib.TrainState, request: submission.Restart
  ) -> tuple[step_lib.TrainState, compiled.Functions]:
    """Fresh parameters and optimizer state, on the clock."""
    self.progress.restarts.append(dict(request.hyperparameters))
    fresh = compiled.initial_state(
      self._training(), self.trial.shard_params
    )._replace(step=state.step)
    if not request.reset_model_state:
      fresh = fresh._replace(model_state=state.model_state)
    return fresh, self._compile(fresh, 'compile')

  def _save(self, state: step_lib.TrainState) -> None:
    """Starts to write a checkpoint; the copying is its own bucket."""
    with self.watch.bucket('checkpoint', after=state):
      self.record.flush()
      self.progress.cursor = self.batches.cursor
      self.progress.seconds = self.watch.seconds()
      self.checkpointer.save(
        self.progress.step, state, dataclasses.asdict(self.progress)
      )

  def _enter(self, bucket: str, after: Any = None) -> None:
    """Switches the clock and says so in the heartbeat."""
    self.watch.switch(bucket, after)
    self.stage = bucket

  def _status(self) -> dict[str, Any]:
    """What `progress.json` says."""
    return {
      'stage': self.stage,
      'budget': self.run_info.budget,
      'unit': self.run_info.unit,
      'running_s': self.watch.running_time(),
    } | self.progress.status(self.goal, self.run_info.unit, self.watch)


@functools.partial(jax.jit, static_argnums=0)
def _selection_key(seed: int, step: int) -> jax.Array:
  """The random key of `select_data`."""
  return jax.random.fold_in(jax.random.key(seed), step)
