# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that fill arrays in shared memory, ahead of who consumes them.

They are programs of their own, not forks, start when the first stream needs
them, serve all streams of this process, and end with the last stream.
"""

from __future__ import annotations

import collections
import contextlib
import mmap
import multiprocessing.reduction
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from typing import Any, NamedTuple

import numpy as np

from jaxperf import cores, errors
from workloads.imagenet import worker

_MOST = 48
_AHEAD = 2  # Batches in the making beside the one that is waited for.
_ENVIRONMENT = {
  **dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS'), '1'),
  # Arrays of images are made again and again: keep their memory.
  'MALLOC_MMAP_THRESHOLD_': str(2**25),
  'MALLOC_TRIM_THRESHOLD_': str(2**27),
}
Fill = Callable[[np.ndarray], None]


class Job(NamedTuple):
  """An array to be filled.

  Attributes:
    shape: of the array, float32.
    fill: `(first, last) -> a function` that travels to a process and writes
      rows first to last into the array that it is given.
    rows: that are filled; those after them become 0.
    label: handed back with the array.
  """

  shape: tuple[int, ...]
  fill: Callable[[int, int], Fill]
  rows: int
  label: Any


def filled(jobs: Iterator[Job]) -> Iterator[tuple[np.ndarray, Any]]:
  """Arrays and labels of the jobs, in their order.

  Memory is used again as soon as nobody refers to an array, so that it is
  bounded by what the consumer keeps, plus three arrays.

  Args:
    jobs: may be endless; taken two ahead.

  Raises:
    UserError: what a process raised, or that one has died.
  """
  pool = _shared()
  slots = _Slots(pool)
  waiting: collections.deque = collections.deque()
  try:
    for job in jobs:
      slot = slots.take(4 * int(np.prod(job.shape)))
      waiting.append((pool.submit(job, slot), slot, job))
      if len(waiting) > _AHEAD:
        yield _finished(pool, slots, *waiting.popleft())
    while waiting:
      yield _finished(pool, slots, *waiting.popleft())
  finally:
    pool.forget([number for number, _, _ in waiting])
    slots.close()


def _finished(pool, slots, number, slot, job) -> tuple[np.ndarray, Any]:
  """The array of a job, once all its rows are there."""
  pool.wait(number)
  array = slots.array(slot, job.shape)
  array[job.rows :] = 0
  return array, job.label


class _Slot(NamedTuple):
  """A piece of shared memory."""

  number: int
  memory: mmap.mmap


class _Slots:
  """The shared memory of one stream."""

  def __init__(self, pool: _Pool):
    self._pool = pool
    self._all: list[_Slot] = []
    # Of garbage collection in any thread, hence a deque.
    self._free: collections.deque[_Slot] = collections.deque()

  def take(self, size: int) -> _Slot:
    """A free one, or a new one."""
    if self._free and len(self._free[0].memory) >= size:
      return self._free.popleft()
    self._all.append(self._pool.new_slot(max(size, mmap.PAGESIZE)))
    return self._all[-1]

  def array(self, slot: _Slot, shape: tuple[int, ...]) -> np.ndarray:
    """A slot as an array; when that is gone the slot is free again.

    A view of the array refers to it, since its memory is not an array's.
    """
    array = np.ndarray(shape, np.float32, buffer=slot.memory)
    weakref.finalize(array, self._free.append, slot).atexit = False
    return array

  def close(self) -> None:
    """Lets the memory go, as soon as no array refers to it."""
    self._pool.drop_slots([slot.number for slot in self._all])
    self._all.clear()


class _Pool:
  """The processes, and what was sent to them."""

  def __init__(self, workers: int):
    self._lock = threading.RLock()
    self._jobs: dict[int, int] = {}  # Number of processes that have a part.
    self._numbers = iter(range(2**62))
    self._replies: list[dict[int, Any]] = [{} for _ in range(workers)]
    started = [_start() for _ in range(workers)]
    self._processes = [process for process, _ in started]
    self._pipes = [pipe for _, pipe in started]
    self.broken = False
    weakref.finalize(self, _stop, self._processes, self._pipes)

  def new_slot(self, size: int) -> _Slot:
    """Memory that all processes see."""
    with self._lock, _memory(size) as descriptor:
      slot = _Slot(next(self._numbers), mmap.mmap(descriptor, size))
      for number, pipe in enumerate(self._pipes):
        self._send(number, ('slot', slot.number, size))
        try:
          multiprocessing.reduction.send_handle(pipe, descriptor, 0)
        except OSError:
          self._refuse(number)
    return slot

  def drop_slots(self, numbers: Sequence[int]) -> None:
    """Lets memory go."""
    if not self._pipes:  # Python ends, and modules may be gone already.
      return
    # A process that has died is told elsewhere.
    with self._lock, contextlib.suppress(errors.UserError):
      for process in range(len(self._pipes)):
        self._send(process, ('drop', numbers))

  def submit(self, job: Job, slot: _Slot) -> int:
    """Sends each process a part of a job; returns the job's number."""
    parts = min(len(self._pipes), job.rows)
    with self._lock:
      number = next(self._numbers)
      self._jobs[number] = parts
      for part in range(parts):
        first, last = (job.rows * k // parts for k in (part, part + 1))
        fill = job.fill(first, last)
        message = (number, slot.number, job.shape, first, last, fill)
        self._send(part, ('job', message))
    return number

  def wait(self, number: int) -> None:
    """Returns when all parts of a job are done."""
    with self._lock:
      failed = [self._reply(k, number) for k in range(self._jobs[number])]
      del self._jobs[number]
    for error in failed:
      if error is not None:
        raise error

  def forget(self, numbers: Sequence[int]) -> None:
    """Gives jobs up; their replies are dropped."""
    with self._lock:
      for number in numbers:
        del self._jobs[number]
      for replies in self._replies:
        for number in set(replies) - set(self._jobs):
          del replies[number]

  def _reply(self, process: int, number: int) -> Exception | None:
    replies = self._replies[process]
    while number not in replies:
      try:
        found, error = self._pipes[process].recv()
      except (EOFError, OSError):
        self._refuse(process)
      if found in self._jobs:
        replies[found] = error
    return replies.pop(number)

  def _send(self, process: int, message: Any) -> None:
    try:
      self._pipes[process].send(message)
    except OSError:
      self._refuse(process)

  def _refuse(self, process: int) -> None:
    """Says that a process has died."""
    self.broken = True
    status = self._processes[process].wait()
    raise errors.UserError(
      f'a process that decodes images ended with status {status}, perhaps for '
      'want of memory: start again, with fewer of them by '
      f'${cores.ENVIRONMENT}=N if it happens again'
    ) from None


_STARTING = threading.Lock()
_ALIVE: weakref.WeakValueDictionary[str, _Pool] = weakref.WeakValueDictionary()


def _shared() -> _Pool:
  """The processes of this process; they end when no stream refers to them."""
  with _STARTING:
    pool = _ALIVE.get('pool')
    if pool is None or pool.broken:
      pool = _ALIVE['pool'] = _Pool(cores.input_workers(_MOST, spare=1))
    return pool


def _start() -> tuple[subprocess.Popen, connection.Connection]:
  """A process, and the pipe to it."""
  ours, theirs = socket.socketpair()
  paths = [str(pathlib.Path(path).absolute()) for path in sys.path]
  environment = os.environ | _ENVIRONMENT
  code = f'import sys; sys.path[:] = {paths!r}; '
  code += f'from {worker.__name__} import serve; serve({theirs.fileno()})'
  with theirs:
    process = subprocess.Popen(
      [sys.executable, '-c', code],
      pass_fds=[theirs.fileno()],
      stdin=subprocess.DEVNULL,
      env=environment,
    )
  return process, connection.Connection(ours.detach())


def _stop(processes, pipes) -> None:
  """Ends the processes."""
  for process, pipe in zip(processes, pipes):
    pipe.close()
    process.kill()  # They write nothing but to memory.
  for process in processes:
    process.wait()
  pipes.clear()


@contextlib.contextmanager
def _memory(size: int) -> Iterator[int]:
  """Descriptor of a file of that size, in memory where the system can."""
  if hasattr(os, 'memfd_create'):
    descriptor = os.memfd_create('jaxperf')
  else:
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)
  try:
    os.ftruncate(descriptor, size)
    yield descriptor
  finally:
    os.close(descriptor)
