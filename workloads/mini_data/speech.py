# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Spoken six-word commands, composed from a bank of synthesised words."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from workloads.mini_data import adpcm, cache, files

SAMPLE_RATE = 16_000
SLOTS = tuple(
  tuple(words.split())
  for words in (
    'bin lay place set',
    'blue green red white',
    'at by in with',
    'a b c d e f g h i j k l m n o p q r s t u v x y z',
    'zero one two three four five six seven eight nine',
    'again now please soon',
  )
)
WORDS = tuple(word for words in SLOTS for word in words)
_SENTENCES = math.prod(len(words) for words in SLOTS)
_VERSION = '1'


class Speech(NamedTuple):
  """One split. `padded_audio` cuts batches out of it.

  Attributes:
    audio: (sum of lengths,) int16, 16 kHz, the utterances one after the
      other; memory-mapped.
    starts: (N,) int64, where each utterance begins in `audio`.
    lengths: (N,) int32, samples of each utterance; at most 51,200.
    texts: N sentences of lower-case words with single spaces between them.
  """

  audio: np.ndarray
  starts: np.ndarray
  lengths: np.ndarray
  texts: list[str]


def splits() -> dict[str, Speech]:
  """Commands like "set blue by q five please": 4,000 / 400 / 400 utterances.

  Fixed: utterance i of a split is the same in every run. The splits share
  neither voices (20 / 4 / 4) nor sentences. Kept in the cache of derived
  arrays.

  Raises:
    UserError: if the packed file is missing or damaged.
  """
  entry = files.manifest()['speech']
  splits = {}
  for split in files.SPLITS:
    arrays = cache.cached(
      f'speech-{split}',
      (entry['sha256'], _VERSION),
      lambda split=split: _compose(split),
    )
    lengths = arrays['lengths']
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    texts = [' '.join(words) for words in sentences(split)]
    splits[split] = Speech(arrays['audio'], starts, lengths, texts)
  return splits


def padded_audio(
  split: Speech, indices: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
  """Utterances side by side, as the speech models read them.

  Args:
    split: what `speech` returns for a split.
    indices: (B,) which utterances.
    size: samples to pad to, at least the longest utterance.

  Returns:
    Audio (B, size) float32 in the units of int16, and paddings (B, size)
    float32, 1 after the end of an utterance.
  """
  audio = np.zeros((len(indices), size), np.float32)
  for row, i in zip(audio, indices):
    start, length = split.starts[i], split.lengths[i]
    row[:length] = split.audio[start : start + length]
  ends = split.lengths[indices][:, None]
  return audio, (np.arange(size) >= ends).astype(np.float32)


def sentences(split: str) -> list[tuple[str, ...]]:
  """The words of each utterance; no sentence occurs twice, in any split."""
  rows = files.split_slices('speech')[split]
  chosen = []
  for number in files.spread(_SENTENCES)[rows]:
    words = []
    for choices in SLOTS:
      number, which = divmod(int(number), len(choices))
      words.append(choices[which])
    chosen.append(tuple(words))
  return chosen


def word_bank() -> list[np.ndarray]:
  """Clips at 16 kHz, float32 in units of int16: voice after voice.

  Clip number voice * 51 + word; words in the order of `WORDS`.
  """
  arrays = files.read('speech')
  lengths = arrays['lengths'].astype(np.int64)
  codes = np.stack([arrays['codes'] >> 4, arrays['codes'] & 15], 1).ravel()
  padded = np.zeros((len(lengths), lengths.max()), np.uint8)
  padded[np.arange(lengths.max()) < lengths[:, None]] = codes[: lengths.sum()]
  samples = adpcm.decode(padded)
  return [
    _double_rate(row[:length].astype(np.float32))
    for row, length in zip(samples, lengths)
  ]


def _double_rate(clip: np.ndarray) -> np.ndarray:
  """Twice the sampling rate: a windowed sinc between the given samples."""
  distance = np.arange(-8, 8) + 0.5
  taps = np.sinc(distance) * np.cos(np.pi * distance / 17) ** 2
  doubled = np.empty(2 * len(clip), np.float32)
  doubled[0::2] = clip
  doubled[1::2] = np.convolve(clip, taps)[8 : 8 + len(clip)]
  return doubled


def _compose(split: str) -> dict[str, np.ndarray]:
  """All utterances of a split: samples one after the other, and lengths."""
  bank = word_bank()
  number = files.SPLITS.index(split)
  per_split = files.read('speech')['voices_per_split'].astype(int)
  first_voice = per_split[:number].sum()
  utterances = []
  for i, words in enumerate(sentences(split)):
    rng = np.random.Generator(np.random.Philox(key=[number, i]))
    voice = first_voice + rng.integers(per_split[number])
    clips = [bank[voice * len(WORDS) + WORDS.index(word)] for word in words]
    utterances.append(_utterance(clips, rng))
  return {
    'audio': np.concatenate(utterances),
    'lengths': np.array([len(u) for u in utterances], np.int32),
  }


def _utterance(clips: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
  """Words with gaps of up to 60 ms, at one speed and level, in noise; int16."""
  gaps = rng.integers(0, round(0.06 * SAMPLE_RATE), len(clips) + 1)
  pieces = [np.zeros(gaps[0], np.float32)]
  for clip, gap in zip(clips, gaps[1:]):
    pieces += [clip, np.zeros(gap, np.float32)]
  sound = np.concatenate(pieces)
  speed = rng.uniform(0.88, 1.1)
  sound = np.interp(
    np.arange(0, len(sound) - 1, speed), np.arange(len(sound)), sound
  ).astype(np.float32)
  sound *= 10 ** (rng.uniform(-15, 0) / 20)
  noise_level = np.sqrt(np.mean(sound**2)) * 10 ** (-rng.uniform(25, 60) / 20)
  noise = rng.standard_normal(len(sound), np.float32)
  sound += np.float32(noise_level) * noise
  return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
