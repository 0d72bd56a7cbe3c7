# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What one process does for a trial: the timed loop, evaluating, saving."""

from __future__ import annotations

import collections
import dataclasses
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax

from jaxperf import mesh, submission
from jaxperf.records import layout, write
from jaxperf.trial import batches as batches_lib
from jaxperf.trial import checkpoint, evaluation, judged, stopwatch
from jaxperf.trial import progress as progress_lib
from jaxperf.trial import step as step_lib
from jaxperf.trial import trial as trial_lib

_LOGGED_STEPS, _LOG_EVERY = 100, 100  # Scalars: the first 100, then each 100th.
Outcome = layout.Outcome


class Session:
  """What lives as long as one process trains: clock, files, devices."""

  def __init__(
    self,
    trial: trial_lib.Trial,
    folder: pathlib.Path,
    own_folder: pathlib.Path,
    check: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda stage: None,
  ):
    self.trial, self.say = trial, say
    self.method = trial.training.method
    self.goal, self.limits = trial.training.goal, trial.limits
    self.mesh = trial.training.run.mesh
    self.watch = stopwatch.Stopwatch(trial.counts_compilation)
    self.progress = progress_lib.Progress()
    self.batches: batches_lib.Prefetcher | None = None
    self.live = progress_lib.Live()
    self.agree = mesh.Agreement(self.mesh)
    workload, limit = trial.training.workload, trial.eval_batches
    self.evaluator = evaluation.Evaluator(workload, self.mesh, limit)
    columns = evaluation.columns(workload)
    self.record = write.TrialRecord(own_folder, columns, check)
    self.checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
    self.folder, self.keeper, self.stage = folder, None, 'setup'
    self.heartbeat = write.Heartbeat(own_folder, self._status)

  def train(self, should_stop: Callable[[], bool]) -> Outcome:
    """The training loop."""
    state = self._start()
    progress, watch = self.progress, self.watch
    # Compiled before the interruption already: not the submission's time.
    functions = self._compile(state, 'setup' if progress.step else 'compile')
    in_flight: collections.deque = collections.deque()
    saved_at = watch.running_time()
    # Known already where only the result was not written.
    outcome = Outcome(progress.outcome) if progress.outcome else None
    self._enter('train')
    while outcome is None:
      batch = self._next_batch(functions, state)
      state, scalars = functions.step(state, batch)
      progress.step += 1
      in_flight.append((progress.step - 1, scalars))
      if len(in_flight) > step_lib.IN_FLIGHT:
        self._finish_step(*in_flight.popleft())

      due = self._due(saved_at, should_stop)
      while any(due) and in_flight:
        self._finish_step(*in_flight.popleft())
      if due.evaluate:
        state, functions, outcome = self._evaluate(state, functions)
      elif due.spent:
        outcome = Outcome.BUDGET
      if outcome is None and (due.save or due.stop):
        self._save(state)
        saved_at = watch.running_time()
        outcome = Outcome.STOPPED if due.stop else None
    self._enter('logging', state)
    self.record.flush()
    if outcome is Outcome.STOPPED:
      return outcome
    progress.outcome = progress.label(outcome, self.goal.metric)
    if self.trial.keep_state and self.checkpointer.latest() != progress.step:
      self._save(state)
    return progress.outcome

  def save_all(self) -> None:
    """Waits until all is on disk; raises what writing it raised."""
    self.checkpointer.close()
    if self.keeper is not None:
      self.keeper.close()

  def signs(self) -> tuple:
    """What changes as long as it advances."""
    return self.stage, self.progress.step, self.evaluator.batches

  def close(self) -> None:
    """Ends the threads."""
    self.heartbeat.close()
    if self.batches is not None:
      self.batches.close()

  def _start(self) -> step_lib.TrainState:
    """The first state, or that of the last checkpoint."""
    training = self.trial.training
    workload, batch_size = training.workload, training.run.batch_size
    num_rows = workload.batch_shards or batch_size
    mesh.check_batch_size(self.mesh, num_rows, training.microbatches)
    restored = None
    self.say('restore')
    if self.checkpointer.latest() is not None:
      like = self.method.abstract_state(training)
      restored = self.checkpointer.restore(like)
    if restored is None:
      state = self.method.initial_state(training)
    else:
      state, saved = restored
      self.progress = progress_lib.Progress(**saved)
      self.watch.resume_from(self.progress.seconds)
      print(f'resumed at step {self.progress.step}', flush=True)
    # Of all starts: not all were followed by a checkpoint.
    self.progress.preemption_count = self.record.starts()
    self.progress.check_data(workload.data.identity())
    if self.trial.keep_state and self.trial.eval_batches is None:
      self.keeper = judged.Keeper(self.folder, self.progress.step)
    self.record.start(self.progress.evaluations, self.progress.step)
    self.record.settings(
      self.progress.preemption_count,
      vars(training.hps),
      self.trial.settings,
      self.trial.environment,
    )
    share, cursor = mesh.share(self.mesh, num_rows), self.progress.cursor
    stream = batches_lib.of_share(
      workload.data.train, share, training.seed, batch_size, cursor
    )
    spec = share.spec(workload.data.element_spec(batch_size))
    self.batches = batches_lib.Prefetcher(
      evaluation.checked(stream, spec),
      lambda batch: mesh.place_batch(batch, self.mesh, share),
      cursor,
    )
    self.batches.wait_ready()
    return state

  def _compile(
    self, state: step_lib.TrainState, bucket: str
  ) -> trial_lib.Functions:
    """Compiles all that runs on the counted clock."""
    self.stage = 'compile'
    self.say('compile')
    self.live = progress_lib.Live(
      self.progress, self.watch, self.limits, self._note, bucket
    )
    with self.watch.bucket(bucket, after=state):
      training = self.trial.training.after(self.progress.restarts)
      return self.method.compile(training, state, self.live)

  def _next_batch(
    self, functions: trial_lib.Functions, state: step_lib.TrainState
  ) -> Any:
    """What the next step is given; waiting for the host is `data_wait`."""
    batches_lib.wait(self.batches, self.watch, state)
    return functions.next_batch(self.batches, state, self.progress.step)

  def _finish_step(self, index: int, scalars: Mapping[str, jax.Array]) -> None:
    """Waits for a step and notes its scalars."""
    jax.block_until_ready(scalars)
    if scalars and (index < _LOGGED_STEPS or index % _LOG_EVERY == 0):
      self._note(index, {name: float(x) for name, x in scalars.items()})
    elif 'loss' in scalars:
      self.progress.watch_loss(index + 1, float(scalars['loss']))

  def _note(self, index: int, values: Mapping[str, float]) -> None:
    """Records scalars of a step; the first one has the index 0."""
    self.progress.watch_loss(index + 1, values.get('loss'))
    self.record.scalars(index, values)

  def _due(
    self, saved_at: float, should_stop: Callable[[], bool]
  ) -> trial_lib.Due:
    """What is to be done after a step, alike in all processes."""
    limits, step = self.limits, self.progress.step
    running = self.watch.running_time()
    evaluated = (
      self.progress.evaluated_at if self.progress.evaluations else None
    )
    since = math.inf if evaluated is None else running - evaluated
    own = trial_lib.Due(
      evaluate=limits.due(step, since),
      spent=self._spent(),
      save=running - saved_at >= self.trial.checkpoint_every_s,
      stop=should_stop(),
    )
    due = trial_lib.Due(*self.agree(own))
    if not limits.timed:  # Processes count steps alike, nothing to agree on.
      due = due._replace(evaluate=own.evaluate, spent=own.spent)
    last = limits.last(step) or self.live.complete
    return due._replace(evaluate=due.evaluate or last)

  def _evaluate(
    self, state: step_lib.TrainState, functions: trial_lib.Functions
  ) -> tuple[step_lib.TrainState, trial_lib.Functions, Outcome | None]:
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
    if self.limits.timed and self.agree.now(self._spent()):
      return state, functions, Outcome.BUDGET
    key = jax.random.key(self.trial.training.seed)
    metrics = self.evaluator(params, model_state, key)
    self._enter('logging')
    covered = self.evaluator.covered()
    goal = self.goal if self.trial.eval_batches is None else None
    row, met = progress.add_evaluation(metrics, watch, covered, goal)
    self.record.evaluation(row)
    outcome = self._judge()
    progress.evaluated_at = watch.running_time()
    self._enter('train')  # What the submission makes of it is its own time.
    request = outcome is None and self._request(functions)
    if isinstance(request, submission.Stop):
      outcome = Outcome.FINISHED
    elif isinstance(request, submission.Restart):
      state, functions = self._restart(state, request)
    if self.keeper is not None and (met or outcome is not None):
      with watch.bucket('checkpoint', after=state):
        self.keeper.keep(judged.Evaluated(row, params, model_state))
    return state, functions, outcome

  def _judge(self) -> Outcome | None:
    """The outcome after an evaluation, None to go on."""
    progress, limits = self.progress, self.limits
    if progress.validation_reached and progress.test_reached:
      return Outcome.REACHED
    if not limits.timed and self._spent():
      return Outcome.BUDGET
    last = limits.last(progress.step) or self.live.complete
    return Outcome.FINISHED if last else None

  def _spent(self) -> bool:
    """Whether the budget is used up, by this process's clock."""
    watch = self.watch
    return self.limits.spent(self.progress.step, watch.submission_time())

  def _request(self, functions: trial_lib.Functions) -> Any:
    """What the submission wants after an evaluation, if anything."""
    if functions.on_eval is None:
      return None
    history = self.progress.history(self.goal.metric)
    return functions.on_eval(history, self.trial.training.run)

  def _restart(
    self, state: step_lib.TrainState, request: submission.Restart
  ) -> tuple[step_lib.TrainState, trial_lib.Functions]:
    """Fresh parameters and optimizer state, on the clock."""
    self.progress.restarts.append(dict(request.hyperparameters))
    training = self.trial.training.after(self.progress.restarts)
    fresh = self.method.initial_state(training)
    fresh = fresh._replace(step=state.step)
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
    status = self.progress.status(self.goal, self.limits, self.watch)
    running = self.watch.running_time()
    return {'stage': self.stage, 'running_s': running} | status
