# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A data set of a few lines: texts are counted, then the counts are joined.

Its first stage is a stream, its second reads what the first has made.
"""

import pathlib

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib


def _plan(raw, options):
  def count(_):
    for path in sorted(raw.glob('*.txt')):
      text = path.read_text()
      yield dataset_lib.Unit(path.stem, {'length': len(text)}, 1, text)

  def join(folder):
    names = sorted(path.name for path in folder.glob('*.count'))
    yield dataset_lib.Unit('join', {'names': names}, 1, names)

  return dataset_lib.Plan([count, join], {}, 0, 'texts', 1000)


def _prepare(unit, folder: pathlib.Path, journal, report):
  if unit.name == 'join':
    name = 'all.total'
    content = sum(int((folder / part).read_text()) for part in unit.work)
  else:
    name, content = f'{unit.name}.count', len(unit.work.split())
    if 'bad' in unit.work:
      raise errors.UserError(f'{unit.name} has a bad word')
  with prepared.writing(folder / name) as file:
    file.write(b'%d' % content)
  journal.add(prepared.describe(folder, name, words=content))
  report(1)
  journal.finish(words=content)


def _finish(plan, results):
  return {'words': results[-1].counts['words'], 'texts': len(results) - 1}


def _check(folder, manifest, deep):
  total = int((folder / 'all.total').read_text())
  yield total == manifest.counts['words'], f'{total} words'


DATASET = dataset_lib.Dataset(
  name='words',
  version=1,
  title='words',
  provider='this file',
  sign_up='none',
  licence='none',
  raw_bytes=0,
  prepared_bytes=0,
  plan=_plan,
  prepare=_prepare,
  finish=_finish,
  check=_check,
)
