# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets of TensorFlow Datasets, made without TensorFlow.

TensorFlow would be imported to unpack archives and to write TFRecord files. So
archives are unpacked first (`archives.unpack`), and array records are made.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import io
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from jaxperf import prepared
from jaxperf.datasets import archives as archives_lib
from jaxperf.datasets import built

EXTRACTED = 'extracted'  # In a working folder: what is unpacked.


@contextlib.contextmanager
def alone(work: pathlib.Path) -> Iterator[None]:
  """A working folder, made if need be, that other processes wait for."""
  work.mkdir(parents=True, exist_ok=True)
  with (work / 'lock').open('a') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield


def is_built(name: str, work: pathlib.Path) -> bool:
  """Whether `build` has nothing to do in a working folder."""
  return _mark(name, work).is_file()


def build(
  name: str,
  archives: Sequence[archives_lib.Archive],
  raw: pathlib.Path,
  work: pathlib.Path,
  report: Callable[[int], None] = lambda count: None,
) -> built.Built:
  """Makes a data set by its builder, unless that is done already.

  Args:
    name: with the version, e.g. `'ogbg_molpcba:0.1.3'`.
    archives: that it is made of, as they are, which need not be the published
      ones.
    raw: folder of the archives, the builder's "manual folder".
    work: a working folder, with the archives unpacked in `EXTRACTED` below it.
      What was begun in it and is not complete is begun again.
    report: told of examples as they are made.
  """
  place = work / 'built' / name.replace(':', '/')
  if not is_built(name, work):
    if place.parent.is_dir():
      print(
        f'the preparation of {name} was interrupted; started again',
        file=sys.stderr,
      )
      shutil.rmtree(place.parent)
    _run(_builder(name, archives, work, report), raw, work)
    os.sync()  # Before it is called complete.
    with prepared.writing(_mark(name, work)):
      pass
  return built.opened(place)


def _mark(name: str, work: pathlib.Path) -> pathlib.Path:
  """The file that tells that a data set is complete."""
  return work / f'{name.replace("/", "-").replace(":", "-")}.complete'


def _builder(name, archives, work, report):
  """A builder that takes these archives for the published ones."""
  tfds = built.library()
  builder = tfds.builder(
    name, data_dir=work / 'built', file_format='array_record'
  )
  checksums = importlib.import_module(
    'tensorflow_datasets.core.download.checksums'
  )
  for archive in archives:
    for url, published in builder.url_infos.items():
      if published.filename == archive.name:
        builder.url_infos[url] = checksums.UrlInfo(
          archive.bytes, archive.sha256, archive.name
        )
  generate = builder._generate_examples
  builder._generate_examples = lambda *args, **named: _reported(
    generate(*args, **named), report
  )
  return builder


def _run(builder, raw: pathlib.Path, work: pathlib.Path) -> None:
  """Makes the data set; that it is "downloading" is not told."""
  tfds = built.library()
  tfds.disable_progress_bar()
  config = tfds.download.DownloadConfig(
    manual_dir=raw,
    extract_dir=work / EXTRACTED,
    force_checksums_validation=True,
  )
  with contextlib.redirect_stdout(io.StringIO()):
    builder.download_and_prepare(
      download_dir=work / 'downloads', download_config=config
    )


def _reported(items: Iterable[Any], report) -> Iterator[Any]:
  """The items; tells how many there were now and then."""
  count = 0
  for item in items:
    yield item
    count += 1
    if count == built.AT_ONCE:
      report(count)
      count = 0
  report(count)
