# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The commands on real data: data prepare, data check, data list."""

from __future__ import annotations

import argparse
import os
import pathlib
from collections.abc import Sequence

from jaxperf import errors, prepared


def add_parsers(commands: argparse._SubParsersAction) -> None:
  """Registers the commands; each sets `handler(options) -> exit code`."""
  parser = commands.add_parser('data', help='prepare and check real data')
  actions = parser.add_subparsers(
    title='commands', metavar='COMMAND', required=True
  )
  _add_prepare(actions)
  action = actions.add_parser(
    'check',
    help='is prepared data whole and as published?',
    description='Exit code 1 if it is not.',
  )
  action.add_argument('name', help='of the data set')
  _add_data_dir(action)
  action.add_argument(
    '--deep', action='store_true', help='read every byte and compare hashes'
  )
  action.add_argument(
    '--show',
    type=pathlib.Path,
    nargs='?',
    const='',
    metavar='FILE',
    help='draw the first images, scans or spectrograms of each split as a PNG '
    '[NAME.png]',
  )
  action.set_defaults(handler=_check)
  action = actions.add_parser('list', help='data sets, and which are prepared')
  _add_data_dir(action)
  action.set_defaults(handler=_list)


def _add_prepare(actions: argparse._SubParsersAction) -> None:
  action = actions.add_parser(
    'prepare',
    help='make what training reads from what the provider offers',
    description='Started again, it goes on where it was. Data sets have '
    'options of their own, which an unknown one lists.',
    epilog='example: jaxperf data prepare criteo1tb --raw=downloads '
    '--to=/data --workers=8',
  )
  action.add_argument('name', help='of the data set')
  action.add_argument(
    '--raw', type=pathlib.Path, required=True, help='folder of raw files'
  )
  action.add_argument(
    '--to',
    type=pathlib.Path,
    default=os.environ.get(prepared.ENVIRONMENT),
    help='folder of all prepared data; the data set is a folder in it '
    f'[${prepared.ENVIRONMENT}]',
  )
  action.add_argument(
    '--workers', type=int, default=1, help='processes [%(default)s]'
  )
  action.set_defaults(handler=_prepare, takes_overrides=True)


def _add_data_dir(action: argparse.ArgumentParser) -> None:
  action.add_argument(
    '--data-dir',
    default='',
    help=f'folder of all prepared data [${prepared.ENVIRONMENT}]',
  )


def _prepare(options: argparse.Namespace) -> int:
  from jaxperf.datasets import prepare
  from jaxperf.running import plugins

  if options.to is None:
    raise errors.UserError(
      f'no folder to write to: say --to=DIR or set ${prepared.ENVIRONMENT}'
    )
  if options.workers < 1:
    raise errors.UserError(
      f'--workers is {options.workers}, expected 1 or more'
    )
  dataset = plugins.dataset(options.name)
  own = _own(options.overrides)
  print(prepare.run(dataset, options.raw, options.to, options.workers, own))
  return 0


def _own(arguments: Sequence[str]) -> dict[str, str]:
  """Options of a data set, from `--KEY=VALUE`."""
  found = {}
  for argument in arguments:
    key, equals, value = argument.partition('=')
    if not key.startswith('--') or not equals:
      raise errors.UserError(
        f'unknown argument {argument!r}: expected --OPTION=VALUE'
      )
    found[key.removeprefix('--')] = value
  return found


def _check(options: argparse.Namespace) -> int:
  from jaxperf.datasets import check
  from jaxperf.running import plugins

  dataset = plugins.dataset(options.name)
  if options.show is not None and dataset.pictures is None:
    raise errors.UserError(
      f'there is nothing to see in {dataset.name}: leave --show out'
    )
  folder = prepared.folder(options.name, options.data_dir)
  fine = check.run(dataset, folder, options.deep, print)
  if options.show is not None:
    path = (
      options.show if options.show.name else pathlib.Path(f'{dataset.name}.png')
    )
    check.show(dataset, folder, path)
    print(f'wrote {path}')
  return 0 if fine else 1


def _list(options: argparse.Namespace) -> int:
  from jaxperf.datasets import listing
  from jaxperf.running import plugins

  datasets = [plugins.dataset(name) for name in plugins.dataset_names()]
  print(listing.table(datasets, options.data_dir))
  return 0
