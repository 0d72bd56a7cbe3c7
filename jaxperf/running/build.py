# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From a job to the trial that it describes."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxperf import errors, mesh
from jaxperf import rules as rules_lib
from jaxperf import submission as submission_lib
from jaxperf import workload as workload_lib
from jaxperf.running import config as config_lib
from jaxperf.running import entries, environment, identity, plugins
from jaxperf.running import jobs as jobs_lib
from jaxperf.trial import step
from jaxperf.trial import trial as trial_lib


class Problem(NamedTuple):
  """What a submission is to solve, known without it.

  Attributes:
    rules: that apply.
    goal: targets and limits, from the rules.
    workload: model, data, loss and metrics.
  """

  rules: rules_lib.Rules
  goal: rules_lib.WorkloadRules
  workload: workload_lib.Workload


def problem(config: config_lib.Config, workload: str) -> Problem:
  """The problem that a workload poses under a config.

  Read it before the code of a submission is loaded, which could change it.

  Raises:
    UserError: if there is no data.
  """
  rules = rules_lib.load(config.rules)
  folder = pathlib.Path(config.data_dir) if config.data_dir else None
  made = plugins.workload(workload, config.data or folder)
  made.data.check()
  size = config.batch_size(workload)
  if size is not None:
    smaller = min(size, made.eval_batch_size)
    made = made._replace(eval_batch_size=smaller)
  return Problem(rules, rules.for_workload(workload), made)


def make_training(
  config: config_lib.Config,
  job: jobs_lib.Job,
  entry: entries.Entry,
  posed: Problem,
) -> trial_lib.Training:
  """The algorithm, workload and point of a job, on all devices.

  Raises:
    UserError: if the submission has no batch size for the workload.
  """
  rules, goal, workload = posed
  size = config.batch_size(job.workload)
  if size is None:
    size = _batch_size(entry.submission.batch_size, rules, workload)
  run = submission_lib.RunInfo(
    step_hint=goal.step_hint,
    budget=rules.budget(job.workload, config.ruleset),
    eval_period=goal.eval_period,
    unit=rules.unit,
    batch_size=size,
    loss_kind=workload.loss_kind,
    minimize=goal.minimize,
    params=step.param_info(workload),
    has_batch_stats=step.has_model_state(workload),
    mesh=mesh.make_mesh(),
    ruleset=config.ruleset,
  )
  return trial_lib.Training(
    workload=workload,
    submission=entry.submission,
    hps=submission_lib.Hyperparameters(**job.point),
    run=run,
    method=entry.method,
    goal=goal,
    seed=job.seed,
    microbatches=config.microbatches,
    shard_params=config.shard_params,
  )


def make_trial(
  config: config_lib.Config,
  job: jobs_lib.Job,
  entry: entries.Entry,
  posed: Problem,
) -> trial_lib.Trial:
  """The trial of a job.

  Raises:
    UserError: as `make_training` does.
  """
  training = make_training(config, job, entry, posed)
  settings = dataclasses.asdict(config) | {
    'submission': job.spec,
    'submission_sha256': entry.digest,
    'workload': job.workload,
    'study': job.study,
    'trial': job.trial,
    'rng_seed': job.seed,
    'framework': 'jax',
    'tuning_ruleset': config.ruleset,
    'batch_size': training.run.batch_size,
  }
  about = dataclasses.asdict(training.goal) | dataclasses.asdict(
    training.workload.description
  )
  data = training.workload.data.identity()
  return trial_lib.Trial(
    training=training,
    counts_compilation=posed.rules.counts_compilation,
    checkpoint_every_s=config.checkpoint_every_s,
    max_steps=config.max_steps or None,
    keep_state=config.keep_state,
    retries=config.retries,
    hang_s=config.hang_s,
    identity=identity.of_job(config, job, entry, training)
    | identity.surroundings(),
    eval_batches=config.rehearsal or None,
    settings=settings,
    environment={f'workload.{name}': value for name, value in about.items()}
    | {f'data.{name}': value for name, value in data.items()}
    | environment.describe(),
  )


def trainings_from_json(
  config: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]]
) -> list[trial_lib.Training]:
  """Trainings of one submission, in a process that got them as JSON.

  Args:
    config: fields of a `config.Config`.
    jobs: from `jobs.as_json`, all of the same submission.

  Raises:
    UserError: as `make_training` does.
  """
  made = config_lib.make_config(config)
  found = [jobs_lib.from_json(row) for row in jobs]
  entry = entries.entry(found[0].spec, made.ruleset, made.search_space)
  return [
    make_training(made, job, entry, problem(made, job.workload))
    for job in found
  ]


def _batch_size(
  choice: Any, rules: rules_lib.Rules, workload: workload_lib.Workload
) -> int:
  """Examples per step: the submission's choice where the rules leave one."""
  name = workload.name
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
