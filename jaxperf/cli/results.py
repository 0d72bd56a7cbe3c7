# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The commands that read results: score, report, compare, and so on.

Cheap to import: pandas and matplotlib load inside the handlers.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib

from jaxperf import errors, rules
from jaxperf.cli import score_cache


def add_parsers(subparsers: argparse._SubParsersAction) -> None:
  """Registers the commands; each sets `handler(args) -> exit code`."""
  _add_score(subparsers)
  _add_report(subparsers)
  _add_compare(subparsers)
  _add_tensorboard(subparsers)
  _add_leaderboard(subparsers)


def _add_score(subparsers: argparse._SubParsersAction) -> None:
  parser = subparsers.add_parser(
    'score', help='times to target, scores and ranking of a results folder'
  )
  _add_folder(parser)
  _add_selection(parser)
  _add_format(parser)
  parser.add_argument(
    '--against',
    metavar='VERSION',
    help='place the results among published ones, such as v0.5',
  )
  parser.add_argument(
    '--strict',
    action='store_true',
    help='fail if anything was skipped, repaired or missing',
  )
  parser.set_defaults(handler=_score)


def _score(args: argparse.Namespace) -> int:
  given = {k: v for k, v in vars(args).items() if k != 'handler'}
  rules_file = pathlib.Path(args.rules or '')
  if rules_file.is_file():
    given['rules_text'] = rules_file.read_text('utf-8', 'replace')
  folder = os.path.abspath(args.folder)
  key = (os.getcwd(), sorted(given.items(), key=str))
  print(score_cache.remembered(folder, key, lambda: _score_text(args)))
  return 0


def _score_text(args: argparse.Namespace) -> str:
  """What `jaxperf score` prints."""
  from jaxperf.report import text
  from jaxperf.scoring import verdict as verdict_lib

  verdict = _verdict(args)
  if args.strict:
    _insist(verdict)
  if args.format == 'json':
    return json.dumps(verdict_lib.as_json(verdict), indent=2)
  if args.format == 'csv':
    return verdict_lib.table(verdict).to_csv().rstrip()
  return text.text(verdict)


def _insist(verdict) -> None:
  """Fails if there is anything to note or to warn of."""
  problems = [*map(str, verdict.notes), *verdict.warnings]
  if problems:
    more = f' (and {len(problems) - 1} more)' if len(problems) > 1 else ''
    raise errors.UserError(f'--strict: {problems[0]}{more}')


def _add_report(subparsers: argparse._SubParsersAction) -> None:
  parser = subparsers.add_parser(
    'report', help='one HTML file that explains a results folder'
  )
  _add_folder(parser)
  _add_selection(parser)
  parser.add_argument('--output', metavar='FILE', help='[DIR.html]')
  parser.set_defaults(handler=_report)


def _report(args: argparse.Namespace) -> int:
  from jaxperf.report import page

  print(page.write(args.folder, _options(args), args.output))
  return 0


def _add_compare(subparsers: argparse._SubParsersAction) -> None:
  parser = subparsers.add_parser(
    'compare', help='paired differences between two submissions'
  )
  _add_folder(parser)
  parser.add_argument('a', metavar='A', help='a submission in DIR')
  parser.add_argument('b', metavar='B', help='the other one')
  _add_selection(parser)
  parser.set_defaults(handler=_compare)


def _compare(args: argparse.Namespace) -> int:
  from jaxperf.report import comparison

  print(comparison.text(_verdict(args), args.a, args.b))
  return 0


def _add_tensorboard(subparsers: argparse._SubParsersAction) -> None:
  parser = subparsers.add_parser(
    'tensorboard',
    help='export a results folder for TensorBoard',
    description='Writes one TensorBoard run a trial. At any time, also while '
    'the experiment runs; done again, it replaces what it wrote before. Needs '
    "pip install 'jaxperf[tensorboard]'.",
    epilog='example: jaxperf tensorboard results/quickstart --logdir=logs; '
    'tensorboard --logdir=logs',
  )
  _add_folder(parser)
  parser.add_argument('--logdir', required=True, help='folder to write to')
  parser.set_defaults(handler=_tensorboard)


