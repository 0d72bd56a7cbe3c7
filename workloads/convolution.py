# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Convolutions and pooling over images, with derivatives that CPUs run fast.

Shapes: B images, HxW pixels, C channels, F features.

XLA's CPU back end runs the gradient of a kernel as a convolution whose kernel
has the size of the image, and holes if there are strides: at half the speed of
products of matrices, or less. Other back ends get what `jax.lax` gives them.
"""

import functools
import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

Padding = tuple[tuple[int, int], tuple[int, int]]
_LARGE = 2**25  # B H' W' C F; with less, a loop takes more than it saves.
_PRODUCT = 2048  # C F; with less, products of matrices are slow.


class Conv(nn.Module):
  """A convolution with the parameters and values of `flax.linen.Conv`.

  Attributes:
    features: F.
    kernel_size: height and width.
    strides: of the rows and of the columns.
    padding: pixels on each side, or `'SAME'` for ceil(H / stride) rows.
    use_bias: whether a bias is added.
    kernel_init: initializer of the kernel.
  """

  features: int
  kernel_size: tuple[int, int]
  strides: tuple[int, int] = (1, 1)
  padding: int | str = 'SAME'
  use_bias: bool = True
  kernel_init: Callable = nn.initializers.lecun_normal()

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """(B, H, W, C) to (B, H', W', F)."""
    shape = (*self.kernel_size, x.shape[-1], self.features)
    kernel = self.param('kernel', self.kernel_init, shape)
    if self.kernel_size == (1, 1) and math.prod(shape[2:]) >= _PRODUCT:
      rows, columns = self.strides
      y = _product(x[:, ::rows, ::columns], kernel[0, 0])
    else:
      y = convolve(x, kernel, self.strides, self._pads(x.shape[1:3]))
    if self.use_bias:
      y += self.param('bias', nn.initializers.zeros, (self.features,))
    return y

  def _pads(self, sides: Sequence[int]) -> Padding:
    """Pixels before and after the rows, and the columns."""
    if self.padding != 'SAME':
      return ((self.padding, self.padding),) * 2
    pads = jax.lax.padtype_to_pads(
      sides, self.kernel_size, self.strides, 'SAME'
    )
    return tuple((low, high) for low, high in pads)


def _product(x, kernel):
  """(..., C) times (C, F), as one product of matrices."""
  y = x.reshape(-1, x.shape[-1]) @ kernel
  return y.reshape(*x.shape[:-1], kernel.shape[-1])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve(
  x: jax.Array, kernel: jax.Array, strides: tuple[int, int], pads: Padding
) -> jax.Array:
  """(B, H, W, C) and (height, width, C, F) to (B, H', W', F)."""
  return _forward(x, kernel, strides, pads)[0]


def _convolve(x, kernel, strides, pads):
  return jax.lax.conv_general_dilated(
    x, kernel, strides, pads, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )


def _forward(x, kernel, strides, pads):
  # Not `convolve`: the gradient shall have derivatives of every mode.
  words = {'strides': strides, 'pads': pads}
  run = functools.partial(_convolve, **words)
  if strides != (1, 1):  # Without strides it is as fast as by taps.
    y = jax.eval_shape(run, x, kernel)
    run = _by_platform(functools.partial(_by_taps, **words), run, y, kernel)
  return run(x, kernel), (x, kernel)


def _backward(strides, pads, operands, slope):
  x, kernel = operands

  def of_kernel_by_taps(x, slope):
    tap = _taps(x, kernel.shape[:2], strides, pads)
    slope = slope.reshape(-1, slope.shape[-1]).T
    found = jax.lax.map(lambda ij: slope @ tap(*ij), _places(*kernel.shape[:2]))
    return found.transpose(0, 2, 1).reshape(kernel.shape)

  def of_kernel(x, slope):
    return jax.linear_transpose(
      lambda kernel: _convolve(x, kernel, strides, pads), kernel
    )(slope)[0]

  x_slope = jax.linear_transpose(
    lambda x: _convolve(x, kernel, strides, pads), x
  )(slope)[0]
  run = _by_platform(of_kernel_by_taps, of_kernel, slope, kernel)
  return x_slope, run(x, slope)


convolve.defvjp(_forward, _backward)


def _by_platform(on_cpu, elsewhere, y, kernel):
  """The first of two functions on a CPU, if there is much to do."""
  product = math.prod(kernel.shape[2:])
  if product < _PRODUCT or math.prod(y.shape[:3]) * product < _LARGE:
    return elsewhere
  return lambda x, other: jax.lax.platform_dependent(
    x, other, cpu=on_cpu, default=elsewhere
  )


def _by_taps(x, kernel, strides, pads):
  """The convolution as one product of matrices for each of the kernel's pixels.

  One after another: all that they see is many times as large as the image.
  """
  height, width, channels, features = kernel.shape
  tap = _taps(x, (height, width), strides, pads)
  shape = jax.eval_shape(lambda: _convolve(x, kernel, strides, pads)).shape

  def add(y, pixel):
    (i, j), matrix = pixel
    return y + tap(i, j) @ matrix, None

  y, _ = jax.lax.scan(
    add,
    jnp.zeros((math.prod(shape[:-1]), features), x.dtype),
    (_places(height, width), kernel.reshape(-1, channels, features)),
  )
  return y.reshape(shape)


def _places(height, width):
  """Row and column of each pixel of a kernel, row by row."""
  return np.divmod(np.arange(height * width, dtype=np.int32), np.int32(width))


def _taps(x, sides, strides, pads):
  """What a pixel of the kernel sees: `(row, column) -> (B H' W', C)`."""
  images, *_, channels = x.shape
  padded = jnp.pad(x, ((0, 0), *pads, (0, 0)))
  spans = [
    (n - side) // stride * stride + 1
    for n, side, stride in zip(padded.shape[1:3], sides, strides)
  ]

  def tap(i, j):
    start, shape = (0, i, j, 0), (images, *spans, channels)
    seen = jax.lax.dynamic_slice(padded, start, shape)
    return seen[:, :: strides[0], :: strides[1]].reshape(-1, channels)

  return tap


def max_pool(x: jax.Array) -> jax.Array:
  """Largest value in 3x3 pixels around every second one.

  Of equal values the first one, row by row, gets the whole gradient, as with
  `flax.linen.max_pool`, whose derivative takes much longer on a CPU.

  Args:
    x: (B, H, W, C).

  Returns:
    (B, ceil(H / 2), ceil(W / 2), C).
  """
  rows, columns = (math.ceil(n / 2) for n in x.shape[1:3])
  edges = ((0, 0), (1, 1), (1, 1), (0, 0))
  padded = jnp.pad(x, edges, constant_values=-jnp.inf)
  largest = None
  for i in range(3):
    for j in range(3):
      seen = padded[:, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2]
      if largest is None:
        largest = seen
      else:
        larger = (seen > largest) | jnp.isnan(seen)
        largest = jnp.where(larger, seen, largest)
  return largest
