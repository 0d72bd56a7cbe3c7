# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The archives of LibriSpeech: which they are, and reading one as a stream."""

import contextlib
import gzip
import hashlib
import pathlib
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, NamedTuple

from jaxperf import errors

_BLOCK = 2**20  # Bytes.


class Archive(NamedTuple):
  """What is published of a subset.

  Attributes:
    bytes: of its archive.
    sha256: of that, hexadecimal.
    utterances: in it.
  """

  bytes: int
  sha256: str
  utterances: int


PUBLISHED: Mapping[str, Archive] = {
  'train-clean-100': Archive(
    6_387_309_499,
    'd4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2',
    28_539,
  ),
  'train-clean-360': Archive(
    23_049_477_885,
    '146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf',
    104_014,
  ),
  'train-other-500': Archive(
    30_593_501_606,
    'ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2',
    148_688,
  ),
  'dev-clean': Archive(
    337_926_286,
    '76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3',
    2_703,
  ),
  'dev-other': Archive(
    314_305_928,
    '12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365',
    2_864,
  ),
  'test-clean': Archive(
    346_663_984,
    '39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23',
    2_620,
  ),
}
UTTERANCES = sum(archive.utterances for archive in PUBLISHED.values())


class Member(NamedTuple):
  """A file in an archive.

  Attributes:
    folders: that it is in, the first one `LibriSpeech`.
    name: of the file.
    read: `(size) -> bytes`, its first ones; all of them for -1. To be called
      before the next member is asked for.
  """

  folders: tuple[str, ...]
  name: str
  read: Callable[[int], bytes]


def members(path: pathlib.Path, published: Archive | None) -> Iterator[Member]:
  """Files in an archive, which is read and hashed to its end.

  Args:
    path: of the archive.
    published: what it should be; None for anything.

  Raises:
    UserError: if it is damaged, or not the original one.
  """
  last = 'its beginning'
  with path.open('rb') as file:
    hashing = _Hashing(file)
    with (
      _damage_told(path, lambda: last),
      gzip.GzipFile(fileobj=hashing) as unpacked,
    ):
      # A pipe, so that nothing is read twice.
      with tarfile.open(fileobj=unpacked, mode='r|', bufsize=_BLOCK) as tar:
        for member in tar:
          tar.members.clear()  # A list of all of them otherwise.
          if member.isfile():
            *folders, name = pathlib.PurePosixPath(member.name).parts
            yield Member(tuple(folders), name, tar.extractfile(member).read)
            last = name
      while unpacked.read(_BLOCK):  # Only its end tells that it was whole.
        pass
    found = hashing.finish()
  if published and found != published.sha256:
    raise errors.UserError(
      f'{path} has the SHA-256 {found}, expected '
      f'{published.sha256}: it is damaged, so download it again'
    )


@contextlib.contextmanager
def _damage_told(path: pathlib.Path, last: Callable[[], str]) -> Iterator[None]:
  """Turns what damaged archives raise into a sentence."""
  try:
    yield
  except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
    raise errors.UserError(
      f'{path}, {path.stat().st_size:,} bytes, is cut off or '
      f'damaged after {last()} ({errors.first_line(error)}): download it again'
    ) from None


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
