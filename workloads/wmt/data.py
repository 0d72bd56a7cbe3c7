# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of sentence pairs: packed in training, one pair a row otherwise.

Shapes: B rows of T tokens on each side.
"""

import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxperf import data as data_lib
from jaxperf import workload
from workloads.mini_data import files, translation
from workloads.wmt import packing, streams, text, tokens

# Few, because beam search is slow on a CPU.
MINI_EVAL_EXAMPLES = {'train': 64, 'validation': 192, 'test': 192}
# Training pairs that one evaluation covers, as in the benchmark.
EVALUATED = {'train': 3_072}
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


def prepared(
  vocabulary: int, max_length: int, data_dir: pathlib.Path | None = None
) -> Source:
  """The sentence pairs that `jaxperf data prepare` has made.

  Args:
    vocabulary: number of ids that the model knows.
    max_length: T.
    data_dir: folder of all prepared data; None for `$JAXPERF_DATA`.
  """
  # Opened when first asked for: a model can be had without data.
  opened = functools.cache(
    lambda: tokens.open_splits(data_dir, vocabulary, max_length)
  )
  tokenizer = functools.cache(lambda: tokens.open_tokenizer(data_dir))

  def train(seed, batch_size, cursor=None, rows=None):
    stream = streams.training(
      opened()['train'], max_length, seed, batch_size, cursor, rows
    )
    return (
      (streams.known(batch, vocabulary), taken) for batch, taken in stream
    )

  def evaluation(split, batch_size, rows=None):
    pairs = opened()[split]
    chosen = np.arange(min(len(pairs), EVALUATED.get(split, len(pairs))))
    stream = streams.evaluation(pairs, chosen, max_length, batch_size, rows)
    return (streams.known(batch, vocabulary) for batch in stream)

  def check():
    opened(), tokenizer()

  def identity():
    return {'tokenizer': tokenizer().sha256}

  spec = functools.partial(element_spec, max_length)
  data = workload.Data(train, evaluation, spec, check, identity)
  return Source(data, lambda ids: tokenizer().decode(ids))


def fake(vocab_size: int, max_length: int) -> Source:
  """Random ids in sentences of random length."""

  def pair(rng):
    lengths = rng.lognormal(np.log(max_length / 10), 0.5, size=2)
    return [
      [
        *rng.integers(packing.END_ID + 1, vocab_size, size=length),
        packing.END_ID,
      ]
      for length in lengths.astype(int).clip(1, max_length - 1)
    ]

  def make_batch(rng, batch_size, split):
    if split is not None:
      pairs = packing.pairs_of(pair(rng) for _ in range(batch_size))
      return packing.padded(
        pairs, np.arange(batch_size), max_length, batch_size
      )
    drawn, count = [], 0
    while count < batch_size:
      drawn += [pair(rng) for _ in range(max_length)]
      pairs = packing.pairs_of(drawn)
      index = packing.index(pairs, np.arange(len(pairs)), max_length)
      count = index.count
    return packing.packed(pairs, index, max_length, 0, batch_size)

  data = data_lib.generated(make_batch, _FAKE_EVAL_EXAMPLES)
  spec = functools.partial(element_spec, max_length)
  return Source(data._replace(element_spec=spec), text.numerals)


def mini(
  vocabulary: int, max_length: int, _: pathlib.Path | None = None
) -> Source:
  """Sentences from the help pages of an office suite, German to English."""

  def load():
    pairs = {
      split: packing.pairs_of(
        [[*ids, packing.END_ID] for ids in (german, english)]
        for english, german in zip(sentences.english, sentences.german)
      )
      for split, sentences in translation.splits().items()
    }
    return files.frozen(pairs)

  return from_pairs(load, translation.detokenize, max_length)


def from_pairs(
  load: Callable[[], Mapping[str, packing.Pairs]],
  detokenize: Callable[[Sequence[int]], str],
  max_length: int,
) -> Source:
  """Batches of pairs that fit into memory; longer ones are dropped.

  The training pairs are packed once, in their order; then the rows are shuffled
  each epoch. An evaluation covers the first `MINI_EVAL_EXAMPLES` of a split.

  Args:
    load: split -> pairs, each side with its end symbol; called once.
    detokenize: ids of one sentence -> text.
    max_length: T.
  """
  load = functools.cache(load)

  @functools.cache
  def packed():
    pairs = load()['train']
    chosen = packing.short(pairs, max_length)
    index = packing.index(pairs, chosen, max_length)
    return packing.packed(pairs, index, max_length, 0, index.count)

  def train(seed, batch_size, cursor):
    rows = packed()
    for indices, taken in data_lib.shuffled_indices(
      seed, len(rows['targets']), batch_size, cursor
    ):
      yield {key: array[indices] for key, array in rows.items()}, taken

  def evaluation(split, batch_size):
    pairs = load()[split]
    chosen = packing.short(pairs, max_length)[: MINI_EVAL_EXAMPLES[split]]
    return streams.evaluation(pairs, chosen, max_length, batch_size)

  spec = functools.partial(element_spec, max_length)
  return Source(
    data_lib.from_whole_batches(train, evaluation, spec), detokenize
  )
