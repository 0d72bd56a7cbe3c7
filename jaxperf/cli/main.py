# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The command line. Everything heavy is imported by the command that needs it.

Exit codes: 0 all is well, 1 a trial failed, 2 misuse, 130 interrupted.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Sequence

import jaxperf
from jaxperf import errors
from jaxperf.cli import results


def main(arguments: Sequence[str] | None = None) -> int:
  """Runs one command; returns the exit code."""
  parser = _parser()
  options, rest = parser.parse_known_args(arguments)
  if rest and not getattr(options, 'takes_overrides', False):
    parser.error(f'unrecognized arguments: {" ".join(rest)}')
  options.overrides = rest
  try:
    return options.handler(options) or 0
  except errors.UserError as error:
    print(f'jaxperf: {error}', file=sys.stderr)
    return 2
  except KeyboardInterrupt:
    return 130
  except BrokenPipeError:  # Such as `jaxperf score DIR | head`.
    sys.stdout = None  # Or Python would complain again when it ends.
    return 0


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog='jaxperf',
    description='Does your training algorithm train neural networks faster, '
    'and how sure is that? (AlgoPerf in JAX; results are unofficial.)',
  )
  parser.add_argument(
    '--version', action='version', version=f'jaxperf {jaxperf.__version__}'
  )
  commands = parser.add_subparsers(
    title='commands', metavar='COMMAND', required=True
  )

  run = commands.add_parser(
    'run',
    help='run an experiment, or what is missing of it',
    description='Runs an experiment. Started again it goes on. Any key of the '
    'config can be given: --config.submissions=baselines.adamw,my_file.py',
    epilog='example: jaxperf run --config=quickstart --workdir=results/quick',
  )
  run.add_argument('--config', required=True, help='a config file, or its name')
  run.add_argument(
    '--workdir', type=pathlib.Path, help='results folder [results/NAME]'
  )
  run.add_argument(
    '--retry', action='store_true', help='run failed trials again'
  )
  run.set_defaults(handler=_run, takes_overrides=True)

  trial = commands.add_parser(
    'trial', help='run one trial (what `run` starts for each)'
  )
  trial.add_argument('workdir', type=pathlib.Path, help='results folder')
  trial.add_argument('trial', help="the trial's folder below it")
  trial.add_argument('--coordinator', help='HOST:PORT of process 0')
  trial.add_argument('--num-processes', type=int, default=1)
  trial.add_argument('--process-id', type=int, default=0)
  trial.set_defaults(handler=_trial)

  status = commands.add_parser('status', help='how far an experiment is')
  status.add_argument('workdir', type=pathlib.Path, help='results folder')
  status.set_defaults(handler=_status)

  results.add_parsers(commands)

  listing = commands.add_parser('list', help='what there is to choose from')
  listing.add_argument(
    'what', choices=('workloads', 'baselines', 'experiments', 'rules')
  )
  listing.add_argument('--format', choices=('table', 'json'), default='table')
  listing.set_defaults(handler=_list)

  check = commands.add_parser(
    'check',
    help='what a submission takes at full size, before it is run',
    description='Compiles the training step of each workload for simulated '
    'devices without running it, and takes a few real steps on its mini '
    'workload.',
    epilog='example: jaxperf check my_file.py --device-memory=16GiB',
  )
  check.add_argument('submission', help='a module, or a Python file')
  check.add_argument(
    '--workloads', help='comma-separated [base workloads of the rules]'
  )
  check.add_argument('--rules', default='v0.6', help='[%(default)s]')
  check.add_argument(
    '--ruleset',
    choices=('external', 'self'),
    help='tuning [self if the submission has it]',
  )
  check.add_argument(
    '--devices', type=_count, default=8, help='to compile for [%(default)s]'
  )
  check.add_argument(
    '--device-memory', help='of one device, e.g. 16GiB: what does not fit?'
  )
  check.add_argument(
    '--execute',
    action='store_true',
    help='take the real steps at full size, on the devices at hand',
  )
  check.add_argument('--format', choices=('table', 'json'), default='table')
  check.set_defaults(handler=_check)

  bench = commands.add_parser('bench', help='measure jaxperf itself')
  bench.add_argument('what', choices=('loop', 'steps', 'optimizers'))
  bench.add_argument(
    '--workloads',
    help='comma-separated [mini ones; of `steps` on a GPU, full-size ones; of '
    '`optimizers` imagenet_resnet,wmt]',
  )
  bench.add_argument(
    '--submissions',
    help='comma-separated, of `optimizers` [one of each baseline]',
  )
  bench.add_argument(
    '--batch-size',
    type=_count,
    help="examples in a step, of `steps` [each workload's own]",
  )
  bench.add_argument('--repeats', type=_count, default=5)
  bench.add_argument('--format', choices=('table', 'json'), default='table')
  bench.set_defaults(handler=_bench)
  return parser


def _run(options: argparse.Namespace) -> int:
  from jaxperf.running import config as config_lib
  from jaxperf.running import run as run_lib

  config = config_lib.parse(options.config, options.overrides)
  name = pathlib.Path(options.config).stem
  folder = options.workdir or pathlib.Path('results', name)
  return run_lib.run(config, folder, options.retry)


def _trial(options: argparse.Namespace) -> int:
  from jaxperf.running import worker

  return worker.run(options)


def _status(options: argparse.Namespace) -> int:
  from jaxperf.records import status as status_lib

  print(status_lib.table(status_lib.read_experiment(options.workdir)))
  return 0


def _list(options: argparse.Namespace) -> int:
  from jaxperf.cli import listing as listing_lib

  print(listing_lib.show(options.what, options.format))
  return 0


def _check(options: argparse.Namespace) -> int:
  from jaxperf.costs import check as check_lib

  return check_lib.run(options)


def _bench(options: argparse.Namespace) -> int:
  if options.batch_size and options.what != 'steps':
    raise errors.UserError('--batch-size is for `jaxperf bench steps`')
  if options.submissions and options.what != 'optimizers':
    raise errors.UserError('--submissions is for `jaxperf bench optimizers`')
  names = options.workloads.split(',') if options.workloads else None
  if options.what == 'steps':
    from jaxperf.costs import steps

    arguments = (names, options.batch_size, options.repeats, options.format)
    print(steps.bench(*arguments))
  elif options.what == 'optimizers':
    from jaxperf.costs import updates

    specs = options.submissions.split(',') if options.submissions else None
    arguments = (names, specs, options.repeats, options.format)
    print(updates.bench(*arguments))
  else:
    from jaxperf.costs import loop

    print(loop.loop(names, options.repeats, options.format))
  return 0


def _count(text: str) -> int:
  """A whole number above 0."""
  if not text.isdecimal() or not int(text):
    raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
  return int(text)
