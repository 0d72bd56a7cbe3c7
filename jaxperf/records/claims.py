# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Who runs a trial: a claim in its folder, good on disks that hosts share.

`flock` may know of one host only, so it is but the quick check. The truth is
`claim.json`: made by a hard link, which works for one of several that try,
touched every 10 seconds, void after a minute of silence, or at once if its
process is known to be gone. Ages are by the file server's clock.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import io
import json
import os
import pathlib
import secrets
import threading
import time
from typing import Any, NamedTuple

from jaxperf import errors
from jaxperf.records import files, processes

FILE = 'claim.json'
STALE_S = 60.0
_TOUCH_S = 10.0
_UNREACHABLE_S = 45.0  # Less than what makes it stale for others.
_LOOK_S = 0.5
_SETTLE_S = 2.0  # A takeover renames and makes anew; in between is no claim.
_NO_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES)


class TakenError(errors.UserError):
  """Another process has what this one wants, or has taken it over."""


class LostError(errors.UserError):
  """The folder cannot be reached, so that others may take the claim."""


class Holder(NamedTuple):
  """What a claim says.

  Attributes:
    process: number, host, its boot, its name space of processes, and when the
      process began, in ticks of the kernel.
    job: of a scheduler, empty without one.
    since: date and time, for people.
    token: of this claim alone.
  """

  process: dict[str, Any]
  job: str
  since: str
  token: str

  def __str__(self) -> str:
    job = f', job {self.job},' if self.job else ''
    return (
      f'process {self.process["pid"]} on {self.host}{job} since {self.since}'
    )

  @property
  def host(self) -> str:
    """Name of the host that it runs on."""
    return self.process['host']


