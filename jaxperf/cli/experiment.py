# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The commands that run experiments: run, trial, status."""

from __future__ import annotations

import argparse
import pathlib


def add_parsers(commands: argparse._SubParsersAction) -> None:
  """Registers the commands; each sets `handler(options) -> exit code`."""
  parser = commands.add_parser(
    'run',
    help='run an experiment, or what is missing of it',
    description='Runs an experiment. Started again it goes on. Any key of the '
    'config can be given: --config.submissions=baselines.adamw,my_file.py',
    epilog='example: jaxperf run --config=quickstart --workdir=results/quick',
  )
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
  parser.set_defaults(handler=_run, takes_overrides=True)

  parser = commands.add_parser(
    'trial', help='run one trial (what `run` starts for each)'
  )
  parser.add_argument('workdir', type=pathlib.Path, help='results folder')
  parser.add_argument('trial', help="the trial's folder below it")
  parser.add_argument('--coordinator', help='HOST:PORT of process 0')
  parser.add_argument('--num-processes', type=int, default=1)
  parser.add_argument('--process-id', type=int, default=0)
  parser.set_defaults(handler=_trial)

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


def _run(options: argparse.Namespace) -> int:
  from jaxperf.running import config_file, run

  config = config_file.parse(options.config, options.overrides)
  folder = options.workdir or config_file.results_folder(options.config)
  code = run.run(config, folder, options.retry, options.changed == 'rerun')
  if config.rehearsal:
    from jaxperf.costs import rehearsal

    print(rehearsal.report(folder))
  return code


def _trial(options: argparse.Namespace) -> int:
  from jaxperf.running import worker

  if options.num_processes > 1:
    worker.join(options.coordinator, options.num_processes, options.process_id)
  return worker.run(options.workdir, options.trial)


def _verify(options: argparse.Namespace) -> int:
  from jaxperf.running import verify

  return verify.verify(options.workdir, options.trials, options.replay)


def _status(options: argparse.Namespace) -> int:
  from jaxperf.records import status

  print(status.table(status.read_experiment(options.workdir)))
  return 0
