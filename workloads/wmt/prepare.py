# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares WMT: the builders' texts, a tokenizer, then tokens in shards.

The work of a unit is a function of `(folder, journal, report)`.
"""

import dataclasses
import functools
import json
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

from jaxperf import errors, prepared
from jaxperf.datasets import built as built_lib
from jaxperf.datasets import dataset as dataset_lib
from workloads import tokenizers
from workloads.wmt import check, shards, sources, texts, tokens

_WORK = prepared.WORK
_TOOLS = ('sentencepiece', 'tensorflow-datasets')
_PAIR_BYTES = 120  # Prepared; about.
_WORK_PAIR_BYTES = 1_300  # Texts unpacked, in records, and shards; about.


def dataset(
  published: check.Published = check.PUBLISHED,
) -> dataset_lib.Dataset:
  """The data set, with the archives and counts that it should have."""
  return dataclasses.replace(
    _FACTS,
    plan=functools.partial(_plan, published),
    finish=functools.partial(_finish, published),
    check=functools.partial(check.findings, published),
  )


def _plan(
  published: check.Published, raw: pathlib.Path, options: Mapping[str, str]
) -> dataset_lib.Plan:
  """Texts, tokenizer, shards, and their joining; see `Dataset.plan`."""
  built_lib.library(), tokenizers.library()
  source = sources.find(published, raw, options.get('tokenizer', ''))
  count = sum(published.pairs.values())
  made = 0 if source.found is not None else sum(published.made.values())
  return dataset_lib.Plan(
    stages=[
      functools.partial(stage, source)
      for stage in (_builds, _tokenizer, _shards, _joins)
    ],
    parameters={
      'tokenizer': source.tokenizer(),
      'vocabulary': published.vocabulary,
      'max_length': tokens.MAX_LENGTH,
    },
    total=count + made,
    records='pairs',
    bytes=count * _PAIR_BYTES + made * _WORK_PAIR_BYTES,
    tools={package: metadata.version(package) for package in _TOOLS},
  )


def _builds(
  source: sources.Source, _: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """A unit a builder, unless its data set is there."""
  if source.found is None:
    for name, records in source.published.made.items():
      yield dataset_lib.Unit(
        name.partition('_')[0],
        source.origin(),
        records,
        functools.partial(_build, source, name),
      )


def _build(source, name, folder, journal, report) -> None:
  """Makes a builder's data set in the folder of work."""
  work = folder / _WORK
  built = texts.make(name, source.published.archives, source.raw, work, report)
  # Missing once the work is removed: then it is made again.
  info = built.folder.relative_to(folder) / 'dataset_info.json'
  journal.add(prepared.describe(folder, str(info)))
  if name == texts.WMT17:
    pairs = sum(built.lengths['train'])
    journal.finish(**{check.EMPTY: texts.lines(work) - pairs})
  else:
    journal.finish()


