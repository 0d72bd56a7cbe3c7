# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of speech: audio and transcripts, each with its paddings.

Shapes: B utterances, N samples, L labels. Paddings are 1 where padded.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxperf import data, workload
from workloads.librispeech import streams, tokenizer, utterances
from workloads.mini_data import files
from workloads.mini_data import speech as speech_lib

MINI_EVALUATED = {'train': 160, 'validation': 400, 'test': 400}
_FAKE_EVALUATION_EXAMPLES = 11
_FAKE_AMPLITUDE = 2_000  # In 16-bit units.
_SAMPLES_PER_FAKE_LABEL = 3_200  # 5 frames of the model: a label fits in.


@dataclasses.dataclass(frozen=True)
class Sizes:
  """What a batch looks like.

  Attributes:
    samples: N.
    labels: L.
    vocabulary: label ids, the blank 0 included.
  """

  samples: int
  labels: int
  vocabulary: int


_FULL_SIZES = Sizes(
  samples=utterances.MAX_SAMPLES,
  labels=utterances.MAX_LABELS,
  vocabulary=1_024,
)
_MINI_SIZES = Sizes(
  samples=51_200, labels=32, vocabulary=len(tokenizer.CHARACTERS)
)


@dataclasses.dataclass(frozen=True)
class Corpus:
  """Utterances, and the text that their labels stand for.

  Attributes:
    name: for tables.
    num_train: training utterances.
    num_eval_train: those that one evaluation covers.
    num_validation: validation utterances.
    num_test: test utterances.
    sizes: of the batches.
    real: `(folder of all prepared data or None) -> data, label ids to text`.
    detokenize_fake: label ids to text for fake data.
  """

  name: str
  num_train: int
  num_eval_train: int
  num_validation: int
  num_test: int
  sizes: Sizes
  real: Callable[
    [pathlib.Path | None], tuple[workload.Data, tokenizer.Detokenizer]
  ]
  detokenize_fake: tokenizer.Detokenizer


def element_spec(sizes: Sizes, batch_size: int, split: str | None = None):
  """A training batch, or an evaluation batch if a split is named."""

  def pair(length):
    array = jax.ShapeDtypeStruct((batch_size, length), np.float32)
    return array, array

  spec = {'inputs': pair(sizes.samples), 'targets': pair(sizes.labels)}
  if split is not None:
    spec['weights'] = jax.ShapeDtypeStruct((batch_size,), np.float32)
  return spec


def fake(sizes: Sizes) -> workload.Data:
  """Noise of random lengths, with random labels that fit into it."""

  def make_batch(rng, batch_size, split):
    lengths = rng.integers(
      sizes.samples // 2, sizes.samples, size=batch_size, endpoint=True
    )
    audio = rng.integers(
      -_FAKE_AMPLITUDE,
      _FAKE_AMPLITUDE,
      size=(batch_size, sizes.samples),
      dtype=np.int16,
    )
    labels = rng.integers(
      1, sizes.vocabulary, size=(batch_size, sizes.labels), dtype=np.int32
    )
    label_lengths = np.minimum(lengths // _SAMPLES_PER_FAKE_LABEL, sizes.labels)
    weights = None if split is None else np.ones(batch_size, np.float32)
    return batch_of(audio, lengths, labels, label_lengths, weights)

  return data.generated(make_batch, _FAKE_EVALUATION_EXAMPLES)._replace(
    element_spec=functools.partial(element_spec, sizes)
  )


def mini() -> workload.Data:
  """The spoken commands that ship, with their letters as labels."""

  def batch(split, indices):
    speech, labels, lengths = _commands()[split]
    return {
      'inputs': speech_lib.padded_audio(speech, indices, _MINI_SIZES.samples),
      'targets': _padded(labels[indices], lengths[indices]),
    }

  def train(seed, batch_size, cursor):
    for indices, taken in data.shuffled_indices(
      seed, len(_commands()['train'].lengths), batch_size, cursor
    ):
      yield batch('train', indices), taken

  def evaluation(split, batch_size):
    count = MINI_EVALUATED[split]
    for start in range(0, count, batch_size):
      indices = np.arange(start, min(start + batch_size, count))
      weights = np.ones(len(indices), np.float32)
      examples = batch(split, indices) | {'weights': weights}
      yield data.pad_batch(examples, batch_size)

  return data.from_whole_batches(
    train, evaluation, functools.partial(element_spec, _MINI_SIZES)
  )


LIBRISPEECH = Corpus(
  'LibriSpeech',
  num_train=263_840,
  num_eval_train=5_376,
  num_validation=5_348,
  num_test=2_472,
  sizes=_FULL_SIZES,
  real=functools.partial(
    streams.prepared, functools.partial(element_spec, _FULL_SIZES)
  ),
  detokenize_fake=tokenizer.numerals,
)
COMMANDS = Corpus(
  'spoken commands (synthesised)',
  num_train=4_000,
  num_eval_train=MINI_EVALUATED['train'],
  num_validation=MINI_EVALUATED['validation'],
  num_test=MINI_EVALUATED['test'],
  sizes=_MINI_SIZES,
  real=lambda _: (mini(), tokenizer.characters),
  detokenize_fake=tokenizer.characters,
)


class _Commands(NamedTuple):
  """A split: audio, labels (N, L) int32 and their numbers (N,)."""

  speech: speech_lib.Speech
  labels: np.ndarray
  lengths: np.ndarray


@functools.cache
def _commands() -> dict[str, _Commands]:
  """The commands by split, letters encoded."""
  splits = {}
  for split, speech in speech_lib.splits().items():
    lengths = np.array([len(text) for text in speech.texts])
    labels = np.zeros((len(lengths), _MINI_SIZES.labels), np.int32)
    for row, text in zip(labels, speech.texts):
      row[: len(text)] = tokenizer.encode_characters(text)
    splits[split] = _Commands(speech, labels, lengths)
  return files.frozen(splits)


def batch_of(audio, lengths, labels, label_lengths, weights=None):
  """A batch as the models take it: all float32, zeros on padding.

  Args:
    audio: 16-bit samples, (B, N).
    lengths: real samples of each utterance, (B,).
    labels: label ids, (B, L).
    label_lengths: real labels of each utterance, (B,).
    weights: (B,) in an evaluation batch, None in training.
  """
  batch = {
    'inputs': _padded(audio, lengths),
    'targets': _padded(labels, label_lengths),
  }
  return batch if weights is None else batch | {'weights': weights}


def _padded(array, lengths):
  """The array with zeros after each row's length, and its paddings."""
  padding = np.arange(array.shape[1]) >= np.asarray(lengths)[:, None]
  array = np.where(padding, 0, array)
  return array.astype(np.float32), padding.astype(np.float32)
