# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs and trainings of an experiment, as `jaxperf run` makes them."""

from jaxperf.running import build
from jaxperf.running import jobs as jobs_lib


def jobs(config):
  """The jobs of a config, in order."""
  return jobs_lib.plan(config).jobs


def training(config, choose=lambda jobs: jobs[0]):
  """The training of one of its jobs."""
  plan = jobs_lib.plan(config)
  job = choose(plan.jobs)
  return build.make_training(
    config, job, plan.entries[job.spec], build.problem(config, job.workload)
  )
