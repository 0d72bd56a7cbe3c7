# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the host knows of a run; it travels with each checkpoint."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from jaxperf import errors, rules, submission
from jaxperf.records import layout
from jaxperf.trial import stopwatch, trial


@dataclasses.dataclass
class Progress:
  """What the host knows of a run; plain JSON types.

  Attributes:
    step: updates dispatched.
    cursor: position in the training data.
    seconds: bucket -> seconds.
    evaluations: rows of `eval_measurements.csv`.
    evaluated_at: running time when the last evaluation ended.
    validation_reached: whether an evaluation met the validation target.
    test_reached: whether one met the test target.
    preemption_count: how often the run was interrupted.
    restarts: hyperparameters of each restart that the submission asked for.
    data: what its batches mean depends on, see `workload.Data.identity`.
    outcome: how it ended, in the last checkpoint of a trial that did.
    nonfinite_step: the first update whose loss was not finite; None if that
      was not seen.
  """

  step: int = 0
  cursor: Any = None
  seconds: dict[str, float] = dataclasses.field(default_factory=dict)
  evaluations: list[dict] = dataclasses.field(default_factory=list)
  evaluated_at: float = 0.0
  validation_reached: bool = False
  test_reached: bool = False
  preemption_count: int = 0
  restarts: list[dict] = dataclasses.field(default_factory=list)
  data: dict[str, str] = dataclasses.field(default_factory=dict)
  outcome: str | None = None
  nonfinite_step: int | None = None

  def watch_loss(self, step: int, loss: float | None) -> None:
    """Notes, and says in the log, when the loss stops being finite.

    Args:
      step: number of the update, from 1.
      loss: None if it is not known.
    """
    if loss is None or math.isfinite(loss) or self.nonfinite_step is not None:
      return
    self.nonfinite_step = step
    print(f'the loss is {loss} at step {step}', flush=True)

  def check_data(self, found: Mapping[str, str]) -> None:
    """Takes in what the batches mean; refuses to go on with other data.

    Raises:
      UserError: naming what the run began with and what there is now.
    """
    for name, began in self.data.items():
      if found.get(name) != began:
        raise errors.UserError(
          f'the trial began with the {name} {began} and the data now has '
          f'{found.get(name, "none")}: put that data back, or begin anew with '
          'another --workdir'
        )
    self.data = dict(found)

  def add_evaluation(
    self,
    metrics: Mapping[str, float],
    watch: stopwatch.Stopwatch,
    covered: Mapping[str, int],
    goal: rules.WorkloadRules | None,
  ) -> tuple[dict[str, Any], bool]:
    """Notes an evaluation and whether it met the targets.

    Args:
      metrics: as `'SPLIT/METRIC'`.
      watch: the clock.
      covered: examples of each split.
      goal: None if nothing is judged.

    Returns:
      Its row, and whether it is the first that met the validation target.
    """
    seconds = watch.seconds()
    submission_time = watch.submission_time()
    row = {
      'global_step': self.step,
      'preemption_count': self.preemption_count,
      'score': submission_time,
      'accumulated_submission_time': submission_time,
      'accumulated_eval_time': seconds['eval'],
      'accumulated_logging_time': seconds['logging'] + seconds['checkpoint'],
      'accumulated_compile_time': seconds['compile'],
      'accumulated_data_wait_time': seconds['data_wait'],
      'total_duration': sum(seconds.values()),
      'validation/num_examples': covered['validation'],
      'test/num_examples': covered['test'],
    } | dict(metrics)
    self.evaluations.append(row)
    if goal is None:
      return row, False
    before = self.validation_reached
    self.validation_reached |= goal.reached(
      metrics[f'validation/{goal.metric}'], goal.validation_target
    )
    self.test_reached |= goal.test_target is None or goal.reached(
      metrics[f'test/{goal.metric}'], goal.test_target
    )
    return row, self.validation_reached and not before

  def status(
    self,
    goal: rules.WorkloadRules,
    limits: trial.Limits,
    watch: stopwatch.Stopwatch,
  ) -> dict[str, Any]:
    """How far the run is: of its budget, and from its target."""
    last = self.evaluations[-1] if self.evaluations else {}
    return {
      'step': self.step,
      'used': limits.used(self.step, watch.submission_time()),
      'budget': limits.budget,
      'unit': limits.unit,
      'metric': goal.metric,
      'value': last.get(f'validation/{goal.metric}'),
      'target': goal.validation_target,
      'nonfinite_step': self.nonfinite_step,
    }

  def history(self, metric: str) -> list[submission.Evaluation]:
    """The evaluations as a submission sees them."""
    return [
      submission.Evaluation(
        step=row['global_step'],
        submission_time=row['accumulated_submission_time'],
        metrics={k: v for k, v in row.items() if '/' in k},
        target_metric=row[f'validation/{metric}'],
      )
      for row in self.evaluations
    ]

  def label(self, outcome: layout.Outcome, metric: str) -> layout.Outcome:
    """The outcome to record: only the validation target counts.

    Args:
      outcome: why the loop ended.
      metric: name of the target metric.
    """
    if self.validation_reached:
      return layout.Outcome.REACHED
    last = self.evaluations[-1:]
    if last and not math.isfinite(last[0][f'validation/{metric}']):
      return layout.Outcome.DIVERGED
    return outcome


@dataclasses.dataclass
class Live:
  """A run, as a submission that is stepped from Python may follow it.

  Attributes:
    progress: evaluations, and which targets were met.
    watch: the clock.
    limits: when it ends.
    log: `(step, scalars)` writes training scalars into the records.
    compile_bucket: where the time of the first update, of the first preparation
      of evaluation weights, and of the update after it goes, since they
      compile.
    complete: set by the submission: it has nothing left to do.
  """

  progress: Progress = dataclasses.field(default_factory=Progress)
  watch: stopwatch.Stopwatch = dataclasses.field(
    default_factory=lambda: stopwatch.Stopwatch(counts_compilation=False)
  )
  limits: trial.Limits = dataclasses.field(
    default_factory=lambda: trial.Limits('steps', math.inf, math.inf)
  )
  log: Callable[[int, Mapping[str, float]], None] = lambda step, scalars: None
  compile_bucket: str = 'compile'
  complete: bool = False
