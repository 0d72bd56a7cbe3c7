# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The sentence pairs as text: data sets of TensorFlow Datasets, as published.

They are made from the archives of the shared tasks, or are there already, as in
an AlgoPerf installation.
"""

import importlib
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from jaxperf import errors
from jaxperf.datasets import archives as archives_lib
from jaxperf.datasets import builders
from jaxperf.datasets import built as built_lib

Pair = tuple[str, str]  # German, English.
WMT17 = 'wmt17_translate/de-en:1.0.0'
WMT14 = 'wmt14_translate/de-en:1.0.0'
BUILDERS = {'train': WMT17, 'validation': WMT14, 'test': WMT14}
LANGUAGES = ('de', 'en')
ARCHIVES = (
  archives_lib.Archive(
    'training-parallel-europarl-v7.tgz',
    657_632_379,
    '0224c7c710c8a063dfd893b0cc0830202d61f4c75c17eb8e31836103d27d96e7',
  ),
  archives_lib.Archive(
    'training-parallel-commoncrawl.tgz',
    918_311_367,
    'c7a74e2ea01ac6c920123108627e35278d4ccb5701e15428ffa34de86fa3a9e5',
  ),
  archives_lib.Archive(
    'training-parallel-nc-v12.tgz',
    168_591_139,
    '2b45f30ef1d550d302fd17dd3a5cbe19134ccc4c2cf50c2dae534aee600101a2',
  ),
  archives_lib.Archive(
    'rapid2016.tgz',
    161_050_516,
    '41557dd5d8f0ed3a6d98bce3b798b1a9d3b68361eb99d902329ddbb943a6b55a',
  ),
  archives_lib.Archive(
    'training-parallel-nc-v9.tgz',
    80_418_416,
    'cb8953f292298e6877ae433c98912b927cb0766b303f4540512ddd286c748485',
  ),
  archives_lib.Archive(
    'dev.tgz',
    38_654_961,
    '7a7deccf82ebb05ba508dba5eb21356492224e8f630ec4f992132b029b4b25e7',
  ),
)
# Archives with the training texts, and their members, less the language.
TEXTS = {
  'training-parallel-europarl-v7.tgz': 'training/europarl-v7.de-en',
  'training-parallel-commoncrawl.tgz': 'commoncrawl.de-en',
  'training-parallel-nc-v12.tgz': 'training/news-commentary-v12.de-en',
  'rapid2016.tgz': 'rapid2016.de-en',
}
_BLOCK = 16  # Examples that are read of a file before the next one's turn.


def find(raw: pathlib.Path) -> Mapping[str, built_lib.Built] | None:
  """The data sets that are there already, by builder; None if none is.

  Raises:
    UserError: if one of them is, or one is not whole or of another version.
  """
  found = {name: built_lib.find(raw, name) for name in (WMT17, WMT14)}
  lacking = [name for name, built in found.items() if built is None]
  if not lacking:
    return found
  if len(lacking) < len(found):
    raise errors.UserError(
      f'{raw} lacks {lacking[0].replace(":", "/")}, and the other data set '
      'alone is not enough: copy it as well'
    )
  return None


def make(
  name: str,
  archives: Sequence[archives_lib.Archive],
  raw: pathlib.Path,
  work: pathlib.Path,
  report: Callable[[int], None] = lambda count: None,
) -> built_lib.Built:
  """Makes a data set from the archives, unless that is done already.

  Args:
    name: of its builder.
    archives: that should be there.
    raw: folder of the archives.
    work: see `builders.build`.
    report: told of pairs as they are made.

  Raises:
    UserError: if an archive is missing or damaged, or its texts do not fit
      together.
  """
  if builders.is_built(name, work):
    return builders.build(name, archives, raw, work)
  with builders.alone(work):
    for archive in archives:
      path = archives_lib.find(raw, archive)
      archives_lib.verify(path, archive)
      archives_lib.unpack(path, work / builders.EXTRACTED)
  built_lib.library()
  dataset = name.partition('_')[0]  # Builders are known once imported.
  importlib.import_module(f'tensorflow_datasets.translate.{dataset}')
  try:
    return builders.build(name, archives, raw, work, report)
  except (AssertionError, UnicodeDecodeError) as error:
    raise errors.UserError(
      f'the texts of {name}, from the archives in {raw}, do not fit together '
      f'({errors.first_line(error)}): download the archives again'
    ) from None


def lines(work: pathlib.Path) -> int:
  """Lines of the training texts, of which the builder drops some.

  Args:
    work: the folder in which the archives are unpacked.
  """
  total = 0
  for archive, member in TEXTS.items():
    folder = work / builders.EXTRACTED / f'TAR_GZ.{archive}'
    with (folder / f'{member}.{LANGUAGES[0]}').open('rb') as file:
      total += sum(1 for _ in file)  # Binary: ends at line feeds alone.
  return total


def check_counts(
  found: Mapping[str, built_lib.Built], expected: Mapping[str, int]
) -> None:
  """Refuses another number of pairs.

  Args:
    found: by builder.
    expected: pairs of each split.

  Raises:
    UserError: naming folder, builder and numbers.
  """
  for split, name in BUILDERS.items():
    count = sum(found[name].lengths.get(split, ()))
    if count != expected[split]:
      raise errors.UserError(
        f'{found[name].folder}, made as {name}, has {count:,} {split} pairs, '
        f'expected {expected[split]:,}: take the archives, or a folder that '
        'this version of the builder has made of them'
      )


def pairs(
  built: built_lib.Built, split: str, first: int = 0, last: int | None = None
) -> Iterator[Pair]:
  """Pairs of a split in stored order; see `built_lib.examples`."""
  for example in built_lib.examples(built, split, first, last):
    yield tuple(example[language].decode() for language in LANGUAGES)


def reading_order(
  built: built_lib.Built, split: str, files: int
) -> Iterator[Pair]:
  """Pairs of a split in the order in which the benchmark reads them.

  Some pairs are taken from each file in turn. File i of k has the stored pairs
  from round(i n / k) on, whatever files there are here.

  Args:
    built: the data set.
    split: its name.
    files: of the benchmark's data set, k.
  """
  count = sum(built.lengths[split])
  bounds = [round(i * count / files) for i in range(files + 1)]
  return in_turn(
    pairs(built, split, first, last)
    for first, last in itertools.pairwise(bounds)
  )


def in_turn(readers: Iterable[Iterator]) -> Iterator:
  """A block of the first reader, one of the second, and so on, to all ends.

  >>> ''.join(in_turn([iter('a' * 17), iter('b' * 3), iter('c' * 16)]))
  'aaaaaaaaaaaaaaaabbbcccccccccccccccca'
  """
  readers = [iter(reader) for reader in readers]
  while readers:
    left = []
    for reader in readers:
      block = list(itertools.islice(reader, _BLOCK))
      yield from block
      if len(block) == _BLOCK:
        left.append(reader)
    readers = left


def corpus(ordered: Iterable[Pair], size: int) -> Iterator[str]:
  """Lines to train a tokenizer on: pair after pair, German before English.

  Args:
    ordered: pairs.
    size: bytes of the text, line ends included; the pair with which it has so
      many is the last one.
  """
  total = 0
  for pair in ordered:
    yield from pair
    total += sum(len(line.encode()) + 1 for line in pair)
    if total >= size:
      return
