# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The provider's files: CSV without headers, compressed, in one archive."""

import pathlib
import zlib
from collections.abc import Mapping

import numpy as np

from jaxperf import errors
from jaxperf.datasets import archives
from workloads.ogbg import graphs as graphs_lib
from workloads.ogbg import storage

ARCHIVE = archives.Archive(
  'pcba.zip',
  39_533_472,
  '0bb12da2f3ec8b0bb80564114a6174fad2df6a3a0d3c19470b3a27813a7d4e53',
)
# Archives of other sets of molecules of the same provider, ogbg-mol*.
OTHERS = (
  *('hiv', 'muv', 'tox21', 'toxcast', 'bace', 'bbbp', 'clintox', 'sider'),
  *('esol', 'freesolv', 'lipo'),
)
_FILES = {
  'n_node': 'num-node-list',
  'n_bond': 'num-edge-list',
  'atom': 'node-feat',
  'bond': 'edge',
  'bond_feature': 'edge-feat',
  'label': 'graph-label',
}
_COLUMNS = {
  **{'n_node': 1, 'n_bond': 1, 'atom': 9, 'bond': 2, 'bond_feature': 3},
  'label': storage.NUM_TASKS,
}
_SPLITS = {'train': 'train', 'validation': 'valid', 'test': 'test'}
_AGAIN = 'download the original archive again'


def find(
  raw: pathlib.Path, archive: archives.Archive = ARCHIVE
) -> pathlib.Path:
  """The archive, in its size.

  Raises:
    UserError: if it is not there, or is not whole.
  """
  others = [name for name in OTHERS if (raw / f'{name}.zip').is_file()]
  if others and not (raw / archive.name).is_file():
    raise errors.UserError(
      f'{raw} lacks {archive.name}, and {others[0]}.zip cannot take its '
      f'place, it is of ogbg-mol{others[0]}: download ogbg-molpcba'
    )
  return archives.find(raw, archive)


def check(
  path: pathlib.Path, unpacked: pathlib.Path, published: Mapping[str, int]
) -> None:
  """Refuses content that is not that of the original archive.

  Args:
    path: of the archive, for messages.
    unpacked: folder of its content.
    published: graphs of each split.

  Raises:
    UserError: naming file, row and what was expected.
  """
  _check_set(path, unpacked)
  kinds = {kind: _read(path, unpacked, kind) for kind in _FILES}
  n_node, n_bond = kinds['n_node'][:, 0], kinds['n_bond'][:, 0]
  for kind, sizes in (
    *(('n_bond', n_node), ('label', n_node)),
    *(('atom', n_node), ('bond', n_bond), ('bond_feature', n_bond)),
  ):
    graphs = kind in ('n_bond', 'label')
    wanted = len(sizes) if graphs else int(sizes.sum())
    if len(kinds[kind]) != wanted:
      raise errors.UserError(
        f'{path}: {_name(kind)} has {len(kinds[kind]):,} lines, expected '
        f'{wanted:,} by the numbers of atoms and bonds: {_AGAIN}'
      )
  graphs_lib.check_values(
    graphs_lib.Loose(n_node, n_bond, *list(kinds.values())[2:]),
    lambda kind, graph, row: (
      f'{path}: {_name(kind)}, row {row:,} (from 0), of graph {graph:,}'
    ),
  )
  _check_splits(path, unpacked, len(n_node), published)


def rows(path: pathlib.Path, unpacked: pathlib.Path, split: str) -> np.ndarray:
  """Rows of a split, in the order in which a builder stores them: (G,) int32.

  That is the order of a hash of the row, salted with the name of the split.
  """
  from tensorflow_datasets.core import hashing  # Needed here alone.

  hasher = hashing.Hasher(split)
  found = _split(path, unpacked, split).tolist()
  return np.array(sorted(found, key=hasher.hash_key), np.int32)


def _check_set(path: pathlib.Path, unpacked: pathlib.Path) -> None:
  """Refuses another data set of the same provider."""
  folders = [entry.name for entry in unpacked.iterdir() if entry.is_dir()]
  if 'pcba' not in folders:
    seems = f'ogbg-mol{folders[0]}' if folders else 'empty'
    raise errors.UserError(
      f'{path} has no folder pcba, and seems to be {seems}: download '
      'ogbg-molpcba'
    )


def _read(path: pathlib.Path, unpacked: pathlib.Path, kind: str) -> np.ndarray:
  """The lines of a file of numbers, (lines, columns)."""
  found = _numbers(
    path,
    unpacked / 'pcba' / 'raw' / _name(kind),
    np.float32 if kind == 'label' else np.int64,
  )
  columns = _COLUMNS[kind]
  if found.shape[1] == columns:
    return found
  seems = ', and seems to be another data set' if kind == 'label' else ''
  raise errors.UserError(
    f'{path}: {_name(kind)} has {found.shape[1]} columns, expected {columns}'
    f'{seems}: download ogbg-molpcba again'
  )


def _numbers(path: pathlib.Path, file: pathlib.Path, dtype) -> np.ndarray:
  """The numbers in a file, (lines, columns)."""
  import pandas as pd  # Takes long to import.

  try:
    table = pd.read_csv(file, compression='gzip', header=None, dtype=dtype)
  except FileNotFoundError:
    raise errors.UserError(f'{path} lacks {file.name}: {_AGAIN}') from None
  except (ValueError, OverflowError, EOFError, zlib.error, OSError) as error:
    if isinstance(error, OSError) and error.errno is not None:
      raise  # The disk's, not the file's.
    raise errors.UserError(
      f'{path}: {file.name} is damaged ({errors.first_line(error)}): {_AGAIN}'
    ) from None
  return table.to_numpy()


def _split(
  path: pathlib.Path, unpacked: pathlib.Path, split: str
) -> np.ndarray:
  """Rows of a split as they are listed."""
  file = unpacked / 'pcba' / 'split' / 'scaffold' / f'{_SPLITS[split]}.csv.gz'
  return _numbers(path, file, np.int64)[:, 0]


def _check_splits(path, unpacked, graphs, published) -> None:
  """Refuses splits of other sizes, with rows twice or of no graph."""
  owner = np.full(graphs, '', object)
  for split, wanted in published.items():
    found = _split(path, unpacked, split)
    if len(found) != wanted:
      raise errors.UserError(
        f'{path}: the {split} split has {len(found):,} graphs, expected '
        f'{wanted:,}: {_AGAIN}'
      )
    for row in found.tolist():
      if not 0 <= row < graphs:
        raise errors.UserError(
          f'{path}: the {split} split names row {row:,}, and there are '
          f'{graphs:,} graphs: {_AGAIN}'
        )
      if owner[row]:
        raise errors.UserError(
          f'{path}: row {row:,} is in the {split} split and in the '
          f'{owner[row]} split: {_AGAIN}'
        )
      owner[row] = split


def _name(kind: str) -> str:
  """Name of a file of numbers."""
  return f'{_FILES[kind]}.csv.gz'
