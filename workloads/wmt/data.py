# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of sentence pairs: packed in training, one pair a row otherwise.

Shapes: B rows of T tokens on each side.
"""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxperf import data as data_lib
from jaxperf import workload
from workloads.mini_data import translation
from workloads.wmt import packing, text

# Few, because beam search is slow on a CPU.
MINI_EVAL_EXAMPLES = {'train': 64, 'validation': 192, 'test': 192}
_FAKE_EVAL_EXAMPLES = 200


class Source(NamedTuple):
  """Batches, and what their ids mean.

  Attributes:
    data: the batches.
    detokenize: ids of one sentence -> text.
  """

  data: workload.Data
  detokenize: Callable[[Sequence[int]], str]


def element_spec(
  max_length: int, batch_size: int, split: str | None = None
) -> workload.Batch:
  """A training batch, or an evaluation batch if a split is named."""
  ids = jax.ShapeDtypeStruct((batch_size, max_length), np.int32)
  weights = jax.ShapeDtypeStruct((batch_size, max_length), np.float32)
  names = packing.PACKED_NAMES if split is None else packing.SIDES
  return dict.fromkeys(names, ids) | {'weights': weights}


def unavailable(name: str, max_length: int) -> Source:
  """Data of which only the shapes are known."""
  spec = functools.partial(element_spec, max_length)
  return Source(data_lib.unavailable(name, spec), text.numerals)


def fake(vocab_size: int, max_length: int) -> Source:
  """Random ids in sentences of random length."""

  def pair(rng):
    lengths = rng.lognormal(np.log(max_length / 10), 0.5, size=2)
    return [
      [*rng.integers(text.END_ID + 1, vocab_size, size=length), text.END_ID]
      for length in lengths.astype(int).clip(1, max_length - 1)
    ]

  def make_batch(rng, batch_size, split):
    pairs = (pair(rng) for _ in itertools.count())
    if split is not None:
      pairs = itertools.islice(pairs, batch_size)
      return packing.with_weights(packing.padded_rows(pairs, max_length))
    rows = packing.packed_rows(pairs, max_length)
    return _stacked(itertools.islice(rows, batch_size))

  data = data_lib.generated(make_batch, _FAKE_EVAL_EXAMPLES)
  spec = functools.partial(element_spec, max_length)
  return Source(data._replace(element_spec=spec), text.numerals)


def mini(max_length: int) -> Source:
  """Sentences from the help pages of an office suite, German to English."""

  def load():
    return {
      split: [
        [[*ids, text.END_ID] for ids in (german, english)]
        for english, german in zip(sentences.english, sentences.german)
      ]
      for split, sentences in translation.splits().items()
    }

  return from_pairs(load, translation.detokenize, max_length)


def from_pairs(
  load: Callable[[], Mapping[str, Sequence[packing.Pair]]],
  detokenize: Callable[[Sequence[int]], str],
  max_length: int,
) -> Source:
  """Batches of pairs that fit into memory; longer ones are dropped.

  The training pairs are packed once, in their order; then the rows are shuffled
  each epoch. An evaluation covers the first `MINI_EVAL_EXAMPLES` of a split.

  Args:
    load: split -> pairs of ids, each with its end symbol; called once.
    detokenize: ids of one sentence -> text.
    max_length: T.
  """
  load = functools.cache(load)

  @functools.cache
  def packed():
    pairs = packing.short_pairs(load()['train'], max_length)
    return _stacked(packing.packed_rows(pairs, max_length))

  def train(seed, batch_size, cursor):
    rows = packed()
    for indices, taken in data_lib.shuffled_indices(
      seed, len(rows['targets']), batch_size, cursor
    ):
      yield {key: array[indices] for key, array in rows.items()}, taken

  def evaluation(split, batch_size):
    pairs = packing.short_pairs(load()[split], max_length)
    chosen = itertools.islice(pairs, MINI_EVAL_EXAMPLES[split])
    rows = packing.with_weights(packing.padded_rows(chosen, max_length))
    return data_lib.array_evaluation(rows, batch_size)

  spec = functools.partial(element_spec, max_length)
  return Source(
    data_lib.from_whole_batches(train, evaluation, spec), detokenize
  )


def _stacked(rows) -> dict[str, np.ndarray]:
  """Packed rows as one batch with weights."""
  return packing.with_weights(
    jax.tree.map(lambda *arrays: np.stack(arrays), *rows)
  )
