# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The process that runs one trial."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import threading
from collections.abc import Callable

import jax

from jaxperf import cache, rules
from jaxperf.records import files, layout, log_file
from jaxperf.running import build, entries, environment, identity, launch
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.trial import compiled
from jaxperf.trial import run as run_lib
from jaxperf.trial import trial as trial_lib


def run(folder: pathlib.Path, name: str) -> int:
  """Runs one trial of a results folder; returns the exit code.

  Args:
    folder: results folder.
    name: of the trial's folder below it.

  Raises:
    UserError: if there is no such trial, or it cannot start.
  """
  should_stop = _stop_on_signals()
  log_file.watch(1)
  config = folder_lib.read_config(folder)
  job = folder_lib.read_job(folder, name)
  if not rules.load(config.rules).counts_compilation:
    code = cache.folder('compiled') / environment.instructions()
    compiled.share_compiled_code(code)
  trial = make_trial(config, job)
  identity.check(folder / job.folder, trial.identity)
  try:
    outcome = run_lib.run(trial, folder / job.folder, should_stop)
  except files.TakenError as error:
    print(f'jaxperf: {error}', file=sys.stderr)
    return launch.TAKEN
  print(f'outcome: {outcome}', flush=True)
  if outcome is layout.Outcome.STOPPED:
    return launch.STOPPED
  return int(outcome.failed)


def make_trial(config: config_lib.Config, job: jobs_lib.Job) -> trial_lib.Trial:
  """The trial of a job; what it is judged by is read before its code is."""
  posed = build.problem(config, job.workload)
  entry = entries.entry(job.spec, config.ruleset, config.search_space)
  return build.make_trial(config, job, entry, posed)


def join(coordinator: str, num_processes: int, process_id: int) -> None:
  """Makes this process one of several that run a trial together.

  Args:
    coordinator: `HOST:PORT` of process 0.
    num_processes: how many there are.
    process_id: which one this is.
  """
  jax.distributed.initialize(coordinator, num_processes, process_id)


def _stop_on_signals() -> Callable[[], bool]:
  """Makes SIGTERM, SIGINT, and the end of the parent ask for a stop."""
  asked = threading.Event()
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: asked.set())
  parent = os.getppid()
  return lambda: asked.is_set() or os.getppid() != parent
