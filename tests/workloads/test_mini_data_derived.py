# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Mini data that is made at load: scans, utterances; and the sentences."""

import itertools

import numpy as np
import pytest

from workloads.mini_data import adpcm, files, mri, speech
from workloads.mini_data import translation as translation_lib


@pytest.fixture(scope='module')
def translation():
  return translation_lib.splits()


@pytest.fixture(scope='module')
def bank():
  return speech.word_bank()


@pytest.fixture(scope='module')
def utterances():
  return speech._compose('validation')


@pytest.fixture
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  return tmp_path / 'jaxperf' / 'mini'


def test_the_splits_of_a_scan_are_two_slices_apart():
  for train, validation, test in zip(*map(mri.positions, files.SPLITS)):
    for one, other in ((train, validation), (train, test), (validation, test)):
      assert np.abs(one[:, None] - other).min() > 2


def test_mri_slices_are_kspace_of_their_reconstruction(cache):
  brain = mri.brain()
  assert brain.t1.shape == (74, 92, 79)
  slices = mri.slices('validation')
  assert slices.kspace.shape == slices.reconstruction.shape == (256, 96, 96)
  assert slices.kspace.dtype == np.complex64
  # The orthonormal transform keeps the energy; zero frequency is the mean.
  np.testing.assert_allclose(
    np.sum(np.abs(slices.kspace) ** 2, axis=(1, 2)),
    np.sum(slices.reconstruction**2, axis=(1, 2)),
    rtol=1e-4,
  )
  image = mri.image_of(slices.kspace[:1])
  assert slices.kspace[0, 48, 48] == pytest.approx(96 * image.mean(), rel=1e-4)
  np.testing.assert_array_equal(
    slices.volume_max,
    np.repeat(slices.reconstruction.reshape(64, -1).max(axis=1), 4),
  )


def test_mri_slices_are_the_same_computed_and_from_the_cache(cache):
  first = mri.slices('test')
  assert list(cache.glob('mri-test-*/kspace.npy'))
  np.testing.assert_array_equal(first.kspace, mri.slices('test').kspace)


def test_adpcm_decodes_a_hand_worked_clip():
  # Step 7: code 7 moves by 0 + 7 + 3 + 1 = 11, the index grows by 8 (step 16).
  # Step 16: code 8 | 1 moves by -(2 + 4) = -6, the index falls by 1 (step 14).
  # Step 14: code 4 moves by 1 + 14 = 15, the index grows by 2 (step 17).
  # Step 17: code 0 moves by 17 // 8 = 2.
  codes = np.array([[7, 9, 4, 0]], np.uint8)
  np.testing.assert_array_equal(adpcm.decode(codes), [[11, 5, 20, 22]])


def test_adpcm_is_clipped_to_sixteen_bits():
  loud = adpcm.decode(np.full((1, 100), 7, np.uint8))
  quiet = adpcm.decode(np.full((1, 100), 15, np.uint8))
  assert loud[0, -1] == 32767
  assert quiet[0, -1] == -32768


