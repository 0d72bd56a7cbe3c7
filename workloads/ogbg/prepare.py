# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepares ogbg-molpcba: by its builder, then as flat arrays, a file a split.

The builder of TensorFlow Datasets defines the order of the graphs. A folder
that it has made already, as an AlgoPerf installation has, does as well.
"""

import dataclasses
import functools
import itertools
import pathlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import errors
from jaxperf.datasets import archives, builders
from jaxperf.datasets import built as built_lib
from jaxperf.datasets import dataset as dataset_lib
from jaxperf.datasets import journal as journal_lib
from workloads.ogbg import check, raw, storage
from workloads.ogbg import graphs as graphs_lib

BUILDER = 'ogbg_molpcba:0.1.3'
_WORK = 'building'  # Folder of the builder, below the data set's.
_AT_ONCE = 4_096  # Graphs that are held as objects.
_GRAPH_BYTES = 560
_WORK_BYTES = 2 * 10**9


class Work(NamedTuple):
  """What one unit does.

  Attributes:
    split: to write.
    raw: folder of the archive.
    archive: what that should be.
    built: what a builder has made of it already; None if nothing.
    published: graphs of each split.
  """

  split: str
  raw: pathlib.Path
  archive: archives.Archive
  built: built_lib.Built | None
  published: Mapping[str, int]


def dataset(
  archive: archives.Archive = raw.ARCHIVE,
  published: Mapping[str, int] = check.PUBLISHED,
) -> dataset_lib.Dataset:
  """The data set, with what it is made of.

  Args:
    archive: the provider's.
    published: graphs of each split.
  """
  return dataclasses.replace(
    _FACTS,
    plan=functools.partial(_plan, archive, published),
    check=functools.partial(check.findings, published),
  )


def _plan(
  archive: archives.Archive,
  published: Mapping[str, int],
  folder: pathlib.Path,
  options: Mapping[str, str],
) -> dataset_lib.Plan:
  """A unit a split; see `Dataset.plan`."""
  library, built = built_lib.library(), None
  if not (folder / archive.name).is_file():
    built = built_lib.find(folder, BUILDER)
  if built is None:
    raw.find(folder, archive)
    passes, size = 2, _WORK_BYTES
  else:
    _check_lengths(built, published)
    passes, size = 1, 0
  units = [
    _unit(Work(split, folder, archive, built, published), passes)
    for split in storage.SPLITS
  ]
  graphs = sum(published.values())
  return dataset_lib.Plan(
    stages=[lambda _: units, _tidied],
    parameters={'builder': BUILDER, 'graphs': dict(published)},
    total=passes * graphs,
    records='graphs' + passes // 2 * ' (each is passed twice)',
    bytes=size + _GRAPH_BYTES * graphs,
    tools={library.__name__: library.__version__},
  )


def _check_lengths(
  built: built_lib.Built, published: Mapping[str, int]
) -> None:
  """Refuses what a builder has made of other data."""
  for split, wanted in published.items():
    found = sum(built.lengths.get(split, ()))
    if found != wanted:
      raise errors.UserError(
        f'{built.folder}: the {split} split has {found:,} graphs, expected '
        f'{wanted:,}: prepare it again from {raw.ARCHIVE.name}'
      )


def _unit(work: Work, passes: int) -> dataset_lib.Unit:
  """The unit that does this work."""
  origin = {'builder': BUILDER}
  if work.built is None:
    origin['archive'] = work.archive._asdict()
  else:
    origin['files'] = [
      [path.name, path.stat().st_size]
      for path in built_lib.files(work.built, work.split)
    ]
  records = passes * work.published[work.split]
  return dataset_lib.Unit(work.split, origin, records, work)


def _prepare(
  unit: dataset_lib.Unit,
  folder: pathlib.Path,
  journal: journal_lib.Journal,
  report: dataset_lib.Report,
) -> None:
  """Makes the file of a split; see `Dataset.prepare`."""
  work: Work = unit.work
  if not journal.files:
    built, rows = work.built, None
    if built is None:
      # What is left of another archive is not taken for this one's.
      place = folder / _WORK / work.archive.sha256[:16]
      with builders.alone(place):
        built, unpacked = _build(work, place, report)
      rows = raw.rows(work.raw / work.archive.name, unpacked, work.split)
    graphs = _flat(built, work.split, report)
    if rows is not None:
      graphs = dataclasses.replace(graphs, row=rows)
    journal.add(storage.write(folder, work.split, graphs))
  counts = journal.files[0].counts
  journal.finish(**counts)


def _build(
  work: Work, place: pathlib.Path, report: dataset_lib.Report
) -> tuple[built_lib.Built, pathlib.Path]:
  """What the builder makes of the archive, and the archive's files."""
  path = work.raw / work.archive.name
  done = builders.is_built(BUILDER, place)
  if not done:
    archives.verify(path, work.archive)
  unpacked = archives.unpack(path, place / builders.EXTRACTED)
  if not done:
    raw.check(path, unpacked, work.published)
  built = builders.build(BUILDER, [work.archive], work.raw, place, report)
  return built, unpacked


