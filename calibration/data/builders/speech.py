# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A bank of spoken words: 51 words by 28 synthetic voices, 8 kHz, 4 bits.

Runs the espeak-ng library of the pinned wheel (Linux, x86-64).
"""

from __future__ import annotations

import ctypes
import pathlib
import tempfile
import zipfile

import numpy as np
import scipy.signal

from calibration.data.builders import packages, store
from workloads.mini_data import adpcm, speech

PACKAGES = (
  packages.Package(
    'wheel',
    'espeakng-loader',
    '0.2.4',
    'espeakng_loader-*.whl',
    '08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d',
  ),
)
DESCRIPTION = {
  'title': 'Spoken words of six-word commands, 28 voices',
  'licence': 'output of a speech synthesiser, see NOTICE',
  'credit': 'Synthesised with espeak-ng 1.52',
  'made': (
    'Synthetic voices, no recordings of people. The utterances are composed '
    'from the words at load.'
  ),
}
SPLITS = {'train': 4_000, 'validation': 400, 'test': 400}  # Utterances.
# Accent + variant; no variant, nor a near copy of one, is in two splits.
# fmt: off
VOICES = {
  'train': [
    'en-us+m1', 'en-gb-x-rp+m2', 'en-us-nyc+m3', 'en-gb-scotland+m4',
    'en-us+m5', 'en-029+m7', 'en-us+Andy', 'en+Gene', 'en-us+Michael',
    'en-gb-x-rp+Denis', 'en-us-nyc+pedro', 'en-us+f1', 'en+f2', 'en-us+f4',
    'en-us-nyc+f5', 'en-gb-scotland+Annie', 'en-us+belinda',
    'en-gb-x-rp+anika', 'en-029+aunty', 'en-us+shelby',
  ],
  'validation': ['en-us+m6', 'en-gb-x-rp+Storm', 'en-us+f3', 'en+Alicia'],
  'test': ['en-us+m8', 'en+Alex', 'en-us+steph', 'en-gb-scotland+grandma'],
}
# fmt: on
_SOURCE_RATE = 22_050
_PEAK = 20_000
_QUIET = 0.02  # Of the peak; what is below at both ends is cut off.
_RETRIEVAL, _UTF8, _RATE_PARAMETER = 1, 1, 1
_WORDS_PER_MINUTE = 190


def build(paths: list[pathlib.Path]) -> store.Packed:
  """The word bank; clips of a voice follow each other in order of the words."""
  voices = [voice for names in VOICES.values() for voice in names]
  with tempfile.TemporaryDirectory() as folder:
    zipfile.ZipFile(paths[0]).extractall(folder)
    say = _synthesiser(pathlib.Path(folder) / 'espeakng_loader')
    clips = [
      _prepared(say(voice, word)) for voice in voices for word in speech.WORDS
    ]
  lengths = np.array([len(clip) for clip in clips])
  padded = np.zeros((len(clips), lengths.max()), np.int16)
  for row, clip in zip(padded, clips):
    row[: len(clip)] = clip
  codes = adpcm.encode(padded)[np.arange(lengths.max()) < lengths[:, None]]
  codes = np.pad(codes, (0, len(codes) % 2))
  return store.Packed(
    arrays={
      'codes': codes[0::2] << 4 | codes[1::2],
      'lengths': lengths.astype(np.uint16),
      'voices': store.text(voices),
      'voices_per_split': np.array([len(v) for v in VOICES.values()], np.uint8),
    },
    splits=SPLITS,
    literal_bits=(0, 0, 0),
  )


def _synthesiser(folder: pathlib.Path):
  """`(voice, word) -> samples` at 22,050 Hz, repeatable in a fixed order."""
  library = ctypes.CDLL(str(folder / 'libespeak-ng.so'))
  rate = library.espeak_Initialize(
    _RETRIEVAL, 0, str(folder / 'espeak-ng-data').encode(), 0
  )
  if rate != _SOURCE_RATE:
    raise RuntimeError(f'espeak-ng answered {rate}, expected {_SOURCE_RATE} Hz')
  pieces = []

  @ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
  )
  def collect(samples, count, events):
    if samples and count:
      pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
    return 0

  library.espeak_SetSynthCallback(collect)

  def say(voice: str, word: str) -> np.ndarray:
    if library.espeak_SetVoiceByName(voice.encode()):
      raise RuntimeError(f'espeak-ng has no voice {voice}')
    library.espeak_SetParameter(_RATE_PARAMETER, _WORDS_PER_MINUTE, 0)
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    ctypes.CDLL(None).srand(1)
    pieces.clear()
    text = word.encode() + b'\0'
    library.espeak_Synth(text, len(text), 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(pieces)

  say.keep = collect  # The library calls it as long as `say` is in use.
  return say


def _prepared(samples: np.ndarray) -> np.ndarray:
  """The word without silence around it, at 8 kHz, at a fixed peak, int16."""
  clip = scipy.signal.resample_poly(samples.astype(np.float64), 160, 441)
  clip *= _PEAK / np.abs(clip).max()
  loud = np.flatnonzero(np.abs(clip) > _QUIET * _PEAK)
  return np.rint(clip[loud[0] : loud[-1] + 1]).astype(np.int16)
