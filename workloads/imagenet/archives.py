# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The original archives: which they are, and where in them each image is."""

import hashlib
import pathlib
import re
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, NamedTuple

from jaxperf import errors

_BLOCK = 2**20  # Bytes.
_REPORTED = 100  # Images.
_TEST_FOLDER = 'imagenetv2-matched-frequency-format-val'
_NAMES = {
  'train': re.compile(r'(n\d{8})_\d+\.JPEG'),
  'validation': re.compile(r'ILSVRC2012_val_\d{8}\.JPEG'),
  'test': re.compile(rf'(?:\./)?{_TEST_FOLDER}/(\d+)/([^/]+\.jpe?g)', re.I),
}
_OTHERS = ('ILSVRC', 'imagenet', 'n0', 'n1', 'train', 'val')


class Archive(NamedTuple):
  """One of the files to download.

  Attributes:
    name: of the file.
    bytes: its size.
    sha256: of its content, hexadecimal.
    images: in it.
  """

  name: str
  bytes: int
  sha256: str
  images: int


PUBLISHED: Mapping[str, Archive] = {
  'train': Archive(
    'ILSVRC2012_img_train.tar',
    147_897_477_120,
    'b08200a27a8e34218a0e58fde36b0fe8f73bc377f4acea2d91602057c3ca45bb',
    1_281_167,
  ),
  'validation': Archive(
    'ILSVRC2012_img_val.tar',
    6_744_924_160,
    'c7e06a6c0baccf06d8dbeb6577d71efff84673a5dbdd50633ab44f8ea0456ae0',
    50_000,
  ),
  'test': Archive(
    'imagenetv2-matched-frequency.tar.gz',
    1_264_079_360,
    'f0c37fdf925916b19ea1323cd9a2208cdb6959ba2c32eef2a7fc393835c9ca7c',
    10_000,
  ),
}


class Member(NamedTuple):
  """An image in an archive.

  Attributes:
    name: of its file, as the benchmark has it.
    label: text of its class: WordNet id, folder, or empty.
    offset: of its bytes in the archive, unpacked if that is compressed.
    bytes: its size.
  """

  name: str
  label: str
  offset: int
  bytes: int


def find(raw: pathlib.Path, archive: Archive) -> pathlib.Path:
  """The archive in a folder, of the right size.

  Raises:
    UserError: if it is not there or has another size; says what is there
      instead.
  """
  path = raw / archive.name
  if not path.is_file():
    raise errors.UserError(_missing(raw, archive))
  size = path.stat().st_size
  if size != archive.bytes:
    raise errors.UserError(
      f'{path} has {size:,} bytes, expected {archive.bytes:,}: it is cut off '
      'or another file, so download it again'
    )
  return path


def _missing(raw: pathlib.Path, archive: Archive) -> str:
  """Says that an archive is not there, and what may have been taken for it."""
  found = sorted(path.name for path in raw.iterdir())
  found = [name for name in found if name.startswith(_OTHERS)]
  found = [name for name in found if name not in _known()]
  text = f'{raw} lacks {archive.name}'
  if any((raw / name).is_dir() for name in found):
    folders = [name for name in found if (raw / name).is_dir()]
    return (
      f'{text} and has the folder {folders[0]}: the original tar files are '
      'needed, as they are downloaded and not unpacked'
    )
  if found:
    return (
      f'{text}, and {", ".join(found[:3])} cannot take its place: download '
      f'{archive.name}'
    )
  return f'{text}: download it, or name the folder that holds it, --raw=DIR'


def _known() -> set[str]:
  """Names of the archives that are needed."""
  return {archive.name for archive in PUBLISHED.values()}


class _Hashing:
  """A file that is read once, and hashed on the way."""

  def __init__(self, file: IO[bytes]):
    self._file = file
    self._digest = hashlib.sha256()

  def read(self, size: int) -> bytes:
    """The next bytes."""
    block = self._file.read(size)
    self._digest.update(block)
    return block

  def finish(self) -> str:
    """The hash of the whole file, whose rest is read."""
    while self.read(_BLOCK):
      pass
    return self._digest.hexdigest()


