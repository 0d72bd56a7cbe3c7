# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The commands that run experiments: plan, run, trial, verify, status."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys

from jaxperf import errors


def add_parsers(commands: argparse._SubParsersAction) -> None:
  """Registers the commands; each sets `handler(options) -> exit code`."""
  parser = commands.add_parser(
    'run',
    help='run an experiment, or what is missing of it',
    description='Runs an experiment. Started again it goes on. Any key of the '
    'config can be given: --config.submissions=baselines.adamw,my_file.py',
    epilog='example: jaxperf run --config=quickstart --workdir=results/quick',
  )
  _add_experiment(parser)
  parser.set_defaults(handler=_run, takes_overrides=True)
  _add_plan(commands)
  _add_trial(commands)

  parser = commands.add_parser(
    'verify',
    help='judge again what trials have kept',
    description='Compares the records of trials with each other, judges the '
    'weights that they kept again, without loading the code that made them, '
    'and, with --replay, runs the trials again. What was found is kept in '
    "verification.json in the trials' folders.",
    epilog='example: jaxperf verify results/quick --trials="adamw/*"; jaxperf '
    'score results/quick --verified',
  )
  parser.add_argument('workdir', type=pathlib.Path, help='results folder')
  parser.add_argument(
    '--trials',
    action='append',
    default=[],
    metavar='PATTERN',
    help="these trials' folders below it [all]; may be given several times",
  )
  parser.add_argument(
    '--replay', action='store_true', help='train them again, too'
  )
  parser.set_defaults(handler=_verify)

  parser = commands.add_parser('status', help='how far an experiment is')
  parser.add_argument('workdir', type=pathlib.Path, help='results folder')
  parser.set_defaults(handler=_status)


def _add_experiment(parser: argparse.ArgumentParser) -> None:
  """What names an experiment, and says which of its trials are wanted."""
  parser.add_argument(
    '--config', required=True, help='a config file, or its name'
  )
  parser.add_argument(
    '--workdir', type=pathlib.Path, help='results folder [results/NAME]'
  )
  parser.add_argument(
    '--retry', action='store_true', help='run failed trials again'
  )
  parser.add_argument(
    '--changed',
    choices=('rerun',),
    help='begin trials anew whose submission or settings changed since; what '
    'they hold is kept in replaced_N in their folders',
  )


def _add_plan(commands: argparse._SubParsersAction) -> None:
  parser = commands.add_parser(
    'plan',
    help='check and write what an experiment is, without running it',
    description='Does all that `jaxperf run` does before the first trial: '
    'checks the config and each submission, and writes what each trial is to '
    'be. With --format it prints how to run what is missing elsewhere.',
    epilog='example: jaxperf plan --config=mini_external --format=commands | '
    'parallel -j 4',
  )
  _add_experiment(parser)
  parser.add_argument(
    '--format',
    choices=('commands', 'slurm', 'kubernetes'),
    help='print the missing trials as shell lines, a job script, or manifests',
  )
  group = parser.add_argument_group('for --format=kubernetes')
  group.add_argument('--image', help='container image [jaxperf:VERSION]')
  group.add_argument(
    '--volume',
    default='results',
    help='claim of the volume that holds the results; it is mounted at the '
    'folder around the results folder [results]',
  )
  group.add_argument('--queue', help='queue of Kueue, which then starts it')
  group.add_argument('--gpus', type=int, default=0, help='of each process [0]')
  parser.set_defaults(handler=_plan, takes_overrides=True)


