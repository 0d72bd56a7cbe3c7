# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Decoding JPEGs as TensorFlow does by default: the fast integer transform."""

import functools
import importlib
import types
from typing import NamedTuple

import numpy as np

from jaxperf import errors

DECODER = 'simplejpeg, fast DCT, smooth upsampling'


class Shape(NamedTuple):
  """What the header of a JPEG says.

  Attributes:
    height: in pixels.
    width: in pixels.
    grey: whether it has one channel.
  """

  height: int
  width: int
  grey: bool


@functools.cache
def package(name: str) -> types.ModuleType:
  """A package that only real data needs.

  Raises:
    UserError: if it is not installed; names what installs it.
  """
  try:
    return importlib.import_module(name)
  except ImportError as error:
    raise errors.UserError(
      f'ImageNet is read with the package {name.partition(".")[0]}, which '
      f'cannot be imported ({errors.first_line(error)}): pip install '
      "'jaxperf[data]'"
    ) from None


def library() -> types.ModuleType:
  """What decodes and encodes JPEGs."""
  return package('simplejpeg')


def shape(image: bytes) -> Shape:
  """Size and kind of an encoded image.

  Raises:
    ValueError: if it is not a JPEG.
  """
  height, width, space, _ = library().decode_jpeg_header(image)
  return Shape(height, width, space == 'Gray')


def decoded(image: bytes) -> np.ndarray:
  """Pixels (H, W, 3) uint8; grey ones have three equal channels.

  Raises:
    ValueError: if it is cut off or damaged.
  """
  return library().decode_jpeg(image, 'RGB', fastdct=True, fastupsample=False)
