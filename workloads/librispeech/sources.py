# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Raw speech as it is had: archives, or the folder that they unpack to.

A subset is read twice, from front to back: for its table, then for its samples.
An archive is never unpacked to the disk.
"""

import collections
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxperf import errors
from workloads.librispeech import archives, flac, utterances

_ROOT = 'LibriSpeech'


class Source(NamedTuple):
  """Where a subset is read from.

  Attributes:
    subset: its name.
    path: of an archive, or of the subset's folder.
    published: what it should be; None for anything.
  """

  subset: str
  path: pathlib.Path
  published: archives.Archive | None

  @property
  def remedy(self) -> str:
    """What to do about bad content."""
    if self.path.is_dir():
      return f'unpack {archive_name(self.subset)} again'
    return f'download {self.path.name} again'


class _File(NamedTuple):
  """A file of a subset; `read(size)` gives its first bytes."""

  speaker: str
  chapter: str
  name: str
  read: Callable[[int], bytes]


def archive_name(subset: str) -> str:
  """The file to download."""
  return f'{subset}.tar.gz'


def find(
  raw: pathlib.Path, subset: str, published: archives.Archive | None
) -> Source:
  """The one form in which a subset is there.

  Args:
    raw: folder with `SUBSET.tar.gz`, or with `LibriSpeech/SUBSET`; may be the
      folder `LibriSpeech` itself.
    subset: its name.
    published: what it should be; None for anything.

  Raises:
    UserError: if it is not there, or in two forms, or an archive is not whole.
  """
  archive = raw / archive_name(subset)
  folders = [raw / _ROOT / subset, raw / subset]
  found = [path for path in folders if path.is_dir()]
  found += [archive] if archive.is_file() else []
  if not found:
    raise errors.UserError(
      f'{raw} has neither {archive.name} nor {_ROOT}/{subset}: download '
      f'{archive.name} from openslr.org/12, or name the folder that holds it'
    )
  if found[1:]:
    raise errors.UserError(
      f'{subset} is there in two forms, {found[0]} and {found[1]}: move one of '
      'them away'
    )
  if found[0] == archive and published:
    size = archive.stat().st_size
    if size != published.bytes:
      raise errors.UserError(
        f'{archive} has {size:,} bytes ({size / 1e9:.1f} GB), expected '
        f'{published.bytes:,} ({published.bytes / 1e9:.1f} GB): download it '
        'again (`wget -c` goes on)'
      )
  return Source(subset, found[0], published)


def origin(source: Source) -> dict:
  """What identifies the content of a source, as far as it is had quickly."""
  if not source.path.is_dir():
    return {'archive': source.path.name, 'bytes': source.path.stat().st_size}
  digest = hashlib.sha256()
  for path in _walk(source.path):
    name = path.relative_to(source.path).as_posix()
    digest.update(f'{name} {path.stat().st_size}\n'.encode())
  return {'folder': digest.hexdigest()}


def table(source: Source, report: Callable) -> list[utterances.Utterance]:
  """All utterances of a subset, sorted by speaker, chapter, line.

  Names of speakers and chapters compare as text. An archive is read to its end
  and hashed.

  Args:
    source: of the subset.
    report: told how many utterances more have been seen.

  Raises:
    UserError: if anything is missing, or not what it should be.
  """
  transcripts: dict[tuple[str, str], bytes] = {}
  heads: dict[tuple[str, str], dict[str, bytes]] = {}
  for file in _files(source):
    chapter = (file.speaker, file.chapter)
    if file.name.endswith('.trans.txt'):
      transcripts[chapter] = file.read(-1)
    elif file.name.endswith('.flac'):
      head = file.read(flac.HEADER_BYTES)
      heads.setdefault(chapter, {})[file.name.removesuffix('.flac')] = head
      if len(heads[chapter]) == 1:
        report(0)
  lines = {
    chapter: _lines(source, chapter, content)
    for chapter, content in sorted(transcripts.items())
  }
  _check_whole(source, lines, heads)
  report(sum(map(len, lines.values())))
  return [
    utterances.Utterance(
      key,
      text,
      *flac.header(heads[chapter][key], _where(source, *chapter, key)),
    )
    for chapter, pairs in lines.items()
    for key, text in pairs
  ]


def contents(
  source: Source, wanted: Mapping[str, utterances.Utterance]
) -> Iterator[tuple[str, bytes]]:
  """Id and flac file of the utterances that are wanted.

  From a folder in the order wanted, from an archive in its own.
  """
  if source.path.is_dir():
    for key in wanted:
      speaker, chapter, _ = key.split('-')
      path = source.path / speaker / chapter / f'{key}.flac'
      yield key, path.read_bytes()
    return
  left = len(wanted)
  for file in _files(source):
    key = file.name.removesuffix('.flac')
    if file.name.endswith('.flac') and key in wanted:
      yield key, file.read(-1)
      left -= 1
      if not left:  # Its hash has been compared before.
        return


def samples(
  source: Source, utterance: utterances.Utterance, content: bytes
) -> np.ndarray:
  """The samples of an utterance's file, (samples,) int16 little-endian.

  Raises:
    UserError: if it is damaged.
  """
  speaker, chapter, _ = utterance.id.split('-')
  return flac.decode(
    content,
    flac.Header(utterance.samples, utterance.md5),
    _where(source, speaker, chapter, utterance.id),
    source.remedy,
  )


def _where(source: Source, speaker: str, chapter: str, key: str) -> str:
  name = f'{speaker}/{chapter}/{key}.flac'
  if source.path.is_dir():
    return str(source.path / name)
  return f'{source.path}: {name}'


def _lines(
  source: Source, chapter: tuple[str, str], content: bytes
) -> list[tuple[str, str]]:
  """Ids and texts of a transcript.

  Raises:
    UserError: if it is not text, or an utterance has none.
  """
  name = f'{source.path}: {"-".join(chapter)}.trans.txt'
  try:
    rows = content.decode().splitlines()
  except UnicodeDecodeError as error:
    raise errors.UserError(
      f'{name} is not text ({error.reason}): {source.remedy}'
    ) from None
  pairs = [row.strip().partition(' ') for row in rows if row.strip()]
  for key, _, text in pairs:
    if not text.strip():
      raise errors.UserError(f'{name} has no text for {key}: {source.remedy}')
  return [(key, text) for key, _, text in pairs]


def _check_whole(source: Source, lines: Mapping, heads: Mapping) -> None:
  """Refuses a subset that is not all there, or more than that."""
  listed = [key for pairs in lines.values() for key, _ in pairs]
  there = {c: {key for key, _ in pairs} for c, pairs in lines.items()}
  wrong = {
    'transcripts without flac': [
      key
      for chapter, pairs in lines.items()
      for key, _ in pairs
      if key not in heads.get(chapter, {})
    ],
    'flac without transcript': [
      key
      for chapter, keys in sorted(heads.items())
      for key in sorted(keys)
      if key not in there.get(chapter, ())
    ],
    'chapters without .trans.txt': [
      '-'.join(chapter) for chapter in sorted(heads) if chapter not in lines
    ],
    'utterances twice': [
      key for key, count in collections.Counter(listed).items() if count > 1
    ],
  }
  parts = [_some(name, keys) for name, keys in wrong.items() if keys]
  expected = source.published.utterances if source.published else len(listed)
  if parts or len(listed) != expected or not listed:
    counted = f'{len(listed):,} transcripts, expected {expected or "some":,}'
    raise errors.UserError(
      f'{source.path} is not whole: {"; ".join([counted, *parts])}: '
      f'{source.remedy}'
    )


def _some(name: str, keys: Sequence[str]) -> str:
  """A count and the first of what it counts.

  >>> _some('birds', ['tit', 'owl'])
  '2 birds (tit, owl)'
  """
  more = ', ...' if keys[5:] else ''
  return f'{len(keys):,} {name} ({", ".join(keys[:5])}{more})'


def _files(source: Source) -> Iterator[_File]:
  """Files of the chapters of a subset; other ones are left out."""
  if not source.path.is_dir():
    for member in archives.members(source.path, source.published):
      root, *folders = member.folders or ('',)
      if root == _ROOT and folders[:1] == [source.subset] and folders[2:]:
        yield _File(*folders[1:3], member.name, member.read)
    return
  for path in _walk(source.path):
    parts = path.relative_to(source.path).parts
    if len(parts) == 3:
      yield _File(*parts, lambda size, path=path: _head(path, size))


def _walk(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """Files below a folder, sorted."""
  for place, folders, names in os.walk(folder):
    folders.sort()
    for name in sorted(names):
      yield pathlib.Path(place, name)


def _head(path: pathlib.Path, size: int) -> bytes:
  """The first bytes of a file, all of them if the size is -1."""
  with path.open('rb') as file:
    return file.read(size)