def test_adpcm_keeps_a_tone():
  time = np.arange(4_000) / 8_000
  tone = np.rint(10_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
  error = adpcm.decode(adpcm.encode(tone[None]))[0] - tone.astype(float)
  tail = slice(200, None)  # The step has grown by then.
  assert np.mean(tone[tail] ** 2.0) > 100 * np.mean(error[tail] ** 2)


def test_doubling_the_rate_keeps_a_tone():
  tone = np.sin(2 * np.pi * 500 * np.arange(400) / 8_000)
  doubled = speech._double_rate(tone)
  expected = np.sin(2 * np.pi * 500 * np.arange(800) / 16_000)
  np.testing.assert_allclose(doubled[20:-20], expected[20:-20], atol=2e-3)


def test_the_word_bank_has_51_words_by_28_voices(bank):
  arrays = files.read('speech')
  voices = files.lines(arrays['voices'])
  assert len(speech.WORDS) == 51
  assert len(set(voices)) == 28
  assert len(bank) == 51 * 28
  np.testing.assert_array_equal(arrays['voices_per_split'], [20, 4, 4])
  variants = [
    {v.split('+')[1] for v in part}
    for part in (voices[:20], voices[20:24], voices[24:])
  ]
  assert len(set.union(*variants)) == sum(map(len, variants))
  seconds = np.mean([len(clip) for clip in bank]) / speech.SAMPLE_RATE
  assert 0.2 < seconds < 0.4


def test_no_sentence_is_in_two_splits_or_twice_in_one():
  sentences = [s for split in files.SPLITS for s in speech.sentences(split)]
  assert len(sentences) == len(set(sentences)) == 4_800
  for position, words in enumerate(speech.SLOTS):
    assert {sentence[position] for sentence in sentences} == set(words)


def test_utterances_fit_the_batch_and_leave_room_for_their_letters(utterances):
  lengths = utterances['lengths']
  assert utterances['audio'].dtype == np.int16
  assert utterances['audio'].shape == (lengths.sum(),)
  assert lengths.max() <= 51_200
  # CTC needs a frame a letter and one more between equal neighbours; a frame
  # after subsampling by four is 640 samples.
  for length, words in zip(lengths, speech.sentences('validation')):
    text = ' '.join(words)
    doubled = sum(a == b for a, b in itertools.pairwise(text))
    assert length // 640 - 2 >= len(text) + doubled


def test_padded_audio_ends_where_the_paddings_begin(utterances):
  lengths = utterances['lengths']
  split = speech.Speech(
    utterances['audio'], np.cumsum(lengths) - lengths, lengths, []
  )
  audio, paddings = speech.padded_audio(split, np.array([5, 2]), 51_200)
  assert audio.shape == paddings.shape == (2, 51_200)
  assert audio.dtype == paddings.dtype == np.float32
  np.testing.assert_array_equal((1 - paddings).sum(axis=1), lengths[[5, 2]])
  start = lengths[:5].sum()
  np.testing.assert_array_equal(
    audio[0, : lengths[5]], utterances['audio'][start : start + lengths[5]]
  )
  assert np.all(audio[paddings == 1] == 0)


def test_translation_gives_back_real_sentences(translation):
  def sentences(part):
    return [
      translation_lib.detokenize(ids)
      for split in translation.values()
      for ids in getattr(split, part)
    ]

  pairs = dict(zip(sentences('english'), sentences('german')))
  # A pair of the manual, quoted from its pages.
  assert pairs['You may select up to four levels of grouping.'] == (
    'Es können bis zu vier Gruppierungsebenen angegeben werden.'
  )
  assert len(pairs) == sum(len(split.english) for split in translation.values())


def test_translation_ids_are_short_and_never_unknown(translation):
  assert len(translation_lib.pieces()) == 4_000
  assert translation_lib.pieces()[:3] == ('<unk>', '<s>', '</s>')
  counts = files.manifest()['translation']['splits']
  for name, split in translation.items():
    assert len(split.english) == len(split.german) == counts[name]
    for ids in (*split.english, *split.german):
      assert 0 < len(ids) <= 47
      assert ids.min() > translation_lib.END_ID
      assert ids.max() < 4_000


def test_detokenize_stops_at_the_end_and_skips_special_pieces():
  table = translation_lib.pieces()
  the = table.index('▁the')
  end = translation_lib.END_ID
  assert translation_lib.detokenize([1, the, the, 0, end, the]) == 'the the'


def test_held_out_sentences_share_few_word_sequences_with_training(translation):
  def grams(ids):
    words = translation_lib.detokenize(ids).lower().split()
    return {tuple(words[i : i + 4]) for i in range(len(words) - 3)}

  known = set().union(*map(grams, translation['train'].english))
  for split in ('validation', 'test'):
    familiar = [
      len(grams(ids) & known) / max(1, len(grams(ids)))
      for ids in translation[split].english
    ]
    assert np.mean(familiar) < 0.2
