# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared molecules on disk: `SPLIT.npz`, the arrays of `graphs.Graphs`."""

import functools
import pathlib
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

from jaxperf import errors, prepared
from workloads.ogbg import graphs as graphs_lib

NAME, VERSION = 'ogbg', 1
SPLITS = ('train', 'validation', 'test')
NUM_TASKS = 128


def file_name(split: str) -> str:
  """Name of a split's file."""
  return f'{split}.npz'


def write(
  folder: pathlib.Path, split: str, graphs: graphs_lib.Graphs
) -> prepared.File:
  """Writes a split under its name once it is whole; describes the file."""
  name = file_name(split)
  with prepared.writing(folder / name) as file:
    np.savez(file, **graphs.arrays())
  return prepared.describe(folder, name, **graphs.counts())


def open_splits(data_dir) -> Callable[[str], graphs_lib.Graphs]:
  """What reads a split of the prepared data, once, when it is asked for.

  Args:
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.

  Raises:
    UserError: if the data is not there, or not whole, or of another version.
  """
  folder = prepared.folder(NAME, data_dir)
  prepared.load(folder, VERSION)
  return functools.cache(functools.partial(read, folder))


def read(folder: pathlib.Path, split: str) -> graphs_lib.Graphs:
  """The graphs of a split, in stored order.

  Raises:
    UserError: if the file is damaged.
  """
  path = folder / file_name(split)
  damages = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError)
  try:
    with np.load(path, allow_pickle=False) as arrays:
      return graphs_lib.Graphs(**arrays)
  except (*damages, TypeError) as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): remove it and run '
      f'`jaxperf data prepare {NAME}` again'
    ) from None