def _tensorboard(args: argparse.Namespace) -> int:
  from jaxperf.records.sinks import tensorboard

  count = tensorboard.export(args.folder, args.logdir)
  print(f'{count} trials written; next: tensorboard --logdir={args.logdir}')
  return 0


def _add_leaderboard(subparsers: argparse._SubParsersAction) -> None:
  parser = subparsers.add_parser(
    'leaderboard', help='published results that ship with jaxperf'
  )
  parser.add_argument(
    'version',
    metavar='VERSION',
    nargs='?',
    help='such as v1.0; without it, what there is',
  )
  parser.add_argument(
    '--ruleset',
    choices=rules.TUNING_RULESETS,
    help='[external, where there are results of it]',
  )
  parser.add_argument(
    '--show',
    choices=('seconds', 'fractions', 'speed-ups'),
    default='seconds',
    help='the times as they are, over the budgets, or over the baseline',
  )
  parser.add_argument(
    '--integration', choices=rules.INTEGRATIONS, default='published'
  )
  _add_format(parser)
  parser.set_defaults(handler=_leaderboard)


def _leaderboard(args: argparse.Namespace) -> int:
  from jaxperf.report import leaderboard
  from jaxperf.scoring import published
  from jaxperf.scoring.published import board as board_lib

  if args.version is None:
    print(leaderboard.listing())
    return 0
  ruleset = args.ruleset or published.rulesets(args.version)[0]
  board = board_lib.build(args.version, ruleset, args.integration)
  if args.format == 'table':
    print(leaderboard.text(board, args.show))
  elif args.format == 'csv':
    print(board_lib.table(board, args.show).to_csv().rstrip())
  else:
    print(json.dumps(board_lib.as_json(board, args.show), indent=2))
  return 0


def _add_folder(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    'folder', metavar='DIR', help='holds SUBMISSION/study_K/WORKLOAD_FRAMEWORK'
  )


def _add_selection(parser: argparse.ArgumentParser) -> None:
  """What to score, and how; defaults are those of the run."""
  parser.add_argument(
    '--rules', help=f'{", ".join(rules.names())} or a TOML file'
  )
  parser.add_argument(
    '--ruleset',
    choices=rules.TUNING_RULESETS,
    help='tuned from outside, or not at all',
  )
  parser.add_argument(
    '--integration',
    choices=rules.INTEGRATIONS,
    default='exact',
    help='of the performance profile; published: 100-point trapezoid rule',
  )
  parser.add_argument(
    '--trial-choice',
    choices=rules.TRIAL_CHOICES,
    default='time',
    help='the trial that counts: the fastest, or by evaluation index',
  )
  parser.add_argument(
    '--time',
    choices=rules.UNITS,
    dest='unit',
    help='what to score; the rules say which by default',
  )
  parser.add_argument(
    '--workloads', type=_names, default=(), metavar='A,B', help='score these'
  )
  parser.add_argument(
    '--submissions', type=_names, default=(), metavar='A,B', help='only these'
  )
  parser.add_argument(
    '--verified',
    action='store_true',
    help='count only trials that `jaxperf verify` passed',
  )
  parser.add_argument(
    '--reference', metavar='A', help='the submission that speed-ups refer to'
  )


def _names(text: str) -> tuple[str, ...]:
  return tuple(name.strip() for name in text.split(',') if name.strip())


def _options(args: argparse.Namespace):
  """The options that the arguments set."""
  from jaxperf.scoring import selection

  given = vars(args)
  return selection.Options(
    **{name: given[name] for name in selection.Options._fields if name in given}
  )


def _verdict(args: argparse.Namespace):
  """The verdict on the folder."""
  from jaxperf.records import read
  from jaxperf.scoring import verdict

  return verdict.judge(read.results(args.folder), _options(args))


def _add_format(parser: argparse.ArgumentParser) -> None:
  parser.add_argument(
    '--format',
    choices=('table', 'json', 'csv'),
    default='table',
    help='[table]',
  )
