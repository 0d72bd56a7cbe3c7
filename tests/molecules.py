# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature molecules: raw files, what is expected of them, prepared ones.

As a script it prepares them: `python -m tests.molecules RAW TO WORKERS`.
"""

import functools
import gzip
import hashlib
import json
import pathlib
import sys
import zipfile

import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import archives
from jaxperf.datasets import prepare as prepare_lib
from tests import reference
from workloads.ogbg import graphs, prepare, storage

FOLDER = reference.FOLDER / 'data' / 'ogbg'
RAW, BUILT = FOLDER / 'raw', FOLDER / 'tfds'


@functools.cache
def expected() -> dict[str, dict[str, int]]:
  """Counts of each split."""
  return json.loads((FOLDER / 'expected.json').read_text())['splits']


@functools.cache
def arrays() -> dict[str, np.ndarray]:
  """Examples in stored order, and the benchmark's batches of them."""
  with np.load(FOLDER / 'outputs.npz') as file:
    return dict(file)


def published() -> dict[str, int]:
  """Graphs of each split."""
  return {split: row['graphs'] for split, row in expected().items()}


def archive(raw: pathlib.Path = RAW) -> archives.Archive:
  """What the archive of a folder is; of the miniature, what it should be."""
  if raw == RAW:
    row = json.loads((RAW / 'manifest.json').read_text())['pcba.zip']
    return archives.Archive('pcba.zip', row['bytes'], row['sha256'])
  content = (raw / 'pcba.zip').read_bytes()
  digest = hashlib.sha256(content).hexdigest()
  return archives.Archive('pcba.zip', len(content), digest)


def dataset(raw: pathlib.Path = RAW, **counts: int):
  """The data set with the miniature's counts; others if they are given."""
  return prepare.dataset(archive(raw), published() | counts)


def prepared(to: pathlib.Path, raw: pathlib.Path = RAW, workers: int = 1):
  """Prepares the miniature in a folder, from its archive or what is built."""
  made = dataset(raw if (raw / 'pcba.zip').is_file() else RAW)
  return prepare_lib.run(made, raw, to, workers)


@functools.cache
def split(name: str) -> graphs.Graphs:
  """The graphs of a split as the benchmark has them."""
  found = arrays()
  keys = ('num_nodes', 'num_edges', 'node_feat')
  keys += ('edge_index', 'edge_feat', 'labels')
  return graphs.compact(graphs.Loose(*(found[f'{name}_{key}'] for key in keys)))


def members(raw: pathlib.Path = RAW) -> dict[str, bytes]:
  """The text of each file of the archive."""
  with zipfile.ZipFile(raw / 'pcba.zip') as zipped:
    return {
      name: gzip.decompress(zipped.read(name)) for name in zipped.namelist()
    }


def packed(raw: pathlib.Path, content: dict[str, bytes]) -> pathlib.Path:
  """Writes an archive of these texts; returns its folder."""
  raw.mkdir(exist_ok=True)
  with zipfile.ZipFile(raw / 'pcba.zip', 'w') as zipped:
    for name, text in content.items():
      zipped.writestr(name, gzip.compress(text, mtime=0))
  return raw


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """Bytes of the files of a prepared data set, journals left out."""
  place = folder / storage.NAME
  paths = (path for path in place.rglob('*') if path.is_file())
  return {
    str(path.relative_to(place)): path.read_bytes()
    for path in paths
    if path.parent.name != 'journals'
  }


def refused(raw: pathlib.Path, to: pathlib.Path, **counts: int) -> str:
  """The sentence with which a preparation is refused."""
  there = raw if (raw / 'pcba.zip').is_file() else RAW
  with pytest.raises(errors.UserError) as caught:
    prepare_lib.run(dataset(there, **counts), raw, to)
  sentence = str(caught.value)
  assert '\n' not in sentence
  assert not [*to.rglob('*.npz'), *to.rglob('manifest.json')]
  return sentence


if __name__ == '__main__':
  prepared(
    pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[1]), int(sys.argv[3])
  )
