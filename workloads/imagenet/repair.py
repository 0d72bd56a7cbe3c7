# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The images of the original archives that are no RGB or grey JPEGs.

They become the JPEGs that the benchmark trains on, to the byte. As there, it
goes by name.
"""

import io
import types

import numpy as np
from PIL import Image

from jaxperf import errors
from workloads.imagenet import jpeg as jpeg_lib

# References: https://github.com/cytsai/ilsvrc-cmyk-image-list
CMYK = (
  *('n01739381_1309', 'n02077923_14822', 'n02447366_23489', 'n02492035_15739'),
  *('n02747177_10752', 'n03018349_4028', 'n03062245_4620', 'n03347037_9675'),
  *('n03467068_12171', 'n03529860_11437', 'n03544143_17228', 'n03633091_5218'),
  *('n03710637_5125', 'n03961711_5286', 'n04033995_2932', 'n04258138_17003'),
  *('n04264628_27969', 'n04336792_7448', 'n04371774_5854', 'n04596742_4225'),
  *('n07583066_647', 'n13037406_4650'),
)
PNG = ('n02105855_2933',)
# Units and density in the header, as TensorFlow writes them: 300 dots an inch.
_DENSITY = slice(13, 18), b'\x01\x01\x2c\x01\x2c'


def repaired(image: bytes, name: str) -> bytes:
  """A JPEG that is RGB or grey; most are as they were.

  Args:
    image: encoded.
    name: of its file.

  Raises:
    UserError: if it is something else and not one of those known.
  """
  library = jpeg_lib.library()
  stem = name.removesuffix('.JPEG')
  try:
    if stem in CMYK:
      return _encoded(library, _without_black(library, image))
    if stem in PNG:
      with Image.open(io.BytesIO(image)) as picture:
        return _encoded(library, np.asarray(picture.convert('RGB')))
    _, _, space, _ = library.decode_jpeg_header(image)
  except (ValueError, OSError) as error:
    raise errors.UserError(
      f'{name} is not a JPEG ({errors.first_line(error)}): its archive is not '
      'the original one, so download it again'
    ) from None
  if space not in ('RGB', 'YCbCr', 'Gray'):
    raise errors.UserError(
      f'{name} is a JPEG of colour space {space}, expected RGB or grey: its '
      'archive is not the original one, so download it again'
    )
  return image


def _without_black(library: types.ModuleType, image: bytes) -> np.ndarray:
  """Red, green and blue of a JPEG of four inks."""
  inks = library.decode_jpeg(image, 'CMYK', fastdct=True, fastupsample=False)
  inks = inks.astype(np.uint16)
  if b'Adobe' not in image[:64]:  # Adobe's are inverted already.
    inks = 255 - inks
  return (inks[..., 3:] * inks[..., :3] // 255).astype(np.uint8)


def _encoded(library: types.ModuleType, pixels: np.ndarray) -> bytes:
  """The JPEG of an image (H, W, 3), of the best quality."""
  made = bytearray(
    library.encode_jpeg(
      np.ascontiguousarray(pixels), quality=100, colorsubsampling='420'
    )
  )
  place, density = _DENSITY
  made[place] = density
  return bytes(made)