class Claim:
  """Keeps all processes but one off a trial, on all hosts."""

  def __init__(self, folder: pathlib.Path):
    """Takes the claim, also one that its owner has left.

    Raises:
      TakenError: if another process holds it; says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    self._folder, self._path = folder, folder / FILE
    self._lock = _flock(folder)
    self._holder = Holder(
      process=processes.this(),
      job=processes.job(),
      since=datetime.datetime.now().astimezone().isoformat(' ', 'seconds'),
      token=secrets.token_hex(16),
    )
    try:
      self._take()
    except BaseException:
      self._unlock()
      raise
    self._failing_since: float | None = None
    self._done = threading.Event()
    threading.Thread(target=self._touch, daemon=True).start()
    files.tidy(folder)

  def check(self) -> None:
    """Does nothing as long as the claim is ours.

    Asked before anything is written that another process could write.

    Raises:
      TakenError: if another process has it.
      LostError: if it could not be touched for so long that others may take it.
      UserError: if the folder is gone.
    """
    failing = self._failing_since
    if failing is not None and time.monotonic() - failing > _UNREACHABLE_S:
      raise LostError(
        f'{self._folder} could not be reached for {_UNREACHABLE_S:.0f} s, so '
        'another process may run its trial by now: this one stops'
      )
    holder = self._settled()
    if holder is None and not self._folder.exists():
      raise errors.UserError(
        f'{self._folder} is gone: it was moved or removed while its trial ran'
      )
    if holder is None or holder.token != self._holder.token:
      who = holder or 'somebody who removed its claim.json'
      raise TakenError(
        f'{self._folder} was taken over by {who}: this process stops'
      )

  def release(self) -> None:
    """Gives the claim up."""
    self._done.set()
    holder = read(self._folder)
    if holder is not None and holder.token == self._holder.token:
      self._path.unlink(missing_ok=True)
    self._unlock()

  def _take(self) -> None:
    """Makes the claim, after removing one that is void."""
    while True:
      if self._link():
        return
      found = read(self._folder)
      if found is None:
        continue  # It was given up just now.
      if not _left(self._folder, found):
        raise TakenError(_taken(self._folder, found))
      self._put_away(found)

  def _link(self) -> bool:
    """Whether the claim could be made; exactly one of several makes it."""
    made = files.temporary(self._path)
    made.write_text(json.dumps(self._holder._asdict(), indent=2) + '\n')
    try:
      os.link(made, self._path)
    except FileExistsError:
      # A server may do it and then lose its answer.
      return made.stat().st_nlink == 2
    except OSError as error:
      if error.errno not in _NO_LINKS:
        raise
      return _created(self._path, made.read_text())
    finally:
      made.unlink(missing_ok=True)
    return True

  def _put_away(self, found: Holder) -> None:
    """Removes a claim that is void; one of several does it."""
    away = files.temporary(self._path)
    try:
      self._path.rename(away)
    except FileNotFoundError:
      return  # Another one did.
    try:
      renamed = _holder(files.read_json(away))
      if renamed is not None and renamed.token != found.token:
        # Another one had put the void one away, and made its own.
        with contextlib.suppress(FileExistsError):
          os.link(away, self._path)
    finally:
      away.unlink(missing_ok=True)

  def _touch(self) -> None:
    """Says every few seconds that its process is alive."""
    while not self._done.wait(_TOUCH_S):
      try:
        holder = self._settled()
        if holder is None or holder.token != self._holder.token:
          return  # `check` tells.
        os.utime(self._path)
        self._failing_since = None
      except OSError:
        self._failing_since = self._failing_since or time.monotonic()

  def _settled(self) -> Holder | None:
    """Who has the claim; waits for one who is taking it over."""
    deadline = time.monotonic() + _SETTLE_S
    while (holder := read(self._folder)) is None:
      if time.monotonic() > deadline:
        break
      time.sleep(0.1)
    return holder

  def _unlock(self) -> None:
    if self._lock is not None:
      self._lock.close()


def read(folder: pathlib.Path) -> Holder | None:
  """What the claim of a trial says; None without one."""
  with contextlib.suppress(ValueError):
    return _holder(files.read_json(folder / FILE))
  return None


def owner(folder: pathlib.Path) -> Holder | None:
  """Who runs the trial of this folder; None if nobody."""
  holder = read(folder)
  return None if holder is None or void(folder, holder) else holder


def void(folder: pathlib.Path, holder: Holder) -> bool:
  """Whether the owner of a claim has left it.

  Args:
    folder: of the trial.
    holder: what its claim says.
  """
  lives = processes.lives(holder.process)
  if lives is not None:
    return not lives
  touched = _touched(folder)
  return touched is None or files.now(folder) - touched > STALE_S


def _left(folder: pathlib.Path, holder: Holder) -> bool:
  """Whether the owner has left its claim; waits until that is known.

  One that lives shows it soon, one that is gone becomes silent for too long.
  """
  seen = _touched(folder)
  while not void(folder, holder):
    if processes.lives(holder.process) or _touched(folder) not in (seen, None):
      return False
    time.sleep(_LOOK_S)
  return True


def _touched(folder: pathlib.Path) -> float | None:
  """When a claim was touched, by its server's clock; None without one.

  Opened, since a file server's clients may remember what they saw last.
  """
  try:
    with (folder / FILE).open('rb') as file:
      return os.fstat(file.fileno()).st_mtime
  except FileNotFoundError:
    return None


def _holder(content: Any) -> Holder | None:
  """What the content of a claim says, if it is one."""
  if not isinstance(content, dict) or set(content) != set(Holder._fields):
    return None
  return Holder(**content)


def _taken(folder: pathlib.Path, who: Holder | str) -> str:
  return f'{folder} is being run by {who}: wait for it or stop it'


def _flock(folder: pathlib.Path) -> io.TextIOWrapper | None:
  """A lock that the system frees with this process; None where it has none.

  Raises:
    TakenError: if another process holds it.
  """
  file = (folder / 'lock').open('a+', encoding='utf-8')
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError:
    file.close()
    who = read(folder) or 'a process that starts just now'
    raise TakenError(_taken(folder, who)) from None
  except OSError as error:
    file.close()
    if error.errno not in _NO_LOCKS:
      raise
    return None
  return file


def _created(path: pathlib.Path, text: str) -> bool:
  """Whether a file could be made new, where there are no hard links."""
  try:
    with path.open('x', encoding='utf-8') as file:
      file.write(text)
  except FileExistsError:
    return False
  return True
