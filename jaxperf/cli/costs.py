# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The commands that tell what things cost: check, bench."""

from __future__ import annotations

import argparse
import json

from jaxperf import errors, rules
from jaxperf.running import specs


def add_parsers(commands: argparse._SubParsersAction) -> None:
  """Registers the commands; each sets `handler(options) -> exit code`."""
  _add_check(commands)
  _add_bench(commands)


def _add_check(commands: argparse._SubParsersAction) -> None:
  parser = commands.add_parser(
    'check',
    help='what a submission takes at full size, before it is run',
    description='Compiles the training step of each workload for simulated '
    'devices without running it, and takes five real steps on its mini '
    'workload.',
    epilog='example: jaxperf check my_file.py --device-memory=16GiB',
  )
  parser.add_argument('submission', help='a module, or a Python file')
  parser.add_argument(
    '--workloads', help='comma-separated [base workloads of the rules]'
  )
  parser.add_argument('--rules', help='[the newest that know the workloads]')
  parser.add_argument(
    '--ruleset',
    choices=rules.TUNING_RULESETS,
    help='tuning [self if the submission has it]',
  )
  parser.add_argument(
    '--devices', type=_count, default=8, help='to compile for [%(default)s]'
  )
  parser.add_argument(
    '--device-memory', help='of one device, e.g. 16GiB: what does not fit?'
  )
  parser.add_argument(
    '--execute',
    action='store_true',
    help='take the real steps at full size, on the devices at hand',
  )
  parser.add_argument('--format', choices=('table', 'json'), default='table')
  parser.set_defaults(handler=_check)


def _check(options: argparse.Namespace) -> int:
  from jaxperf.costs import check

  return check.run(options)


def _add_bench(commands: argparse._SubParsersAction) -> None:
  parser = commands.add_parser('bench', help='measure jaxperf itself')
  parser.add_argument('what', choices=('loop', 'steps', 'optimizers', 'input'))
  parser.add_argument(
    '--workloads',
    help='comma-separated [mini ones; of `steps` on a GPU, full-size ones; of '
    '`optimizers` one of convolutions, one of attention; of `input` those '
    'with prepared data]',
  )
  parser.add_argument(
    '--submissions',
    help='comma-separated, of `optimizers` [one of each baseline]',
  )
  parser.add_argument(
    '--batch-size',
    type=_count,
    help="examples in a step, of `steps` and `input` [each workload's own]",
  )
  parser.add_argument(
    '--workers',
    type=_counts,
    help='comma-separated numbers of processes or threads that make batches, '
    'of `input` [what a run has]',
  )
  parser.add_argument(
    '--data-dir', default='', help='of `input` [$JAXPERF_DATA]'
  )
  parser.add_argument(
    '--against',
    metavar='FILE',
    help='of `steps`, saved with --format=json: ratios before / after; exit '
    'code 1 where something got worse',
  )
  parser.add_argument(
    '--saved',
    metavar='FILE',
    help='of `steps`: shows this saved run, or compares it, and measures '
    'nothing',
  )
  parser.add_argument('--repeats', type=_count, default=5)
  parser.add_argument('--format', choices=('table', 'json'), default='table')
  parser.set_defaults(handler=_bench)


def _bench(options: argparse.Namespace) -> int:
  if options.batch_size and options.what not in ('steps', 'input'):
    raise errors.UserError(
      '--batch-size is for `jaxperf bench steps` and `jaxperf bench input`'
    )
  if options.submissions and options.what != 'optimizers':
    raise errors.UserError('--submissions is for `jaxperf bench optimizers`')
  if options.data_dir and options.what != 'input':
    raise errors.UserError('--data-dir is for `jaxperf bench input`')
  if options.workers and options.what != 'input':
    raise errors.UserError('--workers is for `jaxperf bench input`')
  if (options.against or options.saved) and options.what != 'steps':
    raise errors.UserError(
      '--against and --saved are for `jaxperf bench steps`'
    )
  names = specs.parts(options.workloads or '') or None
  repeats, form = options.repeats, options.format
  if options.what == 'steps':
    return _bench_steps(options, names)
  if options.what == 'input':
    from jaxperf.costs import input as input_lib

    arguments = (names, options.data_dir, options.workers, options.batch_size)
    print(input_lib.bench(*arguments, repeats, form))
  elif options.what == 'optimizers':
    from jaxperf.costs import updates

    chosen = map(specs.canonical, specs.parts(options.submissions or ''))
    print(updates.bench(names, list(chosen) or None, repeats, form))
  else:
    from jaxperf.costs import loop

    print(loop.loop(names, repeats, form))
  return 0


def _bench_steps(options: argparse.Namespace, names: list[str] | None) -> int:
  from jaxperf.costs import step_report

  before = step_report.read(options.against) if options.against else None
  if options.saved:
    run = step_report.read(options.saved)
  else:
    from jaxperf.costs import steps

    run = steps.bench(names, options.batch_size, options.repeats)
  if before is None:
    table = options.format == 'table'
    print(step_report.table(run) if table else json.dumps(run, indent=2))
    return 0
  rows = step_report.compare(before, run)
  if options.format == 'json':
    print(json.dumps({'comparison': rows}, indent=2))
  else:
    print(step_report.comparison_table(before, run, rows))
  return int(any(row['error'] or row['worse'] for row in rows))


def _count(text: str) -> int:
  """A whole number above 0."""
  if not text.isdecimal() or not int(text):
    raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
  return int(text)


def _counts(text: str) -> list[int]:
  """Such numbers, with commas between them."""
  return [_count(part) for part in text.split(',')]
