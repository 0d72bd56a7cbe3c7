# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The only code that reads a clock: named, exclusive buckets of wall time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax

BUCKETS = (
  'setup',
  'train',
  'prepare_eval',
  'data_wait',
  'compile',
  'eval',
  'checkpoint',
  'logging',
)


class Stopwatch:
  """Wall time in exclusive buckets that add up to the whole.

  The clock is always running in exactly one bucket. It changes buckets only
  when the device work of the old one has finished, so that no work is charged
  to, or hidden in, another bucket.

  >>> seconds = iter([0, 2, 7, 8, 8])  # A clock that was read in advance.
  >>> watch = Stopwatch(counts_compilation=True, clock=lambda: next(seconds))
  >>> watch.switch('train')  # Two seconds of set-up.
  >>> watch.switch('eval')  # Five of training.
  >>> watch.submission_time(), watch.running_time()
  (5.0, 6.0)
  """

  def __init__(
    self,
    counts_compilation: bool,
    clock: Callable[[], float] = time.perf_counter,
  ):
    """Starts the clock in `setup`.

    Args:
      counts_compilation: whether compiling is submission time.
      clock: returns seconds.
    """
    self._seconds = dict.fromkeys(BUCKETS, 0.0)
    self._counted = ('train', 'prepare_eval', 'data_wait') + (
      ('compile',) if counts_compilation else ()
    )
    self._clock = clock
    self._bucket = 'setup'
    self._since = clock()

  def switch(self, bucket: str, after: Any = None) -> None:
    """Goes on in another bucket.

    Args:
      bucket: one of `BUCKETS`.
      after: arrays to wait for, in the old bucket, before the clock changes.
    """
    jax.block_until_ready(after)
    now = self._clock()
    self._seconds[self._bucket] += now - self._since
    self._bucket, self._since = bucket, now

  @contextlib.contextmanager
  def bucket(self, name: str, after: Any = None) -> Iterator[None]:
    """Time inside the `with` goes to a bucket, then the old one goes on.

    Args:
      name: one of `BUCKETS`.
      after: arrays to wait for, in the old bucket, before the clock changes.
    """
    old = self._bucket
    self.switch(name, after)
    try:
      yield
    finally:
      self.switch(old)

  def resume_from(self, seconds: Mapping[str, float]) -> None:
    """Takes over the buckets of a checkpoint.

    What was lost since is not counted; the time of this process so far (all in
    `setup`) stays.
    """
    self.switch(self._bucket)
    for name, value in seconds.items():
      self._seconds[name] += value

  def seconds(self) -> dict[str, float]:
    """Seconds in each bucket, up to now."""
    running = self._clock() - self._since
    return self._seconds | {self._bucket: self._seconds[self._bucket] + running}

  def submission_time(self) -> float:
    """Seconds that count for the submission, up to now."""
    seconds = self.seconds()
    return sum(seconds[name] for name in self._counted)

  def running_time(self) -> float:
    """Wall seconds since the first step, without any set-up."""
    seconds = self.seconds()
    return sum(seconds.values()) - seconds['setup']
