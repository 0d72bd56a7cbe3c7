# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares FineWeb-Edu: Parquet files of texts become ids of documents.

The work of a unit is a function of `(folder, journal, report)`.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from jaxperf import errors, prepared
from jaxperf.datasets import dataset as dataset_lib
from workloads.finewebedu_lm import bpe, check, tokens

_COLUMN = 'text'
_BATCH = 1024  # Documents that are encoded at once.
_DOCUMENT_BYTES = 2_100  # Prepared, with its ends and places; about.


class Source(NamedTuple):
  """What the data is made of.

  Attributes:
    raw: the folder that was named.
    tokenizer: folder of its two files.
    sha256: of the tokenizer.
    rows: documents of each Parquet file, by its name below `raw`, in order.
  """

  raw: pathlib.Path
  tokenizer: pathlib.Path
  sha256: str
  rows: Mapping[str, int]

  def origin(self) -> dict:
    """What all results depend on."""
    sizes = {name: (self.raw / name).stat().st_size for name in self.rows}
    return {'files': sizes, 'tokenizer': self.sha256}


def dataset(
  published: check.Published = check.PUBLISHED,
) -> dataset_lib.Dataset:
  """The data set, with the counts that it should have."""
  return dataclasses.replace(
    _FACTS, check=functools.partial(check.findings, published)
  )


def _plan(raw: pathlib.Path, options: Mapping[str, str]) -> dataset_lib.Plan:
  """Ids of each file, then all of them together; see `Dataset.plan`."""
  if not options.get('tokenizer'):
    raise errors.UserError(
      f'no tokenizer is named: download {bpe.VOCAB} and {bpe.MERGES} of GPT-2 '
      'into a folder and say --tokenizer=DIR'
    )
  tokenizer = pathlib.Path(options['tokenizer'])
  known = bpe.load(tokenizer)
  source = Source(raw, tokenizer, known.sha256, _rows(raw))
  count = sum(source.rows.values())
  return dataset_lib.Plan(
    stages=[
      functools.partial(_files, source),
      functools.partial(_joins, source),
    ],
    parameters={'tokenizer': known.sha256, 'vocabulary': known.vocabulary},
    total=count,
    records='documents',
    bytes=2 * count * _DOCUMENT_BYTES,
    tools={name: metadata.version(name) for name in ('pyarrow', 'tokenizers')},
  )


def _parquet() -> Any:
  """The library, imported.

  Raises:
    UserError: if it is not installed; names the extra.
  """
  try:
    import pyarrow.parquet
  except ImportError as error:
    raise errors.UserError(
      f"reading Parquet needs the extra `data`: pip install 'jaxperf[data]' "
      f'({error})'
    ) from None
  return pyarrow.parquet


def _opened(path: pathlib.Path) -> Any:
  """A Parquet file with a column of texts.

  Raises:
    UserError: if it is something else.
  """
  pyarrow = _parquet()
  try:
    file = pyarrow.ParquetFile(path)
    kind = str(file.schema_arrow.field(_COLUMN).type)
  # The library raises its own kinds of exceptions.
  except Exception as error:
    raise errors.UserError(
      f'{path} is no Parquet file with a column {_COLUMN!r} '
      f'({errors.first_line(error)}): download it again'
    ) from None
  if kind not in ('string', 'large_string'):
    raise errors.UserError(
      f'{path}: the column {_COLUMN!r} holds {kind}, expected string'
    )
  return file


def _rows(raw: pathlib.Path) -> dict[str, int]:
  """Documents of each Parquet file of a folder, in order of names."""
  paths = sorted(raw.rglob('*.parquet'))
  if not paths:
    raise errors.UserError(
      f'{raw} holds no file *.parquet: download the Parquet files of '
      f'{check.DATASET}, configuration {check.CONFIGURATION}'
    )
  return {
    str(path.relative_to(raw)): _opened(path).metadata.num_rows
    for path in paths
  }


def _files(source: Source, _: pathlib.Path) -> Iterator[dataset_lib.Unit]:
  """A unit a Parquet file."""
  for number, (name, rows) in enumerate(source.rows.items()):
    size = (source.raw / name).stat().st_size
    yield dataset_lib.Unit(
      _part(number),
      {'file': name, 'bytes': size, 'tokenizer': source.sha256},
      rows,
      functools.partial(_encode, source, number, name),
    )


