# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import reference
from tests.workloads import speech_reference
from workloads.librispeech import features, spec_augment

BASES = ('librispeech_conformer', 'librispeech_deepspeech')


@pytest.mark.parity
@pytest.mark.parametrize('base', BASES)
def test_features_are_those_of_the_benchmark(parity, base):
  arrays = reference.arrays(base)
  batch = speech_reference.stored_batch(base)
  log_mel, paddings = jax.jit(features.log_mel)(*batch['inputs'])
  parity.close('log-mel', log_mel, arrays['features/log_mel'], atol=1e-3)
  parity.equal('paddings', paddings, arrays['features/paddings'])


@pytest.mark.parity
def test_filters_are_those_of_the_benchmark(parity):
  arrays = reference.arrays('librispeech_conformer')
  weights = np.asarray(features.mel_weights(), np.float64)
  expected = arrays['features/mel_weights_every_8th_band']
  parity.close('every 8th', weights[:, ::8], expected, atol=1e-4)
  summary = [weights.sum(), np.sum(weights**2), weights.max()]
  expected = arrays['features/mel_weights_summary']
  parity.close('summary', summary, expected, rtol=1e-4)


def test_a_frame_is_the_transform_of_its_emphasised_and_windowed_samples():
  rng = np.random.default_rng(0)
  audio = rng.normal(0, 3_000, 401 + 160)
  frame = audio[160 : 160 + 400] / 2**15
  emphasised = np.append(0.03 * frame[0], frame[1:] - 0.97 * frame[:-1])
  window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
  power = np.abs(np.fft.rfft(emphasised * window, 512)) ** 2
  energies = np.log(np.maximum(power @ features.mel_weights(), 1e-5))
  expected = (energies - features.MEAN) / features.DEVIATION
  got, _ = features.log_mel(
    jnp.asarray(audio[None], jnp.float32), jnp.zeros((1, audio.size))
  )
  np.testing.assert_allclose(got[0, 1], expected, atol=1e-4)


def test_what_lies_under_the_padding_never_matters():
  audio = np.random.default_rng(0).normal(0, 1_000, (1, 2_000))
  paddings = np.arange(2_000)[None] >= 900
  heard, _ = features.log_mel(jnp.asarray(audio), jnp.asarray(paddings, float))
  audio[:, 900:] = 12_345.0
  again, _ = features.log_mel(jnp.asarray(audio), jnp.asarray(paddings, float))
  np.testing.assert_array_equal(heard, again)


@pytest.mark.parametrize(
  ('real', 'padded_frames'), [(400, 8), (480, 8), (481, 7)]
)
def test_a_frame_is_padding_if_all_its_samples_are(real, padded_frames):
  num_samples = 401 + 160 * 10
  paddings = (np.arange(num_samples)[None] >= real).astype(np.float32)
  _, frames = features.log_mel(jnp.zeros((1, num_samples)), paddings)
  assert frames.shape == (1, 11)
  assert frames.sum() == padded_frames


@pytest.mark.parity
@pytest.mark.parametrize('base', BASES)
@pytest.mark.parametrize('case', ['base', 'more'])
def test_masks_are_those_of_the_benchmark(parity, base, case):
  arrays = reference.arrays(base)
  draws = spec_augment.Draws(
    *(
      arrays[f'specaug/{case}/u_{name}']
      for name in ('time_length', 'time_start', 'freq_length', 'freq_start')
    )
  )
  paddings = arrays[f'specaug/{case}/paddings'].astype(np.float32)
  kept = spec_augment.kept(paddings, features.NUM_BANDS, draws)
  parity.equal('kept', kept, arrays[f'specaug/{case}/mask'])


def test_masks_are_short_and_lie_within_the_real_frames():
  masks = spec_augment.Masks(time=1, frequency=1)
  draws = spec_augment.draw(jax.random.key(0), 500, masks)
  real = 60
  paddings = jnp.broadcast_to(jnp.arange(100) >= real, (500, 100)).astype(float)
  masked = 1 - np.asarray(spec_augment.kept(paddings, 80, draws))
  frames, bands = masked.min(axis=2).sum(axis=1), masked.min(axis=1).sum(axis=1)
  assert set(frames) == {0, 1, 2}  # A mask is under 5 % of 60 frames.
  assert bands.min() == 0
  assert bands.max() == 26
  assert masked.min(axis=2)[:, real:].max() == 0
