# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The process that runs one trial."""

from __future__ import annotations

import argparse
import os
import signal
import threading

import jax

from jaxperf import errors, rules
from jaxperf.records import files
from jaxperf.running import build
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import run as running_run
from jaxperf.trial import run as trial_run


def run(options: argparse.Namespace) -> int:
  """Runs `jaxperf trial`; returns its exit code.

  Raises:
    UserError: if there is no such trial, or it cannot start.
  """
  should_stop = _stop_on_signals()
  if options.num_processes > 1:
    jax.distributed.initialize(
      options.coordinator, options.num_processes, options.process_id
    )
  folder = options.workdir
  config = config_lib.read_config(folder)
  item = _find(folder, options.trial)
  if not rules.load(config.rules).counts_compilation:
    share_compiled_code(folder)
  outcome = trial_run.run(
    build.make_trial(config, item), folder / item.folder, should_stop
  )
  print(f'outcome: {outcome}', flush=True)
  if outcome == 'stopped':
    return running_run.STOPPED
  return 1 if outcome in ('error', 'out_of_memory') else 0


def _find(folder, name: str) -> jobs_lib.Job:
  """The job whose folder has that name."""
  jobs = files.read_json(folder / 'jobs.json') or []
  by_folder = {j.pop('folder'): jobs_lib.Job(**j) for j in jobs}
  if name not in by_folder:
    raise errors.UserError(
      f'{folder} has no trial {name!r}{errors.nearest(name, by_folder)} '
      '`jaxperf status` lists them.'
    )
  return by_folder[name]


def share_compiled_code(folder) -> None:
  """Lets the trials of one experiment reuse each other's compiled code."""
  cache = (folder / '.compiled').absolute()
  jax.config.update('jax_compilation_cache_dir', str(cache))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)
  jax.config.update('jax_persistent_cache_min_entry_size_bytes', -1)


def _stop_on_signals():
  """Makes SIGTERM, SIGINT, and the end of the parent ask for a stop."""
  asked = threading.Event()
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: asked.set())
  parent = os.getppid()
  return lambda: asked.is_set() or os.getppid() != parent
