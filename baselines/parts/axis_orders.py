# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Orders in which published code saw the axes of a kernel."""

from __future__ import annotations


def torch(ndim: int) -> tuple[int, ...]:
  """The order (out, in, spatial axes) of a kernel (spatial axes, in, out).

  >>> torch(2), torch(4)
  ((1, 0), (3, 2, 0, 1))
  """
  if ndim < 2:
    return tuple(range(ndim))
  return (ndim - 1, ndim - 2, *range(ndim - 2))