def _flat(
  built: built_lib.Built, split: str, report: dataset_lib.Report
) -> graphs_lib.Graphs:
  """The graphs of a split, in stored order.

  Raises:
    UserError: if they are not molecules of this data set.
  """
  examples = built_lib.examples(built, split)
  parts, done = [], 0
  while some := list(itertools.islice(examples, _AT_ONCE)):

    def where(kind: str, graph: int, _: int, done: int = done) -> str:
      return f'{built.folder}: {kind} of graph {done + graph:,} of {split}'

    _check_shapes(some, where)
    parts.append(graphs_lib.compact(_loose(some), where))
    done += len(some)
    report(len(some))
  return graphs_lib.joined(parts)


def _loose(examples: Sequence[Mapping[str, np.ndarray]]) -> graphs_lib.Loose:
  """Examples one after the other."""

  def column(key: str) -> np.ndarray:
    return np.concatenate([example[key] for example in examples])

  return graphs_lib.Loose(
    n_node=column('num_nodes'),
    n_bond=column('num_edges'),
    nodes=column('node_feat'),
    bonds=column('edge_index'),
    bond_features=column('edge_feat'),
    labels=np.stack([example['labels'] for example in examples]),
  )


def _check_shapes(
  examples: Iterable[Mapping[str, np.ndarray]], where: graphs_lib.Where
) -> None:
  """Refuses graphs whose parts do not belong together."""
  for index, example in enumerate(examples):
    nodes, bonds = int(example['num_nodes'][0]), int(example['num_edges'][0])
    for kind, key, shape in (
      ('atom', 'node_feat', (nodes, 9)),
      ('bond', 'edge_index', (bonds, 2)),
      ('bond_feature', 'edge_feat', (bonds, 3)),
      ('label', 'labels', (storage.NUM_TASKS,)),
    ):
      if example[key].shape != shape:
        raise errors.UserError(
          f'{where(kind, index, 0)}: the shape is {example[key].shape}, '
          f'expected {shape}: prepare it again from {raw.ARCHIVE.name}'
        )


def _tidied(folder: pathlib.Path) -> Iterator[dataset_lib.Unit]:
  """No unit; removes what only the ones before have needed."""
  shutil.rmtree(folder / _WORK, ignore_errors=True)
  return iter(())


def _finish(
  plan: dataset_lib.Plan, results: Sequence[dataset_lib.Result]
) -> dict[str, int]:
  """Graphs of each split, and the largest graph.

  Raises:
    UserError: if a split has not as many graphs as it should.
  """
  counts = {result.unit: result.counts for result in results}
  graphs = {split: counts[split]['graphs'] for split in storage.SPLITS}
  for split, wanted in plan.parameters['graphs'].items():
    if graphs[split] != wanted:
      raise errors.UserError(
        f'the {split} split has {graphs[split]:,} graphs, expected {wanted:,}: '
        f'prepare it again from {raw.ARCHIVE.name}'
      )
  largest = max(row['atoms_of_the_largest'] for row in counts.values())
  return graphs | {'atoms in the largest molecule': largest}


_FACTS = dataset_lib.Dataset(
  name=storage.NAME,
  version=storage.VERSION,
  title='ogbg-molpcba',
  provider='Open Graph Benchmark, ogb.stanford.edu',
  sign_up='none',
  licence='MIT',
  raw_bytes=raw.ARCHIVE.bytes,
  prepared_bytes=_GRAPH_BYTES * sum(check.PUBLISHED.values()),
  plan=functools.partial(_plan, raw.ARCHIVE, check.PUBLISHED),
  prepare=_prepare,
  finish=_finish,
  check=functools.partial(check.findings, check.PUBLISHED),
)
DATASET = dataset()
