# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The table of data sets."""

from __future__ import annotations

import os
from collections.abc import Iterable

from jaxperf import errors, prepared, text
from jaxperf.datasets import dataset as dataset_lib


def table(
  datasets: Iterable[dataset_lib.Dataset],
  data_dir: str | os.PathLike | None,
) -> str:
  """A line a data set: what it is, how large, whether it is there.

  Args:
    datasets: to list.
    data_dir: folder of all prepared data; `$JAXPERF_DATA` if empty.
  """
  header = ['data set', 'what', 'licence', 'download', 'prepared', 'here']
  rows = []
  for dataset in datasets:
    sizes = (dataset.raw_bytes, dataset.prepared_bytes)
    rows.append(
      [dataset.name, dataset.title, dataset.licence]
      + [_size(size) for size in sizes]
      + [_state(dataset, data_dir)]
    )
  sources = [
    f'{dataset.name}: {dataset.provider}; sign-up: {dataset.sign_up}.'
    for dataset in datasets
  ]
  return '\n'.join([text.layout(header, rows), '', *map(text.wrapped, sources)])


def _size(count: int) -> str:
  """Bytes for people.

  >>> _size(342 * 10**9), _size(39_533_472)
  ('342 GB', '40 MB')
  """
  if count < 10**9:
    return f'{count / 1e6:,.0f} MB'
  return f'{count / 1e9:,.0f} GB'


def _state(dataset: dataset_lib.Dataset, data_dir) -> str:
  """Whether a data set is there."""
  if not data_dir and prepared.ENVIRONMENT not in os.environ:
    return '?'
  folder = prepared.folder(dataset.name, data_dir)
  try:
    manifest = prepared.load(folder, dataset.version, partial=True)
  except errors.UserError:
    return 'unfinished' if folder.is_dir() else 'no'
  return 'a part' if manifest.partial else 'yes'
