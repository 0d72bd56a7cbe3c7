# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the jobs of an experiment that are still to be done, and shows it."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import pathlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import rich.console
import rich.live
import rich.text

from jaxperf import errors, tuning
from jaxperf.records import files, status
from jaxperf.running import build, plugins
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running.launch import local
from jaxperf.trial import dry_run

STOPPED = 75  # Exit status of a trial that saved its state and can go on.


def run(config: config_lib.Config, folder: pathlib.Path, retry: bool) -> int:
  """Runs what is missing in a results folder.

  Args:
    config: checked.
    folder: results folder.
    retry: run trials that ended in `error` or `out_of_memory` again.

  Returns:
    Exit code: 0 if no trial failed, 1 otherwise, 130 if it was interrupted.

  Raises:
    UserError: for whatever can be known to be wrong.
  """
  if config.tensorboard:
    _tensorboard()  # A missing package is better known now.
  jobs = jobs_lib.plan(config)
  _check(config, jobs)
  whole = config_lib.open_folder(folder, config)
  files.write_json(
    folder / 'jobs.json',
    [
      dataclasses.asdict(j) | {'folder': str(j.folder)}
      for j in jobs_lib.plan(whole)
    ],
  )
  _write_search_spaces(config, folder)
  if retry:
    _forget_failures(folder, jobs)
  missing = [j for j in jobs if not _result(folder, j)]
  console = rich.console.Console(
    highlight=False, soft_wrap=True, force_terminal=sys.stdout.isatty()
  )
  console.print(
    f'{len(jobs)} trials, {len(jobs) - len(missing)} done already; '
    f'results in {folder}'
  )
  with _interrupted() as interrupted:
    _run_all(config, folder, missing, console, interrupted)
  if interrupted():
    console.print('interrupted: the same command goes on from here')
    return 130
  return _summary(folder, jobs, console)


@contextlib.contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
  """Whether Ctrl-C or SIGTERM came since.

  A flag, not an exception: Python drops one that is raised in a finalizer.
  """
  came = threading.Event()
  old = {
    number: signal.signal(number, lambda *_: came.set())
    for number in (signal.SIGINT, signal.SIGTERM)
  }
  try:
    yield came.is_set
  finally:
    for number, handler in old.items():
      signal.signal(number, handler)


def _check(config: config_lib.Config, jobs: list[jobs_lib.Job]) -> None:
  """Refuses submissions that cannot work, before any device is touched."""
  import jax

  jax.config.update('jax_platforms', 'cpu')  # Of this process alone.
  points: dict[tuple, jobs_lib.Job] = {}
  for item in jobs:
    points.setdefault((item.submission, item.workload), item)
  for item in points.values():
    try:
      dry_run.check_update(build.make_training(config, item))
    except errors.UserError as error:
      raise errors.UserError(
        f'{item.submission} on {item.workload}: {error}'
      ) from None


def _write_search_spaces(
  config: config_lib.Config, folder: pathlib.Path
) -> None:
  """Leaves each submission's tuning in AlgoPerf's format beside its results."""
  if config.ruleset == 'self':
    return
  for spec in config.submissions:
    path = folder / plugins.submission_name(spec)
    path.mkdir(exist_ok=True)
    tuning.write_json(
      jobs_lib.tuning_of(config, spec), path / 'tuning_search_space.json'
    )


def _run_all(config, folder, missing, console, interrupted) -> None:
  """Keeps the places filled until no job is left, or until interrupted."""
  waiting = collections.deque(missing)
  launcher = local.Launcher(config.max_parallel)
  done = 0
  with (
    rich.live.Live(console=console, transient=True, refresh_per_second=4)
    if console.is_terminal
    else _NoLive() as live
  ):
    try:
      while (waiting or launcher.running) and not interrupted():
        while waiting and not launcher.full():
          item = waiting.popleft()
          launcher.start(_command(folder, item), folder / item.folder)
          if not console.is_terminal:
            console.print(f'start {item.folder}')
        for process in launcher.ended():
          done += 1
          _report(folder, process, f'[{done}/{len(missing)}]', console)
          if config.tensorboard:
            _tensorboard().export(folder, config.tensorboard)
        live.update(_live_text(folder, launcher, len(waiting)))
    finally:
      launcher.close()


def _tensorboard():
  """The module that exports; loads TensorFlow, hence only if asked for."""
  from jaxperf.records import tensorboard

  tensorboard.writers()
  return tensorboard


class _NoLive:
  """Stands for the status line where the output is not a terminal."""

  def __enter__(self):
    return self

  def __exit__(self, *_):
    return None

  def update(self, _):
    """Shows nothing."""


def _command(folder: pathlib.Path, item: jobs_lib.Job) -> list[str]:
  """The command line of one trial: the unit of work, also on other machines."""
  return [
    sys.executable,
    '-m',
    'jaxperf',
    'trial',
    str(folder),
    str(item.folder),
  ]


def _report(folder, process: local.Process, count: str, console) -> None:
  """Says how a trial ended; a mistake of the user's ends the experiment."""
  trial = status.read_trial(folder, process.folder.relative_to(folder))
  code = process.popen.returncode
  log = process.folder / 'trial.log'
  if code == 2:
    raise errors.UserError(_last_line(log))
  if trial.result is not None:
    text = f'{trial.result["outcome"]:<8} {status.describe(trial)}'
    if trial.result['outcome'] in ('error', 'out_of_memory'):
      text += f': {trial.result["message"]} (see {log})'
  elif code == STOPPED:
    text = 'stopped, can be continued'
  else:
    text = f'error: it ended with status {code} and no result (see {log})'
  console.print(f'{count} {trial.folder}: {text}', markup=False)


def _live_text(folder, launcher, waiting: int) -> rich.text.Text:
  """One line a running trial."""
  lines = []
  for process in launcher.running:
    trial = status.read_trial(folder, process.folder.relative_to(folder))
    state = status.describe(trial) if trial.progress else 'starting'
    lines.append(f'{trial.folder}: {state}')
  if waiting:
    lines.append(f'{waiting} more waiting')
  return rich.text.Text('\n'.join(lines), no_wrap=True, overflow='ellipsis')


def _summary(folder, jobs, console) -> int:
  """Counts the outcomes."""
  outcomes = collections.Counter(
    (_result(folder, j) or {'outcome': 'error'})['outcome'] for j in jobs
  )
  text = ', '.join(f'{n} {name}' for name, n in sorted(outcomes.items()))
  console.print(f'{len(jobs)} trials: {text}')
  failed = outcomes['error'] + outcomes['out_of_memory']
  if failed:
    console.print(
      f'{failed} failed; after mending the cause run the same command with '
      '--retry'
    )
  console.print(f'next: jaxperf score {folder}   jaxperf report {folder}')
  return 1 if failed else 0


def _result(folder: pathlib.Path, item: jobs_lib.Job) -> dict | None:
  """How a job ended, None if it has not."""
  return files.read_json(folder / item.folder / 'result.json')


def _forget_failures(folder: pathlib.Path, jobs: list[jobs_lib.Job]) -> None:
  """Removes results of failed trials, so that they run again."""
  for item in jobs:
    result = _result(folder, item)
    if result and result['outcome'] in ('error', 'out_of_memory'):
      (folder / item.folder / 'result.json').unlink()


def _last_line(path: pathlib.Path) -> str:
  """The last line of a log."""
  lines = path.read_text(errors='replace').strip().splitlines()
  return lines[-1].removeprefix('jaxperf: ') if lines else f'see {path}'