def _tokenizer(
  source: sources.Source, folder: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """One unit: the tokenizer, trained or copied."""
  found = {
    name: source.built(name, folder) for name in (texts.WMT17, texts.WMT14)
  }
  texts.check_counts(found, source.published.pairs)
  sha256 = source.model and prepared.sha256(source.model)
  yield dataset_lib.Unit(
    'tokenizer',
    {**source.origin(), 'model': sha256},
    0,
    functools.partial(_make_tokenizer, source, found[texts.WMT17]),
  )


def _make_tokenizer(source, built, folder, journal, report) -> None:
  """Writes the tokenizer, and where it is from."""
  published, path = source.published, folder / tokens.TOKENIZER
  corpus = None
  if source.model is None:
    ordered = texts.reading_order(built, 'train', published.train_files)
    lines = texts.corpus(ordered, published.corpus_bytes)
    corpus = tokenizers.train(lines, published.vocabulary, path)._asdict()
  else:
    with prepared.writing(path) as file:
      file.write(source.model.read_bytes())
  made = sources.loaded(path, published.vocabulary)
  origin = {
    'sha256': made.sha256,
    'pieces_sha256': made.pieces_sha256,
    'corpus': corpus,
  }
  with prepared.writing(folder / tokens.ORIGIN) as file:
    file.write(json.dumps(origin, indent=1).encode() + b'\n')
  for name in (tokens.TOKENIZER, tokens.ORIGIN):
    journal.add(prepared.describe(folder, name))
  journal.finish()


def _shards(
  source: sources.Source, folder: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """A unit for so many pairs of a split."""
  size = source.published.shard_pairs
  for split, count in source.published.pairs.items():
    built = source.built(texts.BUILDERS[split], folder)
    for name, first in zip(_names(source, split), range(0, count, size)):
      last = min(first + size, count)
      yield dataset_lib.Unit(
        name,
        _origin(source, folder),
        last - first,
        functools.partial(_make_shard, built, split, first, last, name),
      )


def _names(source: sources.Source, split: str) -> list[str]:
  """Names of the shards of a split."""
  size, count = source.published.shard_pairs, source.published.pairs[split]
  return [f'{split}-{first // size:05d}' for first in range(0, count, size)]


def _origin(source: sources.Source, folder: pathlib.Path) -> dict:
  """What ids depend on."""
  sha256 = prepared.sha256(folder / tokens.TOKENIZER)
  return {
    **source.origin(),
    'tokenizer': sha256,
    'shard_pairs': source.published.shard_pairs,
  }


def _make_shard(built, split, first, last, name, folder, journal, report):
  """Writes a shard to the folder of work."""
  (folder / _WORK).mkdir(exist_ok=True)
  shard = shards.encode(
    texts.pairs(built, split, first, last),
    tokenizers.load(folder / tokens.TOKENIZER),
    tokens.MAX_LENGTH,
    report,
  )
  place = f'{_WORK}/{name}.npz'
  shards.write(folder / place, shard)
  journal.add(prepared.describe(folder, place, **shard.counts))
  journal.finish()


def _joins(
  source: sources.Source, folder: pathlib.Path
) -> Iterator[dataset_lib.Unit]:
  """A unit a split."""
  for split in tokens.SPLITS:
    yield dataset_lib.Unit(
      split,
      _origin(source, folder),
      0,
      functools.partial(_join, split, _names(source, split)),
    )


def _join(split, names, folder, journal, report) -> None:
  """Writes the files of a split."""
  paths = [folder / _WORK / f'{name}.npz' for name in names]
  done = {file.name for file in journal.files}
  for file in shards.join(folder, split, paths, done):
    journal.add(file)
  journal.finish()


def _finish(
  published: check.Published,
  plan: dataset_lib.Plan,
  results: Sequence[dataset_lib.Result],
) -> dict[str, int]:
  """Pairs of each split that were kept, and all others.

  Raises:
    UserError: if nothing was kept of a split.
  """
  files = [file for result in results for file in result.files]
  counts = check.counts(files)
  for split in tokens.SPLITS:
    if not counts[split]:
      raise errors.UserError(
        f'no pair of the {split} split has at most {tokens.MAX_LENGTH} tokens '
        'a side: look for wrong texts or another tokenizer'
      )
  sentence = check.too_long(published, files)
  if sentence:
    print(f'warning: {sentence}', file=sys.stderr)
  for result in results:
    if check.EMPTY in result.counts:
      counts[check.EMPTY] = result.counts[check.EMPTY]
  return counts


def _prepare(unit, folder, journal, report) -> None:
  """Does the work of a unit; see `Dataset.prepare`."""
  unit.work(folder, journal, report)


_FACTS = dataset_lib.Dataset(
  name=tokens.NAME,
  version=tokens.VERSION,
  title='WMT German-English',
  provider='statmt.org, the shared tasks of WMT',
  sign_up='none',
  licence='several: research, no redistribution',
  raw_bytes=sum(archive.bytes for archive in texts.ARCHIVES),
  prepared_bytes=_PAIR_BYTES * sum(check.PUBLISHED.pairs.values()),
  plan=functools.partial(_plan, check.PUBLISHED),
  prepare=_prepare,
  finish=functools.partial(_finish, check.PUBLISHED),
  check=functools.partial(check.findings, check.PUBLISHED),
  options={
    'tokenizer': 'a SentencePiece model to take, or `train` [that of an '
    'AlgoPerf folder, else train]',
  },
)
DATASET = dataset()
