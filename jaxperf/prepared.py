# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Prepared data on disk: written once, described whole, never half there.

A prepared data set is the folder `DATA_DIR/NAME`. Each of its files appears
under its name when it is complete, and `manifest.json`, written last, names
them all. What is not finished has journals instead, from which it goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

from jaxperf import errors

ENVIRONMENT = 'JAXPERF_DATA'
FORMAT = 1  # Of the manifest.
JOURNALS = 'journals'  # What tells finished from unfinished preparation.
WORK = 'work'  # What only preparation needs; it is removed in the end.
_MANIFEST = 'manifest.json'
_BLOCK = 2**22  # Bytes.


class File(NamedTuple):
  """One file of a prepared data set.

  Attributes:
    name: below the data set's folder.
    bytes: its size.
    sha256: of its content, hexadecimal.
    counts: what it holds, e.g. `{'rows': 8}`; any numbers.
  """

  name: str
  bytes: int
  sha256: str
  counts: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Manifest:
  """What a folder of prepared data holds.

  Attributes:
    dataset: its name.
    version: of the data set's own layout; what reads it asks for one.
    parameters: what the content depends on, e.g. lines a file.
    counts: what the data set holds in all.
    files: in the order of the data set.
    tool: version of jaxperf that prepared it.
    partial: whether it was prepared from a part of the raw data, as asked.
    tools: versions of other packages that took part, by name.
  """

  dataset: str
  version: int
  parameters: Mapping[str, Any]
  counts: Mapping[str, int]
  files: tuple[File, ...]
  tool: str = ''
  partial: bool = False
  tools: Mapping[str, str] = dataclasses.field(default_factory=dict)


def folder(
  name: str, data_dir: str | os.PathLike | None = None
) -> pathlib.Path:
  """The folder of a data set, there or not.

  Args:
    name: of the data set.
    data_dir: folder of all prepared data; `$JAXPERF_DATA` if empty.

  Raises:
    UserError: if neither is given.
  """
  chosen = data_dir or os.environ.get(ENVIRONMENT)
  if not chosen:
    raise errors.UserError(
      f'no folder of prepared data is named, and {name} is read from one: say '
      '--config.data_dir=DIR in a run and --data-dir=DIR elsewhere, or set '
      f'${ENVIRONMENT}; or use --config.data=fake for random data of the same '
      'shapes'
    )
  return pathlib.Path(chosen) / name


def is_complete(place: pathlib.Path) -> bool:
  """Whether a data set's folder has a manifest."""
  return (place / _MANIFEST).is_file()


def load(
  place: pathlib.Path, version: int | None = None, *, partial: bool = False
) -> Manifest:
  """The manifest of a folder whose files are there, in their sizes.

  Args:
    place: the data set's folder.
    version: that the reader knows; None for any.
    partial: accept what was prepared from a part of the raw data.

  Raises:
    UserError: if nothing is there, or half of it, or another version, or a
      file is missing or has another size.
  """
  manifest = read(place, version)
  if manifest.partial and not partial:
    raise errors.UserError(
      f'{place} was prepared from a part of the raw data, to try things out: '
      f'prepare all of it, {_command(place)}'
    )
  wrong = problems(place, manifest)
  if wrong:
    more = f' (and {len(wrong) - 1} more files)' if wrong[1:] else ''
    raise errors.UserError(
      f'{wrong[0]}{more}: make what is missing with {_command(place)}'
    )
  return manifest


def read(place: pathlib.Path, version: int | None = None) -> Manifest:
  """The manifest of a folder; its files are not looked at.

  Args:
    place: the data set's folder.
    version: that the reader knows; None for any.

  Raises:
    UserError: if there is none, or one of another format or version.
  """
  manifest = _parsed(place)
  if version not in (None, manifest.version):
    raise errors.UserError(
      f'{place} holds version {manifest.version} of {manifest.dataset}, '
      f'expected version {version}: prepare it in another folder with '
      f'{_command(place)}'
    )
  return manifest


def _parsed(place: pathlib.Path) -> Manifest:
  """The manifest of a folder, of any version."""
  command = _command(place)
  try:
    content = json.loads((place / _MANIFEST).read_text())
    if content['format'] != FORMAT:
      raise errors.UserError(
        f'{place / _MANIFEST} has format {content["format"]}, expected '
        f'{FORMAT}: prepare the data again with {command} in another folder, '
        'or use the jaxperf that prepared it'
      )
    files = tuple(File(**row) for row in content.pop('files'))
    del content['format']
    return Manifest(**content, files=files)
  except FileNotFoundError:
    if (place / JOURNALS).is_dir():
      raise errors.UserError(
        f'the preparation of {place} is not finished: run the same command '
        f'again, {command}'
      ) from None
    raise errors.UserError(
      f'{place} holds no prepared data: make it with {command}, or name '
      'another folder'
    ) from None
  except (ValueError, KeyError, TypeError) as error:
    raise errors.UserError(
      f'{place / _MANIFEST} is damaged ({errors.first_line(error)}): remove it '
      f'and make it again with {command}'
    ) from None
  except OSError as error:
    raise errors.UserError(
      f'{place} cannot be read ({error.strerror}): mend its permissions or '
      'name another folder'
    ) from None


def _command(place: pathlib.Path) -> str:
  """What prepares the data set of a folder."""
  return f'`jaxperf data prepare {place.name} --raw=DIR --to={place.parent}`'


def problems(place: pathlib.Path, manifest: Manifest) -> list[str]:
  """What is wrong with presence and size of the files, a sentence each."""
  found = []
  for file in manifest.files:
    try:
      size = (place / file.name).stat().st_size
    except FileNotFoundError:
      found.append(f'{place / file.name} is missing')
      continue
    if size != file.bytes:
      found.append(
        f'{place / file.name} has {size:,} bytes, expected {file.bytes:,}'
      )
  return found


def write(place: pathlib.Path, manifest: Manifest) -> None:
  """Writes the manifest, which says that the data set is complete."""
  content = {'format': FORMAT, **dataclasses.asdict(manifest)}
  content['files'] = [file._asdict() for file in manifest.files]
  with writing(place / _MANIFEST) as file:
    file.write(json.dumps(content, indent=1).encode() + b'\n')


def withdraw(place: pathlib.Path) -> None:
  """Removes the manifest: the data set is worked on again."""
  (place / _MANIFEST).unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[IO[bytes]]:
  """A binary file that gets its name once it is complete and on the disk."""
  part = path.with_name(f'{path.name}.part')
  try:
    with part.open('wb+') as file:
      yield file
      file.flush()
      os.fsync(file.fileno())
  except BaseException:
    part.unlink(missing_ok=True)
    raise
  part.replace(path)
  parent = os.open(path.parent, os.O_RDONLY)
  try:
    os.fsync(parent)
  finally:
    os.close(parent)


def describe(place: pathlib.Path, name: str, **counts: float) -> File:
  """Size and hash of a file, from reading it, with what it holds."""
  path = place / name
  return File(name, path.stat().st_size, sha256(path), counts)


def sha256(path: pathlib.Path) -> str:
  """Hash of a file's content, hexadecimal."""
  digest = hashlib.sha256()
  with path.open('rb') as file:
    while block := file.read(_BLOCK):
      digest.update(block)
  return digest.hexdigest()
