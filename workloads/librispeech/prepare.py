# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares LibriSpeech: flac files to samples, transcripts to label ids.

First the table of each subset, for which all of it is read once and compared
with what is published; then the tokenizer; then samples, in shards; then
labels. So samples do not depend on the tokenizer.
"""

import dataclasses
import functools
import itertools
import pathlib
import sys
from collections.abc import Mapping, Sequence

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads import tokenizers
from workloads.librispeech import (
  algoperf_folder,
  archives,
  check,
  flac,
  pictures,
  sources,
  stages,
  utterances,
)

_COUNTS = ('published', 'any')
_SUBSETS = tuple(itertools.chain(*utterances.SUBSETS.values()))


def dataset(
  published: check.Published = check.PUBLISHED,
) -> dataset_lib.Dataset:
  """The data set, with what its raw data should be."""
  return dataclasses.replace(
    _FACTS,
    plan=functools.partial(_plan, published),
    finish=functools.partial(_finish, published),
    check=functools.partial(check.findings, published),
  )


def _plan(
  published: check.Published, raw: pathlib.Path, options: Mapping[str, str]
) -> dataset_lib.Plan:
  """Tables, tokenizer, shards, labels; see `Dataset.plan`."""
  compared = options.get('counts', 'published')
  if compared not in _COUNTS:
    raise errors.UserError(
      f'--counts is {compared!r}, expected one of {", ".join(_COUNTS)}'
    )
  original = compared == 'published'
  subsets = _chosen(options)
  found = _find(raw, subsets, published if original else None)
  tokenizer = _tokenizer(raw, subsets, options, published.vocabulary)
  total = sum(published.archives[subset].utterances for subset in subsets)
  return dataset_lib.Plan(
    stages=[
      functools.partial(stages.tables, found),
      functools.partial(stages.tokenizer, tokenizer, published.vocabulary),
      functools.partial(stages.samples, found, published.shard),
      functools.partial(stages.labels, found, published.shard),
    ],
    parameters={
      'counts': compared,
      'subsets': list(subsets),
      'tokenizer': prepared.sha256(tokenizer) if tokenizer else 'trained',
      'vocabulary': published.vocabulary,
      'shard': published.shard,
    },
    total=2 * total if original else 0,
    records='utterances (each is passed twice)',
    bytes=check.PREPARED_BYTES * total // archives.UTTERANCES
    if original
    else 0,
    partial=set(subsets) != set(_SUBSETS),
  )


def _chosen(options: Mapping[str, str]) -> tuple[str, ...]:
  """The subsets that are asked for, in order."""
  asked = options.get('subsets')
  names = asked.split(',') if asked is not None else _SUBSETS
  for name in names:
    if name not in _SUBSETS:
      raise errors.UserError(
        f'--subsets has {name!r}{errors.nearest(name, _SUBSETS)} There are '
        f'{", ".join(_SUBSETS)}.'
      )
  return tuple(name for name in _SUBSETS if name in names)


def _find(raw, subsets: Sequence[str], published: check.Published | None):
  """Where each subset is read from."""
  if algoperf_folder.is_one(raw):
    return [algoperf_folder.find(raw, subset) for subset in subsets]
  flac.library()
  return [
    sources.find(raw, subset, published and published.archives[subset])
    for subset in subsets
  ]


def _tokenizer(raw, subsets, options, vocabulary) -> pathlib.Path | None:
  """The file of the tokenizer; None if it is to be trained.

  Raises:
    UserError: if it is no tokenizer of that many ids, or none can be had.
  """
  named = options.get('tokenizer')
  if algoperf_folder.is_one(raw):
    if named:
      raise errors.UserError(
        f'{raw} has labels of its own {algoperf_folder.TOKENIZER}: leave '
        '--tokenizer out, or prepare from the archives'
      )
    named = raw / algoperf_folder.TOKENIZER
  if not named:
    tokenizers.library()
    if stages.CORPUS not in subsets:
      raise errors.UserError(
        f'the tokenizer is trained on {stages.CORPUS}, which --subsets leaves '
        'out: add it, or name a tokenizer, --tokenizer=FILE'
      )
    return None
  path = pathlib.Path(named)
  size = tokenizers.load(path).vocabulary
  if size != vocabulary:
    raise errors.UserError(
      f'the tokenizer {path} has {size:,} ids, expected {vocabulary:,}: the '
      'models have as many outputs, so name another one'
    )
  return path


def _prepare(
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  journal: journal_lib.Journal,
  report: dataset_lib.Report,
) -> None:
  """Makes the files of a unit; see `Dataset.prepare`."""
  journal.finish(**unit.work.make(unit.work, folder, journal, report))


def _finish(
  published: check.Published,
  plan: dataset_lib.Plan,
  results: Sequence[dataset_lib.Result],
) -> dict[str, int]:
  """Utterances of each split, and how many are left out for what.

  Raises:
    UserError: if a split has none.
  """
  files = [file for result in results for file in result.files]
  counts = check.counts(files, plan.parameters['subsets'])
  for split, names in utterances.SUBSETS.items():
    if set(names) <= set(plan.parameters['subsets']) and not counts[split]:
      raise errors.UserError(
        f'the {split} split has no utterances, expected some: look at '
        f'{", ".join(names)}'
      )
  if plan.parameters['counts'] == 'published' and not plan.partial:
    for sentence in check.unlike(published, counts):
      print(f'note: {sentence}', file=sys.stderr)
  return counts


_FACTS = dataset_lib.Dataset(
  name=utterances.NAME,
  version=utterances.VERSION,
  title='LibriSpeech, read English',
  provider='OpenSLR 12, openslr.org/12',
  sign_up='none',
  licence='CC BY 4.0',
  raw_bytes=sum(archive.bytes for archive in archives.PUBLISHED.values()),
  prepared_bytes=check.PREPARED_BYTES,
  plan=functools.partial(_plan, check.PUBLISHED),
  prepare=_prepare,
  finish=functools.partial(_finish, check.PUBLISHED),
  check=functools.partial(check.findings, check.PUBLISHED),
  pictures=pictures.strips,
  options={
    'subsets': 'names with commas between: a part, to try things out, which '
    'training refuses [all]',
    'tokenizer': 'a SentencePiece model to use [one is trained]',
    'counts': '`any` for miniature data: archives and counts are compared with '
    'nothing [published]',
  },
)
DATASET = dataset()
