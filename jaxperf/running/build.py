# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""One job of an experiment, and the trial that it describes."""

from __future__ import annotations

import contextlib
import dataclasses

from jaxperf import errors
from jaxperf import rules as rules_lib
from jaxperf.running import jobs, plugins


def make_training(config, job: jobs.Job):
  """The algorithm, workload, point and limits of a job, on all devices.

  Args:
    config: an `experiment.Config`.
    job: one of its jobs.

  Returns:
    A `train.Training`.

  Raises:
    UserError: if the submission cannot follow an option.
  """
  from jaxperf import mesh
  from jaxperf import submission as submission_lib
  from jaxperf.trial import step, trial

  rules = rules_lib.load(config.rules)
  limits = rules.for_workload(job.workload)
  workload = plugins.workload(job.workload, config.data or None)
  submission = plugins.submission(job.submission, config.ruleset)
  if submission.driver is not None:
    _check_driven(config)
  run = submission_lib.RunInfo(
    step_hint=limits.step_hint,
    budget=rules.budget(job.workload, config.ruleset),
    eval_period=limits.eval_period,
    unit=rules.unit,
    batch_size=_batch_size(submission, rules, workload),
    loss_kind=workload.loss_kind,
    minimize=limits.minimize,
    params=step.param_info(workload),
    has_batch_stats=step.has_model_state(workload),
    mesh=mesh.make_mesh(),
    ruleset=config.ruleset,
  )
  return trial.Training(
    workload=workload,
    submission=submission,
    hps=submission_lib.Hyperparameters(**job.point),
    run=run,
    seed=job.seed,
    microbatches=config.microbatches,
    goal=limits,
  )


def make_trial(config, job: jobs.Job):
  """The `trial.Trial` of a job.

  Args:
    config: an `experiment.Config`.
    job: one of its jobs.
  """
  from jaxperf.running import environment
  from jaxperf.trial import trial

  rules = rules_lib.load(config.rules)
  training = make_training(config, job)
  settings = dataclasses.asdict(config) | {
    'submission': job.submission,
    'submission_sha256': plugins.submission_digest(job.submission),
    'workload': job.workload,
    'study': job.study,
    'trial': job.trial,
    'rng_seed': job.seed,
    'framework': 'jax',
    'tuning_ruleset': config.ruleset,
    'batch_size': training.run.batch_size,
  }
  goal = rules.for_workload(job.workload)
  about = dataclasses.asdict(goal) | dataclasses.asdict(
    training.workload.description
  )
  return trial.Trial(
    training=training,
    goal=goal,
    counts_compilation=rules.counts_compilation,
    shard_params=config.shard_params,
    checkpoint_every_s=config.checkpoint_every_s,
    max_steps=config.max_steps or None,
    keep_state=config.keep_state,
    settings=settings,
    environment={f'workload.{name}': value for name, value in about.items()}
    | environment.describe(),
  )


def _batch_size(submission, rules: rules_lib.Rules, workload) -> int:
  """Examples per step: the submission's choice where the rules leave one."""
  choice, name = submission.batch_size, workload.name
  if rules.fixed_batch_size or choice is None:
    return workload.default_batch_size
  if isinstance(choice, int):
    return choice
  base = rules.workloads[name].base or name
  if callable(choice):
    for known in (name, base):
      with contextlib.suppress(ValueError):
        return choice(known)
    raise errors.UserError(
      f'get_batch_size of the submission knows neither {name} nor {base}'
    )
  return choice.get(name, choice.get(base, workload.default_batch_size))


def _check_driven(config) -> None:
  """Refuses options that a submission which makes its own steps can't follow.

  Raises:
    UserError: naming the option.
  """
  for key, only in (('microbatches', 1), ('shard_params', False)):
    if getattr(config, key) != only:
      raise errors.UserError(
        f'an AlgoPerf file makes its own steps and shardings: config.{key} '
        f'can only be {only}'
      )
