# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the packed files of the mini data again, and compares them.

python -m calibration.data.build NAME --downloads=DIR

Run it from the root of a clone; `docs/mini_data.md` says what each NAME needs.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import pathlib
import sys

from calibration.data.builders import packages, store
from jaxperf import errors
from workloads.mini_data import files

NAMES = ('clicks', 'images', 'molecules', 'mri', 'speech', 'translation')


def main(arguments: list[str] | None = None) -> int:
  """Builds the named data sets; 0 if all equal what ships or are accepted."""
  parser = argparse.ArgumentParser(
    prog='python -m calibration.data.build',
    description=__doc__.split('\n')[0],
  )
  parser.add_argument(
    'names', nargs='+', metavar='NAME', choices=NAMES, help=', '.join(NAMES)
  )
  parser.add_argument(
    '--downloads',
    required=True,
    type=pathlib.Path,
    help='folder for the packages; what is there is not downloaded again',
  )
  parser.add_argument(
    '--out',
    type=pathlib.Path,
    default=files.FOLDER,
    help='folder of the packed files and their manifest',
  )
  parser.add_argument(
    '--accept',
    action='store_true',
    help='write a file that differs from the manifest, and the new manifest',
  )
  options = parser.parse_args(arguments)
  same = [_build(name, options) for name in options.names]
  return 0 if all(same) or options.accept else 1


def _build(name: str, options: argparse.Namespace) -> bool:
  """Builds one data set; whether it is the one in the manifest."""
  module = importlib.import_module(f'calibration.data.builders.{name}')
  paths = [
    packages.fetch(package, options.downloads) for package in module.PACKAGES
  ]
  packed = module.build(paths)
  content = store.compress(packed)
  description = module.DESCRIPTION | store.entry(name, packed, content)
  description['sources'] = [dataclasses.asdict(p) for p in module.PACKAGES]
  known = store.read_manifest(options.out).get(name, {}).get('sha256')
  same = description['sha256'] == known
  if same or options.accept:
    store.write(name, content, description, options.out)
  verdict = 'as in the manifest' if same else 'differs from the manifest'
  if not same:
    verdict += '; written' if options.accept else '; not written (--accept?)'
  print(f'{name}: {len(content):,} bytes, {verdict}')
  return same


if __name__ == '__main__':
  try:
    sys.exit(main())
  except errors.UserError as error:
    sys.exit(f'error: {error}')
