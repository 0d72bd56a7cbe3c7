# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Draws the first decoded examples of each split, for a person to look at."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

_INCHES = 1.6  # Of a picture.
_GREY = 'gray'


class Strip(NamedTuple):
  """Some examples of a split, side by side.

  Attributes:
    title: which they are.
    captions: a short one for each picture.
    pictures: grey (H, W), from the least to the largest value, or red, green
      and blue (H, W, 3) in 0 to 1; at least one.
  """

  title: str
  captions: Sequence[str]
  pictures: Sequence[np.ndarray]


def draw(strips: Iterable[Strip], path: pathlib.Path) -> None:
  """Writes strips, one below the other, as a PNG."""
  from matplotlib.figure import Figure

  strips = list(strips)
  columns = max(len(strip.pictures) for strip in strips)
  size = (_INCHES * columns, (_INCHES + 0.5) * len(strips))
  figure = Figure(figsize=size, layout='constrained')
  for part, strip in zip(figure.subfigures(len(strips), squeeze=False), strips):
    part[0].suptitle(strip.title, fontsize=9, x=0.01, ha='left')
    axes = part[0].subplots(1, columns, squeeze=False)[0]
    for ax in axes:
      ax.set_axis_off()
    for ax, caption, picture in zip(axes, strip.captions, strip.pictures):
      ax.imshow(picture, cmap=_GREY)
      ax.set_title(caption, fontsize=7, pad=2)
  figure.savefig(path, format='png', dpi=120)
