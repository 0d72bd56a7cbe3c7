# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From prepared speech to batches in memory that is used again and again.

A batch of 256 utterances is 655 MB. So its memory is handed out for reading
only, and taken back when nobody, the devices included, refers to it any more.
A row is then changed only where its length changes.
"""

import collections
import mmap
import weakref
from collections.abc import Sequence

import numpy as np

from jaxperf import cores
from workloads.librispeech import utterances

_MOST_THREADS = 4


class Buffers:
  """Memory of the batches of one stream: audio and paddings."""

  def __init__(self, rows: int, samples: int = utterances.MAX_SAMPLES):
    """Takes no memory yet.

    Args:
      rows: in a batch.
      samples: in a row.
    """
    self._rows, self._samples = rows, samples
    # Of garbage collection in any thread, hence a deque.
    self._free: collections.deque[_Buffer] = collections.deque()

  def take(self) -> '_Buffer':
    """A free one, or a new one."""
    try:
      return self._free.popleft()
    except IndexError:
      return _Buffer(self._rows, self._samples)

  def give(self, buffer: '_Buffer') -> tuple[np.ndarray, np.ndarray]:
    """Audio and paddings, read-only; free again when both are gone.

    Arrays made of them keep these, and so the memory, alive.
    """
    arrays = buffer.arrays()
    left = collections.deque([None] * (len(arrays) - 1))
    for array in arrays:
      array.flags.writeable = False
      weakref.finalize(array, _release, self._free, left, buffer).atexit = False
    return arrays


def _release(free, left, buffer) -> None:
  """Takes memory back with the last array of it."""
  try:
    left.pop()
  except IndexError:
    free.append(buffer)


class _Buffer:
  """Audio and paddings, and the length of what each row holds.

  Row k holds audio, then zeros; paddings are 0, then 1, from lengths[k] on.
  """

  def __init__(self, rows: int, samples: int):
    self._shape = (rows, samples)
    # Not an array's: arrays made of an array do not keep that one alive.
    size = max(4 * rows * samples, 1)
    self._memory = tuple(mmap.mmap(-1, size) for _ in range(2))
    self.audio, self.paddings = self.arrays()
    self.lengths = [samples] * rows

  def arrays(self) -> tuple[np.ndarray, np.ndarray]:
    """New arrays of the memory."""
    audio, paddings = (
      np.ndarray(self._shape, np.float32, buffer=memory)
      for memory in self._memory
    )
    return audio, paddings

  def fill(self, row: int, array: np.ndarray) -> None:
    """Puts samples into a row."""
    old, new = self.lengths[row], len(array)
    self.audio[row, :new] = array
    if new < old:
      self.audio[row, new:old] = 0
      self.paddings[row, new:old] = 1
    else:
      self.paddings[row, old:new] = 0
    self.lengths[row] = new

  def clear(self, row: int) -> None:
    """Makes a row all zeros, paddings too."""
    self.audio[row, : self.lengths[row]] = 0
    self.paddings[row, self.lengths[row] :] = 0
    self.lengths[row] = self._shape[1]


def batch(
  speech: utterances.Utterances, indices: Sequence[int], buffers: Buffers
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
  """Utterances as the models take them, made by a few threads.

  Args:
    speech: to read from.
    indices: of utterances; no more than rows in the buffers. Rows after them
      are zeros.
    buffers: memory for audio and paddings.

  Returns:
    `inputs`, audio in 16-bit units and paddings (B, 320000), read-only, and
    `targets`, labels and paddings (B, 256), all float32. Paddings are 1 where
    padded.

  Raises:
    UserError: if a file ends too early.
  """
  buffer = buffers.take()
  rows = len(buffer.lengths)
  labels = np.zeros((2, rows, utterances.MAX_LABELS), np.float32)

  def work(part):
    scratch = np.empty(utterances.MAX_SAMPLES, '<i2')
    for row in part:
      if row < len(indices):
        kept = speech.kept[indices[row]]
        buffer.fill(row, _samples(speech, kept, scratch))
        first, count = int(kept['label']), int(kept['labels'])
        labels[0, row, :count] = speech.labels[first : first + count]
        labels[1, row, count:] = 1
      else:
        buffer.clear(row)

  pool, threads = cores.input_threads(_MOST_THREADS)
  # Which thread makes a row does not show in it.
  parts = np.array_split(np.arange(rows), threads)
  list(pool.map(work, [part.tolist() for part in parts if part.size]))
  return {'inputs': buffers.give(buffer), 'targets': (labels[0], labels[1])}


def samples(speech: utterances.Utterances, index: int) -> np.ndarray:
  """The samples of one utterance, (samples,) int16."""
  kept = speech.kept[index]
  return _samples(speech, kept, np.empty(kept['samples'], '<i2'))


def _samples(speech, kept, scratch: np.ndarray) -> np.ndarray:
  """Samples, read to where they are worked on."""
  wanted = scratch[: kept['samples']]
  path = speech.shards[kept['shard']]
  utterances.samples(path, int(kept['start']), wanted)
  return wanted
