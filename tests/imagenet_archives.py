# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature ImageNet: raw archives, what is expected of them, prepared ones."""

import functools
import hashlib
import json
import pathlib
import tempfile

import numpy as np

from jaxperf.datasets import prepare as prepare_lib
from tests import reference
from workloads.imagenet import archives, prepare

FOLDER = reference.FOLDER / 'data' / 'imagenet'
RAW = FOLDER / 'raw'
SHARD_IMAGES = 5


@functools.cache
def expected() -> dict:
  """Names, labels, windows."""
  return json.loads((FOLDER / 'expected.json').read_text())


@functools.cache
def arrays() -> dict[str, np.ndarray]:
  """Images as the benchmark makes them."""
  with np.load(FOLDER / 'expected.npz') as file:
    return dict(file)


def published(raw: pathlib.Path = RAW, **changes):
  """The archives of a folder as if they were the original ones.

  Args:
    raw: folder.
    changes: fields of an archive that are to be others, by split.
  """
  found = {}
  for split, archive in archives.PUBLISHED.items():
    path = raw / archive.name
    content = path.read_bytes()
    images = len(expected()['splits'][split]['file_names'])
    digest = hashlib.sha256(content).hexdigest()
    archive = archives.Archive(path.name, len(content), digest, images)
    found[split] = archive._replace(**changes.get(split, {}))
  return found


def dataset(raw: pathlib.Path = RAW, **changes):
  """The data set with the archives of a folder."""
  return prepare.dataset(published(raw, **changes), SHARD_IMAGES)


def prepared(folder: pathlib.Path, raw: pathlib.Path = RAW, **options) -> str:
  """Prepares the miniature in a folder."""
  return prepare_lib.run(dataset(raw), raw, folder, **options)


@functools.cache
def data_dir() -> pathlib.Path:
  """A folder with the prepared miniature, for tests that change nothing."""
  made = tempfile.TemporaryDirectory()
  data_dir.keep = made  # Removed when Python ends.
  prepared(pathlib.Path(made.name))
  return pathlib.Path(made.name)


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """Bytes of the files of the prepared data set, journals left out."""
  place = folder / 'imagenet'
  return {
    path.name: path.read_bytes() for path in place.iterdir() if path.is_file()
  }