def _part(number: int) -> str:
  return f'part_{number:05d}'


def _encode(source, number, name, folder, journal, report) -> None:
  """Makes a piece of ids of each row group of a file."""
  file = _opened(source.raw / name)
  done = len(journal.files)
  report(sum(int(f.counts['documents']) for f in journal.files), True)
  tokenizer = bpe.load(source.tokenizer)
  (folder / prepared.WORK).mkdir(exist_ok=True)
  for group in range(done, file.num_row_groups):
    try:
      texts = file.read_row_group(group, columns=[_COLUMN])[_COLUMN].to_pylist()
    except Exception as error:
      raise errors.UserError(
        f'{source.raw / name}, row group {group} cannot be read '
        f'({errors.first_line(error)}): download the file again'
      ) from None
    ids, lengths = [], []
    for start in range(0, len(texts), _BATCH):
      for document in tokenizer.encode(texts[start : start + _BATCH]):
        ids += document
        lengths.append(len(document))
      report(min(_BATCH, len(texts) - start))
    place = f'{prepared.WORK}/{_part(number)}_{group:05d}.npz'
    with prepared.writing(folder / place) as piece:
      np.savez(
        piece, ids=np.array(ids, tokens.IDS), lengths=np.array(lengths, '<u4')
      )
    counts = {'documents': len(lengths), 'ids': len(ids)}
    journal.add(prepared.describe(folder, place, **counts))
  journal.finish(documents=sum(source.rows.values()))


def _joins(source: Source, _: pathlib.Path) -> Iterator[dataset_lib.Unit]:
  """One unit: all pieces together, and the splits."""
  yield dataset_lib.Unit('all', source.origin(), 0, _join)


def _join(folder, journal, report) -> None:
  """Writes ids, ends and orders."""
  del report  # No documents are read.
  pieces = sorted((folder / prepared.WORK).glob('part_*.npz'))
  lengths = np.concatenate([np.load(piece)['lengths'] for piece in pieces])
  ends = np.cumsum(lengths, dtype=tokens.ENDS)
  total = int(ends[-1]) if len(ends) else 0
  if not total:
    raise errors.UserError('no document has any text: look for wrong files')
  with prepared.writing(folder / tokens.IDS_NAME) as file:
    np.lib.format.write_array_header_1_0(
      file,
      {'descr': tokens.IDS.str, 'fortran_order': False, 'shape': (total,)},
    )
    for piece in pieces:
      file.write(np.load(piece)['ids'].tobytes())
  journal.add(prepared.describe(folder, tokens.IDS_NAME, ids=total))
  _save(folder, journal, tokens.ENDS_NAME, ends, documents=len(ends))
  for division in tokens.DIVISIONS:
    for split, order in tokens.divide(division, len(ends)).items():
      name = tokens.order_name(division, split)
      count = int(lengths[order].sum(dtype=np.int64))
      _save(
        folder,
        journal,
        name,
        order.astype(tokens.ORDER),
        documents=len(order),
        ids=count,
      )
  journal.finish(documents=len(ends), ids=total)


def _save(folder, journal, name, array, **counts) -> None:
  """Writes an array and notes the file."""
  with prepared.writing(folder / name) as file:
    np.save(file, array)
  journal.add(prepared.describe(folder, name, **counts))


def _prepare(unit, folder, journal, report) -> None:
  """Does the work of a unit; see `Dataset.prepare`."""
  unit.work(folder, journal, report)


def _finish(
  plan: dataset_lib.Plan, results: Sequence[dataset_lib.Result]
) -> dict[str, int]:
  """Documents and ids of all."""
  (joined,) = (result for result in results if result.unit == 'all')
  return dict(joined.counts)


_FACTS = dataset_lib.Dataset(
  name=tokens.NAME,
  version=tokens.VERSION,
  title='FineWeb-Edu, sample of 10 billion tokens',
  provider=f'Hugging Face, {check.DATASET}, {check.CONFIGURATION}',
  sign_up='none',
  licence='ODC-By 1.0, and the terms of Common Crawl',
  raw_bytes=28_500_000_000,
  prepared_bytes=20_100_000_000,
  plan=_plan,
  prepare=_prepare,
  finish=_finish,
  check=functools.partial(check.findings, check.PUBLISHED),
  options={
    'tokenizer': f'folder of {bpe.VOCAB} and {bpe.MERGES} of GPT-2',
  },
)
DATASET = dataset()
