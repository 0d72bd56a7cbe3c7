# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches on the devices, prepared by a thread ahead of the step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from jaxperf import data, mesh, workload
from jaxperf.trial import stopwatch


def of_share(
  function: Callable[..., Iterator], share: mesh.Share, *arguments: Any
) -> Iterator:
  """A stream of a workload's data: of a share of each batch.

  Args:
    function: `train` or `evaluation` of a `jaxperf.Data`.
    share: that is wanted.
    arguments: of the function.
  """
  if share.whole:
    return function(*arguments)
  return function(*arguments, rows=(share.first, share.last))


class Prefetcher:
  """Batches placed on the devices by a thread, a few steps ahead.

  Attributes:
    cursor: position right after the last batch handed out.
  """

  def __init__(
    self,
    batches: Iterator[tuple[data.Batch, workload.Cursor]],
    place: Callable[[data.Batch], data.Batch],
    cursor: workload.Cursor = None,
    depth: int = 2,
  ):
    """Starts the thread.

    Args:
      batches: pairs of host batch and cursor.
      place: puts a host batch on the devices.
      cursor: position before the first batch.
      depth: batches held ready.
    """
    self.cursor = cursor
    self._waiting: Any = None  # Taken from the queue, not yet handed out.
    self._ready: queue.SimpleQueue = queue.SimpleQueue()
    self._permits: queue.SimpleQueue = queue.SimpleQueue()  # One a batch.
    for _ in range(depth):
      self._permits.put(None)
    self._closed = False
    self._thread = threading.Thread(
      target=self._work, args=(batches, place), daemon=True
    )
    self._thread.start()

  def ready(self) -> bool:
    """Whether the next batch can be had without waiting."""
    return self._waiting is not None or not self._ready.empty()

  def wait_ready(self) -> None:
    """Returns once the next batch (or an error) is there."""
    if self._waiting is None:
      self._waiting = self._ready.get()

  def __iter__(self) -> Iterator[data.Batch]:
    return self

  def __next__(self) -> data.Batch:
    self.wait_ready()
    if isinstance(self._waiting, BaseException):
      raise self._waiting
    batch, self.cursor = self._waiting
    self._waiting = None
    self._permits.put(None)
    return batch

  def close(self) -> None:
    """Stops the thread and drops what it prepared."""
    self._closed = True
    self._permits.put(None)
    self._thread.join()

  def _work(self, batches, place) -> None:
    """Prepares a batch for each permit; hands an error to the consumer."""
    try:
      while True:
        self._permits.get()
        if self._closed:
          return
        batch, cursor = next(batches, (None, None))
        if batch is None:
          raise RuntimeError('the stream of training batches ended')
        self._ready.put((place(batch), cursor))
    except BaseException as error:  # Raised again by __next__.
      self._ready.put(error)


def wait(batches: Prefetcher, watch: stopwatch.Stopwatch, state: Any) -> None:
  """Waits for the next batch, on the clock as `data_wait`.

  Args:
    batches: that a step takes from.
    watch: the clock.
    state: what the last step returns: the devices finish it first, so that only
      the time in which they have nothing to do is the data's.
  """
  if not batches.ready():
    with watch.bucket('data_wait', after=state):
      batches.wait_ready()