def _add_trial(commands: argparse._SubParsersAction) -> None:
  parser = commands.add_parser(
    'trial',
    help='run one trial (what `run` starts for each)',
    description='Runs one trial, or goes on with it. Exit status: 0 it has '
    'ended, 1 it failed, 2 misuse, 75 stopped or its peers lost: can go on, 76 '
    'somebody else runs it.',
  )
  parser.add_argument('workdir', type=pathlib.Path, help='results folder')
  parser.add_argument('trial', nargs='?', help="the trial's folder below it")
  parser.add_argument(
    '--list', type=pathlib.Path, help='file with a folder of a trial a line'
  )
  parser.add_argument(
    '--index-from',
    metavar='VARIABLE',
    help='environment variable with the line of --list, counted from 0',
  )
  group = parser.add_argument_group(
    'one of several processes', 'also as JAXPERF_COORDINATOR, ...'
  )
  group.add_argument('--coordinator', help='HOST:PORT of process 0')
  group.add_argument('--num-processes', type=int, metavar='N')
  group.add_argument('--process-id', type=int, metavar='0..N-1')
  parser.set_defaults(handler=_trial)


def _run(options: argparse.Namespace) -> int:
  from jaxperf.running import config_file, launch, run

  config = config_file.parse(options.config, options.overrides)
  folder = options.workdir or config_file.results_folder(options.config)
  if config.launcher == launch.COMMANDS:
    options.format = 'commands'
    return _plan(options)
  code = run.run(config, folder, options.retry, options.changed == 'rerun')
  if config.rehearsal:
    from jaxperf.costs import rehearsal

    print(rehearsal.report(folder))
  return code


def _plan(options: argparse.Namespace) -> int:
  from jaxperf.running import config_file, handover, kubernetes, plan

  config = config_file.parse(options.config, options.overrides)
  folder = options.workdir or config_file.results_folder(options.config)
  planned = plan.plan(config, folder, options.retry, options.changed == 'rerun')
  missing = len(planned.tasks)
  print(
    f'{len(planned.jobs)} trials, {len(planned.jobs) - missing} done already; '
    f'results in {folder}',
    file=sys.stderr,
  )
  if options.format == 'kubernetes':
    pod = kubernetes.Pod(
      options.image, options.volume, options.queue, options.gpus
    )
    print(kubernetes.manifests(folder, planned.tasks, config, pod), end='')
  elif options.format:
    print(handover.text(options.format, folder, planned.tasks, config), end='')
  return 0


def _trial(options: argparse.Namespace) -> int:
  from jaxperf.running import stopping

  stopping.listen()  # Before anything that takes seconds.
  from jaxperf.running import peers, worker

  found = peers.find(
    options.coordinator, options.num_processes, options.process_id
  )
  return worker.run(options.workdir, _named_trial(options), found)


def _named_trial(options: argparse.Namespace) -> str:
  """The trial that the command line names, or a line of a list."""
  if options.trial is not None and options.list is None:
    return options.trial
  if options.trial or not options.list or not options.index_from:
    raise errors.UserError(
      "expected the trial's folder below the results folder, or --list=FILE "
      'with --index-from=VARIABLE'
    )
  lines = options.list.read_text('utf-8').splitlines()
  index = os.environ.get(options.index_from, '')
  if not index.isdecimal() or int(index) >= len(lines):
    raise errors.UserError(
      f'{options.index_from} is {index!r}, expected a line of {options.list}: '
      f'0 to {len(lines) - 1}'
    )
  return lines[int(index)]


def _verify(options: argparse.Namespace) -> int:
  from jaxperf.running import verify

  return verify.verify(options.workdir, options.trials, options.replay)


def _status(options: argparse.Namespace) -> int:
  from jaxperf.records import status

  queued = _queued(options.workdir)
  print(status.table(status.read_experiment(options.workdir, queued)))
  return 0


def _queued(folder: pathlib.Path) -> dict[str, str]:
  """What SLURM says of trials that were given to it."""
  if not folder.with_name(f'{folder.name}.launch').is_dir():
    return {}
  from jaxperf.running.launch import slurm

  found = slurm.queue(folder) or {}
  return {
    trial: f'job {task.job} {task.state.lower()}: {task.where}'
    for trial, task in found.items()
  }
