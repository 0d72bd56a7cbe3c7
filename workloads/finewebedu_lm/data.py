# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of the language workload: windows of prepared ids, or random ones.

Shapes: B windows of T inputs; the targets are the ids after them.
"""

import functools
import pathlib

import jax
import numpy as np

from jaxperf import data as data_lib
from jaxperf import errors, workload
from workloads.finewebedu_lm import tokens, windows
from workloads.mini_data import translation

# Windows that an evaluation covers: the benchmark counts whole batches of 256.
EVALUATED = {'train': 40 * 256, 'validation': 391 * 256}
MINI_EVALUATED = {'train': 128, 'validation': 256, 'test': 256}
_FAKE_EVAL_EXAMPLES = 200


def element_spec(
  length: int, batch_size: int, split: str | None = None
) -> workload.Batch:
  """A training batch, or an evaluation batch; they are alike."""
  del split
  ids = jax.ShapeDtypeStruct((batch_size, length), np.int32)
  weights = jax.ShapeDtypeStruct((batch_size, length), np.float32)
  return {'inputs': ids, 'targets': ids, 'weights': weights}


def prepared(
  division: str,
  vocabulary: int,
  length: int,
  data_dir: pathlib.Path | None = None,
) -> workload.Data:
  """The ids that `jaxperf data prepare` has made.

  Args:
    division: how the splits are drawn, one of `tokens.DIVISIONS`.
    vocabulary: number of ids that the model knows.
    length: T.
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(
    lambda: tokens.open_splits(data_dir, vocabulary, division)
  )

  def train(seed, batch_size, cursor=None, rows=None):
    stream = windows.training(
      opened()['train'], length, seed, batch_size, cursor, rows
    )
    return ((_known(batch, vocabulary), taken) for batch, taken in stream)

  def evaluation(split, batch_size, rows=None):
    stream = windows.evaluation(
      opened()[split], length, EVALUATED[split], batch_size, rows
    )
    return (_known(batch, vocabulary) for batch in stream)

  def check():
    for split, ids in opened().items():
      if not windows.count(ids, length):
        raise errors.UserError(
          f'the prepared {split} split of {tokens.NAME} has {len(ids):,} ids, '
          f'expected at least {length + 1:,}: prepare more text'
        )

  def identity():
    return tokens.identity(data_dir, division)

  spec = functools.partial(element_spec, length)
  return workload.Data(train, evaluation, spec, check, identity)


def mini(
  vocabulary: int, length: int, data_dir: pathlib.Path | None = None
) -> workload.Data:
  """The English sentences of the small translation task, each with its end.

  A split is the stream of its sentences, which any of its windows cuts where it
  likes; an evaluation covers the first `MINI_EVALUATED` of them.

  Args:
    vocabulary: number of ids that the model knows.
    length: T.
    data_dir: not looked at, the text ships.
  """
  del vocabulary, data_dir

  @functools.cache
  def streams():
    end = np.array([translation.END_ID], np.int32)
    return {
      split: np.concatenate([x for ids in pairs.english for x in (ids, end)])
      for split, pairs in translation.splits().items()
    }

  def train(seed, batch_size, cursor=None, rows=None):
    return windows.training(
      streams()['train'], length, seed, batch_size, cursor, rows
    )

  def evaluation(split, batch_size, rows=None):
    return windows.evaluation(
      streams()[split], length, MINI_EVALUATED[split], batch_size, rows
    )

  return workload.Data(
    train, evaluation, functools.partial(element_spec, length)
  )


def fake(vocabulary: int, length: int) -> workload.Data:
  """Random ids."""

  def make_batch(rng, batch_size, split):
    del split
    ids = rng.integers(
      vocabulary, size=(batch_size, length + 1), dtype=np.int32
    )
    weights = np.ones((batch_size, length), np.float32)
    return {'inputs': ids[:, :-1], 'targets': ids[:, 1:], 'weights': weights}

  return data_lib.generated(make_batch, _FAKE_EVAL_EXAMPLES)


def _known(batch: data_lib.Batch, vocabulary: int) -> data_lib.Batch:
  """The batch, all of whose ids are in the vocabulary.

  Raises:
    UserError: if one is not.
  """
  largest = int(max(batch['inputs'].max(), batch['targets'].max()))
  if largest >= vocabulary:
    raise errors.UserError(
      f'the prepared data of {tokens.NAME} holds the id {largest:,}, expected '
      f'ids below {vocabulary:,}: look for damage with `jaxperf data check '
      f'{tokens.NAME} --deep`, remove the file that it names and prepare again'
    )
  return batch
