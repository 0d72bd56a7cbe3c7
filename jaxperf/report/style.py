# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What the figures share: style, colours, labels beside lines."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = pathlib.Path(__file__).with_name('jaxperf.mplstyle')
INK, GRID, VOID = '#222222', '#dddddd', '#e6e6e6'
COLOURS = (
  '#0072b2',  # Blue.
  '#b84a00',  # Vermilion.
  '#007d5c',  # Green.
  '#b4508c',  # Mauve.
  '#7f6500',  # Ochre.
  '#6b50b5',  # Violet.
  '#a6192e',  # Crimson.
  '#555555',  # Grey.
)
_DASHES = ('-', (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1.2, 1.2)))
_MARKERS = 'osD^vPX*'


def save(ax: Axes, path: str | pathlib.Path) -> None:
  """Writes the figure of some axes; SVG or PNG, by the name of the file."""
  with mpl.style.context(STYLE):
    ax.figure.savefig(path)


@contextlib.contextmanager
def axes(
  ax: Axes | None, size: tuple[float, float] | None = None
) -> Iterator[Axes]:
  """The axes to draw into, within the style."""
  with mpl.style.context(STYLE):
    yield Figure(figsize=size).subplots() if ax is None else ax


def colour(number: int) -> str:
  """The colour of the submission at this place in the list."""
  return COLOURS[number % len(COLOURS)]


def line(number: int) -> Mapping:
  """Its colour and dash."""
  dash = _DASHES[(number + number // len(COLOURS)) % len(_DASHES)]
  return {'color': colour(number), 'linestyle': dash}


def marker(number: int) -> str:
  """Its marker."""
  return _MARKERS[(number + number // len(COLOURS)) % len(_MARKERS)]


def points(number: int) -> Mapping:
  """Its colour and marker, without a line."""
  return {
    'color': colour(number),
    'marker': marker(number),
    'linestyle': 'none',
  }


def legend(ax: Axes, names: Sequence[str]) -> None:
  """A legend beside the axes, for figures of separate points.

  Args:
    ax: with a line of points for each name, labelled with it.
    names: of submissions; matplotlib leaves out what begins with an underscore
      unless it is named.
  """
  points = {line.get_label(): line for line in ax.lines}
  ax.legend(
    [points[name] for name in names],
    list(names),
    loc='center left',
    bbox_to_anchor=(1.01, 0.5),
    frameon=False,
    fontsize=9,
    handletextpad=0.2,
    ncols=1 + len(names) // 12,
  )


def label_ends(
  ax: Axes, ends: Mapping[str, tuple[float, float]], names: Sequence[str]
) -> None:
  """Writes names beside the axes, apart, each tied to the end of its line.

  Args:
    ax: with its final limits.
    ends: name -> (x, y) of its line's end.
    names: all submissions, in the order of colours.
  """
  bottom, top = ax.get_ylim()
  height = ax.figure.get_figheight() * 60  # Points that the axes may have.
  shown = {
    name: (x, min(max(y, bottom), top) if np.isfinite(y) else top)
    for name, (x, y) in ends.items()
  }
  ranks = {name: rank for rank, name in enumerate(names)}
  upwards = sorted(shown, key=lambda name: (shown[name][1], -ranks[name]))
  # Apart as they are seen, whatever the scale of the axis.
  scale = ax.yaxis.get_transform()
  low, high = scale.transform([bottom, top])
  gap = 12.5 * (high - low) / height
  seen = scale.transform([shown[name][1] for name in upwards])
  places = scale.inverted().transform(_apart(seen, gap, low, high))
  edge = ax.get_xlim()[1]
  for name, place in zip(upwards, places):
    shade = colour(ranks[name])
    ax.annotate(
      name,
      shown[name],
      xytext=(1.03, place),
      textcoords=('axes fraction', 'data'),
      color=shade,
      fontsize=9,
      va='center',
      arrowprops={
        'arrowstyle': '-',
        'relpos': (0, 0.5),
        'color': shade,
        'lw': 0.6,
        'alpha': 0.7,
        'shrinkA': 0,
        'shrinkB': 0 if shown[name][0] == edge else 2,
      },
      annotation_clip=False,
    )


def _apart(
  places: Sequence[float], gap: float, bottom: float, top: float
) -> np.ndarray:
  """Sorted places moved apart to at least a gap, within bounds if they fit."""
  places = np.array(places, float)
  for _ in range(100):
    spaces = np.diff(places)
    if not len(spaces) or spaces.min() >= gap * 0.999:
      break
    for index in np.flatnonzero(spaces < gap):
      push = (gap - (places[index + 1] - places[index])) / 2
      places[index] -= push
      places[index + 1] += push
    places += max(bottom - places[0], 0)
    places -= max(places[-1] - top, 0)
  return places