def index(
  path: pathlib.Path,
  split: str,
  archive: Archive,
  report: Callable[[int], None],
) -> list[Member]:
  """All images of an archive, in its order; the whole of it is read and hashed.

  Args:
    path: of the archive.
    split: that it holds.
    archive: what it should be.
    report: told how many images more have been seen.

  Raises:
    UserError: if it is damaged, or not the original one.
  """
  with path.open('rb') as file:
    hashing = _Hashing(file)
    members = []
    try:
      for member, _ in reported(_members(hashing, split), report):
        members.append(member)
    except (tarfile.TarError, EOFError, OSError) as error:
      raise errors.UserError(
        f'{path} is damaged after {len(members):,} images '
        f'({errors.first_line(error)}): download it again'
      ) from None
    found = hashing.finish()
  _check(path, split, archive, members, found)
  return members


def reported(items: Iterable, report: Callable[[int], None]) -> Iterator:
  """The items; now and then it is reported how many more there have been."""
  count = 0
  for item in items:
    yield item
    count += 1
    if count == _REPORTED:
      report(count)
      count = 0
  report(count)


def _check(path, split, archive, members, sha256) -> None:
  """Refuses an archive that is not the original one."""
  if split == 'test' and not members:
    raise errors.UserError(
      f'{path} has no folder {_TEST_FOLDER}: the variant matched-frequency of '
      f'ImageNet-v2 is needed, so download {archive.name}'
    )
  if len(members) != archive.images:
    labels = ', and the labels of all images after a missing one would shift'
    raise errors.UserError(
      f'{path} has {len(members):,} images, expected {archive.images:,}'
      f'{labels if split == "validation" else ""}: it is not the original '
      f'archive, so download it again'
    )
  if sha256 != archive.sha256:
    raise errors.UserError(
      f'{path} has the SHA-256 {sha256[:16]}..., expected '
      f'{archive.sha256[:16]}...: it is damaged, so download it again'
    )


def stream(
  path: pathlib.Path, split: str, wanted: set[str]
) -> Iterator[tuple[Member, bytes]]:
  """Those images of an archive whose names are wanted, in its order."""
  with path.open('rb') as file:
    for member, source in _members(file, split):
      if member.name in wanted:
        yield member, source.read()


def _members(file, split: str) -> Iterator[tuple[Member, IO[bytes]]]:
  """The images in a tar file that is read from front to back, and readers."""
  pattern = _NAMES[split]
  # A pipe, so that nothing is read twice; `*` finds compression.
  with tarfile.open(fileobj=file, mode='r|*', bufsize=_BLOCK) as tar:
    for outer in tar:
      tar.members.clear()  # A list of all of them otherwise.
      if split == 'train' and re.fullmatch(r'n\d{8}\.tar', outer.name):
        inner_file = tar.extractfile(outer)
        with tarfile.open(
          fileobj=inner_file, mode='r|', bufsize=_BLOCK
        ) as inner:
          for info in inner:
            inner.members.clear()
            match = pattern.fullmatch(info.name)
            if match:
              start = outer.offset_data + info.offset_data
              label = sys.intern(match[1])  # Of many images.
              member = Member(info.name, label, start, info.size)
              yield member, inner.extractfile(info)
      elif split != 'train' and outer.isfile():
        match = pattern.fullmatch(outer.name)
        if match:
          groups = match.groups()
          member = Member(
            '/'.join(groups) or outer.name,
            groups[0] if groups else '',
            outer.offset_data,
            outer.size,
          )
          yield member, tar.extractfile(outer)


def is_plain(path: pathlib.Path) -> bool:
  """Whether bytes of images are in the file as they are."""
  with path.open('rb') as file:
    return file.read(262)[257:] == b'ustar'
