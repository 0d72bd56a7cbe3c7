# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Streams of batches of prepared speech."""

import functools
import pathlib
from collections.abc import Iterator

import numpy as np

from jaxperf import data, workload
from workloads.librispeech import reading, tokenizer, utterances

EVAL_TRAIN = 5_376  # Training utterances that one evaluation covers.


def prepared(
  element_spec, data_dir: pathlib.Path | None = None
) -> tuple[workload.Data, tokenizer.Detokenizer]:
  """The speech that `jaxperf data prepare` has made, and its labels' text.

  Args:
    element_spec: see `workload.Data`.
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(lambda: utterances.open_splits(data_dir))

  def train(seed, batch_size, cursor=None, rows=None):
    return training(opened().train, seed, batch_size, cursor, rows)

  def evaluation(split, batch_size, rows=None):
    return evaluated(opened(), split, batch_size, rows)

  def check():
    opened()

  def detokenize(ids):
    return opened().tokenizer.decode(ids)

  def identity():
    return {'tokenizer': opened().tokenizer.sha256}

  found = workload.Data(train, evaluation, element_spec, check, identity)
  return found, detokenize


def training(
  speech: utterances.Utterances, seed, batch_size, cursor=None, rows=None
) -> Iterator[tuple[data.Batch, int]]:
  """Endless batches and cursors; see `workload.Data.train`."""
  first, last = rows or (0, batch_size)
  buffers = reading.Buffers(last - first)
  for indices, taken in data.shuffled_indices(
    seed, len(speech.kept), batch_size, cursor
  ):
    yield reading.batch(speech, indices[first:last], buffers), taken


def evaluated(
  splits: utterances.Splits, split, batch_size, rows=None
) -> Iterator[data.Batch]:
  """One pass in order, the last batch padded; see `workload.Data`."""
  first, last = rows or (0, batch_size)
  speech = getattr(splits, split)
  indices = np.arange(len(speech.kept))
  if split == 'train':
    indices = eval_train(len(indices))
  buffers = reading.Buffers(last - first)
  for start in range(0, len(indices), batch_size):
    wanted = indices[start + first : start + last]
    weights = (np.arange(last - first) < len(wanted)).astype(np.float32)
    batch = reading.batch(speech, wanted, buffers)
    yield batch | {'weights': weights}


def eval_train(count: int) -> np.ndarray:
  """Training utterances that one evaluation covers, at equal distances.

  Of N utterances, the j-th of M is utterance floor(j N / M).

  >>> eval_train(263_840)[:3].tolist(), len(eval_train(263_840))
  ([0, 49, 98], 5376)
  """
  wanted = min(EVAL_TRAIN, count)
  return np.arange(wanted) * count // max(wanted, 1)
