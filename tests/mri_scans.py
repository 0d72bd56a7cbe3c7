# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature scans: raw files, what is expected of them, prepared ones.

As a script it prepares few volumes: `python -m tests.mri_scans RAW TO WORKERS`.
"""

import functools
import json
import pathlib
import sys
import tarfile

import h5py
import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import prepare as prepare_lib
from tests import reference
from workloads.fastmri import check, prepare

FOLDER = reference.FOLDER / 'data' / 'fastmri'
RAW = FOLDER / 'raw'
PARTS = ('train', 'val')
FEW = 3  # Volumes of the part val where few do; the last is test.


@functools.cache
def expected() -> dict:
  """Names, counts, seeds."""
  return json.loads((FOLDER / 'expected.json').read_text())


@functools.cache
def arrays() -> dict[str, np.ndarray]:
  """Masks, images, statistics."""
  with np.load(FOLDER / 'expected.npz') as file:
    return dict(file)


def volumes(part: str) -> list[tuple]:
  """Name, slices, height, width, max, has max of each volume."""
  return expected()['volumes'][f'knee_singlecoil_{part}']


FIRST = pathlib.Path('knee_singlecoil_train', volumes('train')[0][0])


def dataset(few: bool = False, **changes):
  """The data set with the counts of the miniature, or of a few volumes of it.

  Args:
    few: whether the part val has but `FEW` volumes.
    changes: to what is published.
  """
  train, val = volumes('train'), volumes('val')
  val = val[:FEW] if few else val
  boundary = FEW - 1 if few else check.PUBLISHED.validation_volumes
  published = check.Published(
    {'train': len(train), 'val': len(val)},
    {
      'train': sum(row[1] for row in train),
      'validation': sum(row[1] for row in val[:boundary]),
      'test': sum(row[1] for row in val[boundary:]),
    },
    boundary,
    tolerance=1.0,
  )
  return prepare.dataset(published._replace(**changes))


def prepared(
  to: pathlib.Path, raw: pathlib.Path = RAW, few: bool = False, **options
) -> str:
  """Prepares the miniature in a folder."""
  return prepare_lib.run(dataset(few), raw, to, **options)


def unpacked(folder: pathlib.Path, prefix: str = 'knee_') -> pathlib.Path:
  """Folders of raw volumes, few of the part val."""
  for part in PARTS:
    target = folder / f'{prefix}singlecoil_{part}'
    target.mkdir(parents=True)
    wanted = {row[0] for row in volumes(part)[: FEW if part == 'val' else None]}
    with tarfile.open(RAW / f'knee_singlecoil_{part}.tar.xz') as tar:
      for member in tar:
        name = pathlib.PurePath(member.name).name
        if name in wanted:
          (target / name).write_bytes(tar.extractfile(member).read())
  return folder


def packed(folder: pathlib.Path, suffix: str = '.tar') -> pathlib.Path:
  """Turns folders of raw volumes into archives, in an order of their own."""
  for part in PARTS:
    source = folder / f'knee_singlecoil_{part}'
    mode = 'w:' + suffix.removeprefix('.tar').removeprefix('.')
    with tarfile.open(folder / f'{source.name}{suffix}', mode) as tar:
      for path in sorted(source.iterdir(), reverse=True):
        tar.add(path, f'singlecoil_{part}/{path.name}')
        path.unlink()
    source.rmdir()
  return folder


def contents(folder: pathlib.Path) -> dict[str, bytes]:
  """Bytes of the files of a prepared data set, journals left out."""
  paths = (path for path in folder.rglob('*') if path.is_file())
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in paths
    if path.parent.name != 'journals'
  }


def refused(raw, to, workers=1, **changes):
  """The sentence with which the preparation of few volumes is refused."""
  made = dataset(few=True, **changes)
  with pytest.raises(errors.UserError) as caught:
    prepare_lib.run(made, raw, to, workers)
  sentence = str(caught.value)
  assert '\n' not in sentence
  if workers == 1:  # Of others that were at work something may be left.
    assert not list(to.glob('**/*.part'))
  assert not (to / 'fastmri' / 'manifest.json').exists()
  return sentence


def prepared_volumes(to):
  """Names of what is there under a final name."""
  return {path.name.split('.')[0] for path in to.rglob('*.npy')}


def changed(raw, **arrays):
  """Replaces arrays of the first training volume; None removes one."""
  path = raw / FIRST
  with h5py.File(path, 'a') as file:
    for key, array in arrays.items():
      if key in file:
        del file[key]
      if array is not None:
        file[key] = array
  return path


def raw_arrays(raw):
  """Arrays of the first training volume."""
  with h5py.File(raw / FIRST) as file:
    return {key: file[key][()] for key in ('kspace', 'reconstruction_esc')}


if __name__ == '__main__':
  prepared(
    pathlib.Path(sys.argv[2]),
    pathlib.Path(sys.argv[1]),
    few=True,
    workers=int(sys.argv[3]),
  )
