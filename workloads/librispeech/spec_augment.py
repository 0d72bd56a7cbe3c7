# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""SpecAugment: random spans of time and of frequency bands set to the mean.

Reference: Park et al., 2019, https://arxiv.org/abs/1904.08779.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

_TIME_FRACTION = 0.05  # Longest time mask, of the utterance's length.
_LONGEST_BAND_MASK = 27


class Masks(NamedTuple):
  """How many masks an utterance gets; (0, 0) switches the augmentation off."""

  time: int
  frequency: int


class Draws(NamedTuple):
  """Uniform numbers in [0, 1) that fix all masks.

  Attributes:
    time_width: (B, time masks).
    time_start: (B, time masks).
    frequency_width: (B, frequency masks).
    frequency_start: (B, frequency masks).
  """

  time_width: jax.Array
  time_start: jax.Array
  frequency_width: jax.Array
  frequency_start: jax.Array


def draw(key: jax.Array, batch_size: int, masks: Masks) -> Draws:
  """Random draws for a batch."""
  counts = (masks.time, masks.time, masks.frequency, masks.frequency)
  keys = jax.random.split(key, len(counts))
  return Draws(
    *(jax.random.uniform(k, (batch_size, n)) for k, n in zip(keys, counts))
  )


def kept(paddings: jax.Array, num_bands: int, draws: Draws) -> jax.Array:
  """Mask of what the augmentation keeps: 1 kept, 0 masked.

  With L real frames in an utterance and u, v the draws of a time mask, its
  width is w = min(trunc(0.05 L u), max(trunc(0.05 L), 1)) and its start is
  trunc(v (L - w + 1)). Frequency masks do the same over all bands, with width
  trunc(27 u).

  Args:
    paddings: of the frames, (B, F).
    num_bands: M.
    draws: from `draw`.

  Returns:
    (B, F, M) float32.
  """
  length = jnp.sum(1.0 - paddings, axis=1, keepdims=True)
  longest = _TIME_FRACTION * length
  width = jnp.minimum(
    jnp.trunc(longest * draws.time_width), jnp.maximum(jnp.trunc(longest), 1.0)
  )
  masked_time = _spans(width, draws.time_start, length, paddings.shape[1])
  width = jnp.trunc(_LONGEST_BAND_MASK * draws.frequency_width)
  masked_bands = _spans(
    jnp.minimum(width, num_bands), draws.frequency_start, num_bands, num_bands
  )
  masked = masked_time[:, :, None] | masked_bands[:, None, :]
  return 1.0 - masked.astype(jnp.float32)


def _spans(width, start_draw, length, size):
  """Union of the spans of (B, masks) widths and starts, (B, size) bool."""
  start = jnp.trunc(start_draw * (length - width + 1.0))[:, :, None]
  position = jnp.arange(size, dtype=jnp.float32)
  inside = (position >= start) & (position < start + width[:, :, None])
  return jnp.any(inside, axis=1)
