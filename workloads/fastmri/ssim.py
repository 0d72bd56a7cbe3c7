# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Structural similarity of images, on the device."""

import jax
import jax.numpy as jnp

_WINDOW = 7
_K1, _K2 = 0.01, 0.03


def ssim(
  images: jax.Array, references: jax.Array, data_range: jax.Array
) -> jax.Array:
  r"""Mean structural similarity of each pair of images.

  With means u, variances v and covariance of a 7x7 window (sample estimates,
  divided by 48), :math:`C_i = (K_i L)^2` and L the data range,

  .. math:: \frac{(2 u_x u_y + C_1)(2 v_{xy} + C_2)}
                 {(u_x^2 + u_y^2 + C_1)(v_x + v_y + C_2)}

  averaged over the windows that lie inside the image, and clipped to [-1, 1].

  Args:
    images: (B, H, W); at least 7 pixels each way.
    references: (B, H, W).
    data_range: L, (B,); 0 (padding) counts as 1.

  Returns:
    (B,).

  References:
    Wang et al., Image quality assessment: from error visibility to structural
    similarity, IEEE Transactions on Image Processing 2004.
  """
  data_range = jnp.where(data_range == 0, 1.0, data_range)[:, None, None]
  c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
  x, y = images, references
  ux, uy = _window_mean(x), _window_mean(y)
  unbiased = _WINDOW**2 / (_WINDOW**2 - 1)
  vx = unbiased * (_window_mean(x * x) - ux * ux)
  vy = unbiased * (_window_mean(y * y) - uy * uy)
  vxy = unbiased * (_window_mean(x * y) - ux * uy)
  similarity = ((2 * ux * uy + c1) * (2 * vxy + c2)) / (
    (ux**2 + uy**2 + c1) * (vx + vy + c2)
  )
  return jnp.clip(similarity.mean(axis=(1, 2)), -1.0, 1.0)


def _window_mean(x: jax.Array) -> jax.Array:
  """Means of all 7x7 windows inside, (B, H, W) to (B, H - 6, W - 6)."""
  for shape in ((1, _WINDOW, 1), (1, 1, _WINDOW)):
    x = jax.lax.reduce_window(x, 0.0, jax.lax.add, shape, (1, 1, 1), 'VALID')
  return x / _WINDOW**2
