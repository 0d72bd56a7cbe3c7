# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The speech front end: audio samples to normalised log-mel features.

Shapes: B utterances, N samples, F frames, K frequency bins, M mel bands.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxperf import mesh

SAMPLE_RATE = 16_000
NUM_BANDS = 80
_FRAME = 401  # Samples in a frame; pre-emphasis uses up one of them.
_HOP = 160
_WINDOW = 400
_FFT_LENGTH = 512
_PRE_EMPHASIS = 0.97
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7_600.0
_FLOOR = 1e-5

# Mean and standard deviation of each band over the training audio, as the
# benchmark fixes them.
# fmt: off
MEAN = np.array([
  -7.6047816, -7.1206226, -6.8864245, -6.870577, -6.966772, -7.1084094,
  -6.9528027, -6.783994, -6.619552, -6.4876266, -6.412066, -6.3940477,
  -6.424487, -6.399371, -6.515827, -6.7138, -6.8476877, -6.9885,
  -6.9221387, -7.1461487, -7.20404, -7.0537553, -7.3140383, -7.122325,
  -7.302514, -7.1212144, -7.2425733, -7.1730537, -7.0979414, -7.0887475,
  -6.984991, -6.878773, -6.7602754, -6.6300945, -6.514577, -6.4245057,
  -6.3565135, -6.3178763, -6.266077, -6.246833, -6.2821527, -6.190839,
  -6.2484355, -6.147264, -6.0924726, -6.0171003, -5.9250402, -5.8535833,
  -5.820911, -5.811893, -5.8078375, -5.771463, -5.7453732, -5.7705655,
  -5.776564, -5.7831674, -5.7954087, -5.7994823, -5.8023477, -5.804712,
  -5.816818, -5.88448, -5.9727106, -6.044466, -6.1284866, -6.2257586,
  -6.3157496, -6.3906116, -6.49286, -6.5498457, -6.605432, -6.650838,
  -6.669176, -6.672689, -6.6842346, -6.697458, -6.7547183, -6.7949142,
  -6.863421, -6.9418654,
], np.float32)
DEVIATION = np.array([
  3.4353282, 3.5962932, 3.7012472, 3.7369206, 3.7535105, 3.6936293,
  3.6922498, 3.7641523, 3.8419716, 3.8999848, 3.929424, 3.931741,
  3.9139585, 3.9031599, 3.8692, 3.8155081, 3.764497, 3.7099106,
  3.6965086, 3.6003766, 3.5493226, 3.5465121, 3.450036, 3.4712813,
  3.408461, 3.4408135, 3.4104881, 3.421764, 3.4312851, 3.419921,
  3.4305806, 3.4382665, 3.4580367, 3.4817991, 3.495871, 3.5036793,
  3.5047574, 3.4988735, 3.493056, 3.4822943, 3.4594305, 3.461277,
  3.4559064, 3.4755423, 3.497155, 3.5326557, 3.57052, 3.5920312,
  3.5969074, 3.59135, 3.5865932, 3.582681, 3.5837743, 3.589579,
  3.5819314, 3.583787, 3.5861185, 3.588959, 3.5922148, 3.5939455,
  3.585663, 3.5884113, 3.5921023, 3.587049, 3.580657, 3.5731068,
  3.5617533, 3.5498073, 3.5527375, 3.5475366, 3.538785, 3.5256178,
  3.5031836, 3.4922726, 3.4879646, 3.4725595, 3.455839, 3.4351828,
  3.4284294, 3.429917,
], np.float32)
# fmt: on


def num_frames(num_samples: int) -> int:
  """Frames that fit entirely into that many samples."""
  return (num_samples - _FRAME) // _HOP + 1


def log_mel(
  audio: jax.Array, paddings: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Normalised log-mel features, 100 frames a second.

  A band's feature is (ln max(E, 1e-5) - mean) / deviation, with E the energy of
  the frame under the band's triangle. Padded frames are not set to zero.

  Args:
    audio: samples in 16-bit units, 16 kHz, (B, N) float32.
    paddings: 1 where a sample is padding, 0 elsewhere, (B, N) float32.

  Returns:
    Features (B, F, 80), and paddings (B, F): 1 where all samples of a frame are
    padding.
  """
  samples_BxN = audio * (1.0 - paddings) * 2.0**-15
  energy_BxFxM = jnp.matmul(
    mesh.by_device(_power, samples_BxN),
    mel_weights(),
    precision=jax.lax.Precision.HIGHEST,
  )
  features = (jnp.log(jnp.maximum(energy_BxFxM, _FLOOR)) - MEAN) / DEVIATION
  frame_paddings = jax.lax.reduce_window(
    paddings, jnp.inf, jax.lax.min, (1, _FRAME), (1, _HOP), 'VALID'
  )
  return features, frame_paddings


@functools.cache
def mel_weights() -> np.ndarray:
  """Triangular filters of height 1 in mel(f) = 1127 ln(1 + f / 700), (K, M)."""

  def mel(hertz):
    return 1127.0 * np.log1p(hertz / 700.0)

  bins = mel(np.linspace(0.0, SAMPLE_RATE / 2, _FFT_LENGTH // 2 + 1))[:, None]
  edges = np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), NUM_BANDS + 2)
  low, centre, high = edges[:-2], edges[1:-1], edges[2:]
  rising, falling = (
    (bins - low) / (centre - low),
    (high - bins) / (high - centre),
  )
  weights = np.maximum(0.0, np.minimum(rising, falling))
  weights[0] = 0.0  # The constant component belongs to no band.
  return weights.astype(np.float32)


def _power(samples_BxN: jax.Array) -> jax.Array:
  """Power spectra (B, F, K) of the frames, pre-emphasised and windowed.

  Pre-emphasis is y[n] = x[n] - 0.97 x[n-1]. What precedes a frame does not
  matter, since the window, a periodic Hann, is 0 at the first sample.
  """
  before = jnp.pad(samples_BxN, ((0, 0), (1, 0)))[:, :-1]
  window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_WINDOW) / _WINDOW)
  frames_BxFxW = _frames(samples_BxN - _PRE_EMPHASIS * before)
  spectrum_BxFxK = jnp.fft.rfft(
    frames_BxFxW * window.astype(np.float32), _FFT_LENGTH
  )
  return jnp.square(spectrum_BxFxK.real) + jnp.square(spectrum_BxFxK.imag)


def _frames(samples_BxN: jax.Array) -> jax.Array:
  """Overlapping frames (B, F, W), put together from pieces of a hop each."""
  batch, length = samples_BxN.shape
  num, pieces = num_frames(length), -(-_WINDOW // _HOP)
  padded = (num + pieces - 1) * _HOP
  hops = jnp.pad(samples_BxN, ((0, 0), (0, max(padded - length, 0))))
  hops = hops[:, :padded].reshape(batch, -1, _HOP)
  parts = [hops[:, i : i + num] for i in range(pieces)]
  return jnp.concatenate(parts, axis=-1)[..., :_WINDOW]
