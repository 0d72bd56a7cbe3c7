# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Downloaded archives of which size and hash are published."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tarfile
import zipfile
import zlib
from typing import NamedTuple

from jaxperf import errors, prepared

_SHOWN = 60  # Characters of what is no archive.


class Archive(NamedTuple):
  """What a downloaded file should be.

  Attributes:
    name: of the file.
    bytes: its size.
    sha256: of its content, hexadecimal.
  """

  name: str
  bytes: int
  sha256: str


def find(raw: pathlib.Path, archive: Archive) -> pathlib.Path:
  """The path of an archive that is there, in its size.

  Args:
    raw: folder of downloads.
    archive: what is looked for.

  Raises:
    UserError: if it is missing, not whole, or something else, e.g. the page
      with which a server says that it has no such file.
  """
  path = raw / archive.name
  if not path.is_file():
    raise errors.UserError(
      f'{raw} lacks {archive.name} ({archive.bytes:,} bytes): download it, or '
      'name the folder that holds it'
    )
  size = path.stat().st_size
  if size != archive.bytes:
    raise errors.UserError(
      f'{path} has {size:,} bytes, expected {archive.bytes:,}'
      f'{_is_text(path)}: download it again'
    )
  return path


def verify(path: pathlib.Path, archive: Archive) -> None:
  """Compares the hash of an archive; reads all of it.

  Raises:
    UserError: if it is another one.
  """
  found = prepared.sha256(path)
  if found != archive.sha256:
    raise errors.UserError(
      f'{path} has the SHA-256 {found[:16]}..., expected '
      f'{archive.sha256[:16]}...{_is_text(path)}: it is damaged or another '
      'file, download it again'
    )


def unpack(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
  """Unpacks a `.zip`, `.tgz` or `.tar.gz`, unless that is done already.

  Args:
    path: of the archive.
    folder: made if need be; the content is in a folder below it that has its
      name when it is complete.

  Returns:
    `folder/ZIP.NAME` or `folder/TAR_GZ.NAME`, where TensorFlow Datasets looks
    for what it need not unpack itself.

  Raises:
    UserError: if the archive is damaged.
  """
  is_zip = path.suffix == '.zip'
  target = folder / f'{"ZIP" if is_zip else "TAR_GZ"}.{path.name}'
  if target.is_dir():
    return target
  part = folder / f'unpacking.{path.name}'
  shutil.rmtree(part, ignore_errors=True)
  part.mkdir(parents=True)
  damages = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error)
  try:
    if is_zip:
      with zipfile.ZipFile(path) as archive:
        archive.extractall(part)
    else:
      with tarfile.open(path, 'r:gz') as archive:
        archive.extractall(part, filter='data')
  except damages as error:
    raise errors.UserError(
      f'{path} is damaged ({errors.first_line(error)}): download it again'
    ) from None
  os.sync()  # So that a power cut leaves no empty files under the final name.
  part.rename(target)
  return target


def _is_text(path: pathlib.Path) -> str:
  """The first line of a file that is text, for a message; else nothing."""
  with path.open('rb') as file:
    start = file.read(4096)
  with contextlib.suppress(UnicodeDecodeError):
    lines = [line.strip() for line in start.decode().splitlines()]
    line = next((line for line in lines if line.isprintable() and line), '')
    if line and all(map(str.isprintable, lines)):
      shown = line if len(line) <= _SHOWN else f'{line[:_SHOWN]}...'
      return f', and begins with the text {shown!r}'
  return ''
