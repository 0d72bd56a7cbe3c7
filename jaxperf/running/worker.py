# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The process that runs one trial, or one of several that do."""

from __future__ import annotations

import os
import pathlib
import sys

from jaxperf import cache, errors, mesh, rules
from jaxperf.records import claims, files, layout, log_file
from jaxperf.running import (
  build,
  entries,
  environment,
  identity,
  launch,
  stopping,
)
from jaxperf.running import config as config_lib
from jaxperf.running import folder as folder_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import peers as peers_lib
from jaxperf.trial import compiled
from jaxperf.trial import run as run_lib
from jaxperf.trial import trial as trial_lib

_START_S = 600.0  # For all processes to read their data and code.


def run(
  folder: pathlib.Path, name: str, peers: peers_lib.Peers | None = None
) -> int:
  """Runs one trial of a results folder; returns the exit code.

  One of several processes does not return, unless the trial has ended or was
  stopped: its peers would be waited for.

  Args:
    folder: results folder.
    name: of the trial's folder below it.
    peers: the others that run it too; None if it is alone.

  Raises:
    UserError: if there is no such trial, or it cannot start.
  """
  stopping.listen()
  log_file.watch(1)
  config = folder_lib.read_config(folder)
  job = folder_lib.read_job(folder, name)
  trial_folder = folder / job.folder
  if (result := files.read_json(trial_folder / 'result.json')) is not None:
    print(f'it has ended already: {result["outcome"]}', flush=True)
    return int(layout.Outcome(result['outcome']).failed)
  if not rules.load(config.rules).counts_compilation:
    code = cache.folder('compiled') / environment.instructions()
    compiled.share_compiled_code(code)
  try:
    status = _claimed(config, job, trial_folder, peers)
  except claims.TakenError as error:
    status = _told(error, launch.TAKEN)
  except (claims.LostError, run_lib.PeersLostError) as error:
    status = _told(error, launch.STOPPED)
  except errors.UserError as error:
    if peers is None:
      raise
    status = _told(error, 2)
  if peers is not None and status:
    sys.stdout.flush()
    os._exit(status)  # What JAX does at an end waits for all processes.
  return status


def make_trial(config: config_lib.Config, job: jobs_lib.Job) -> trial_lib.Trial:
  """The trial of a job; what it is judged by is read before its code is."""
  posed = build.problem(config, job.workload)
  entry = entries.entry(job.spec, config.ruleset, config.search_space)
  return build.make_trial(config, job, entry, posed)


def _claimed(
  config: config_lib.Config,
  job: jobs_lib.Job,
  folder: pathlib.Path,
  peers: peers_lib.Peers | None,
) -> int:
  """Runs a trial that nobody else runs; returns the exit code."""
  # Before the others are joined: it may take a minute to see that an earlier
  # owner is gone, and collectives would not wait so long.
  claim = claims.Claim(folder) if peers is None or peers.first else None
  try:
    if peers is not None:
      _join(peers)
      stopping.listen()
    trial = make_trial(config, job)
    identity.check(folder, trial.identity)
    _wait()
    say = peers.say if peers is not None else lambda stage: None
    outcome = run_lib.run(trial, folder, stopping.asked, claim, say)
  finally:
    if claim is not None:
      claim.release()
  print(f'outcome: {outcome}', flush=True)
  if outcome is layout.Outcome.STOPPED:
    return launch.STOPPED
  return int(outcome.failed)


def _join(peers: peers_lib.Peers) -> None:
  """Joins the others.

  Raises:
    PeersLostError: if they do not come.
  """
  try:
    peers_lib.join(peers)
  except errors.UserError as error:
    raise run_lib.PeersLostError(str(error)) from error


def _wait() -> None:
  """Waits until all processes are ready to train.

  Raises:
    PeersLostError: if one is gone.
  """
  try:
    mesh.wait_for_processes('begin', _START_S)
  except RuntimeError as error:
    raise run_lib.PeersLostError(
      f'not all processes came to the start: {errors.first_line(error)}'
    ) from error


def _told(error: BaseException, status: int) -> int:
  """Says what ends this process."""
  print(f'jaxperf: {error}', file=sys.stderr, flush=True)
  return status
