# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The raw scans as they are downloaded: archives, or folders of volumes."""

import lzma
import pathlib
import tarfile
import zlib
from collections.abc import Iterator

from jaxperf import errors
from workloads.fastmri import slices

_SUFFIXES = ('.tar.xz', '.tar.gz', '.tar')
_AGAIN = (
  'download it again (links expire after 90 days: fill in the form again)'
)
_BLOCK = 2**22  # Bytes.


def find(raw: pathlib.Path) -> dict[str, pathlib.Path]:
  """Archive or folder of each part, train and val.

  Args:
    raw: folder with `knee_singlecoil_PART.tar.xz`, `.tar.gz`, `.tar` or a
      folder of that name; all of them also without `knee_`.

  Raises:
    UserError: if a part is missing, or is there in two forms.
  """
  return {part: _only(raw, part) for part in slices.PARTS}


def _only(raw: pathlib.Path, part: str) -> pathlib.Path:
  """The one form in which a part is there."""
  names = (f'knee_singlecoil_{part}', f'singlecoil_{part}')
  found = [raw / name for name in names if (raw / name).is_dir()]
  for name in names:
    paths = (raw / f'{name}{suffix}' for suffix in _SUFFIXES)
    found += [path for path in paths if path.is_file()]
  if not found:
    raise errors.UserError(
      f'{raw} has no {names[0]}, expected as .tar.xz, .tar.gz, .tar or a '
      'folder: download it (the single-coil knee archives of '
      'fastmri.med.nyu.edu)'
    )
  if found[1:]:
    raise errors.UserError(
      f'{names[0]} is there in two forms, {found[0]} and {found[1]}: move one '
      'of them away'
    )
  return found[0]


def names(folder: pathlib.Path) -> list[pathlib.Path]:
  """Volumes in a folder, sorted by name."""
  paths = (p for p in folder.rglob('*.h5') if not p.name.startswith('.'))
  return sorted(paths, key=lambda path: path.name)


def members(archive: pathlib.Path) -> Iterator[tuple[str, bytes]]:
  """Name and content of each volume in an archive, in the archive's order.

  Raises:
    UserError: if it is cut off or damaged.
  """
  last = 'its beginning'
  try:
    with tarfile.open(archive) as tar:
      for member in tar:
        name = pathlib.PurePath(member.name).name
        if member.isfile() and name.endswith('.h5') and name[0] != '.':
          yield name, tar.extractfile(member).read()
          last = name
      # Only at its end a compressed file tells that it was whole.
      while tar.fileobj.read(_BLOCK):
        pass
  except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error) as error:
    raise _damaged(archive, last, error) from None
  except OSError as error:
    if error.errno is not None:  # The disk's, not the archive's.
      raise
    raise _damaged(archive, last, error) from None


def _damaged(archive, last: str, error: Exception) -> errors.UserError:
  return errors.UserError(
    f'{archive}, {archive.stat().st_size:,} bytes, is cut off or damaged after '
    f'{last} ({errors.first_line(error)}): {_AGAIN}'
  )
