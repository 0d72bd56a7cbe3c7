# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of submissions: a table in, matplotlib `Axes` out.

Every function draws into `ax`, or into a new figure if none is given. Lines are
labelled directly, in the order of the table; a submission keeps its colour,
dash and marker in every figure that lists the submissions in the same order.
A new figure is a function here, `html.figure(figures.NAME(table), ...)` in the
section of the report that shows it, and its line in `test_figures`.
`style.save` writes a figure as SVG or PNG.
"""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.patches
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from jaxperf import text as text_lib
from jaxperf.report import style as style_lib


def performance_profile(profile: pd.DataFrame, ax: Axes | None = None) -> Axes:
  """Share of the workloads solved within a factor of the fastest submission.

  Args:
    profile: from `score.profile`; one row a submission.
    ax: to draw into.
  """
  with style_lib.axes(ax) as ax:
    taus = profile.columns.to_numpy(float)
    ends = {}
    for number, (name, rho) in enumerate(profile.iterrows()):
      values = 100 * rho.to_numpy()
      ax.step(taus, values, where='post', **style_lib.line(number))
      ends[name] = (taus[-1], values[-1])
    ax.set(
      xlim=(taus[0], taus[-1]),
      ylim=(-3, 103),
      xlabel='within this factor of the fastest time',
      ylabel='workloads solved (%)',
      title='Performance profile',
    )
    style_lib.label_ends(ax, ends, list(profile.index))
  return ax


def time_heatmap(
  times: pd.DataFrame, unit: str, ax: Axes | None = None
) -> Axes:
  """Time to target: the number, on a shade that says how far from the fastest.

  Args:
    times: median times, one row a submission, one column a workload.
    unit: of the times.
    ax: to draw into.
  """
  columns, rows = times.shape
  size = (2.4 + 0.86 * columns, 1.1 + 0.32 * rows)
  with style_lib.axes(ax, size) as ax:
    ax.grid(False)
    finite = times.where(np.isfinite(times)).T
    ratios = finite.div(finite.min(axis=1), axis='index')
    for (row, column), time in np.ndenumerate(times.T.to_numpy()):
      _cell(ax, (column, row), time, ratios.iloc[row, column], unit)
    ax.set(
      xlim=(-0.5, columns - 0.5),
      ylim=(rows - 0.5, -0.5),
      title=f'{unit.capitalize()} to the target',
    )
    ax.set_xticks(range(columns), [_wrap(name) for name in times.index])
    ax.set_yticks(range(rows), times.columns)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
  return ax


def budget_use(fractions: pd.DataFrame, ax: Axes | None = None) -> Axes:
  """Share of the budget until the target: one line a workload.

  Args:
    fractions: from `diagnostics.budget_fractions`; one row a submission.
    ax: to draw into.
  """
  workloads = list(fractions.columns)
  with style_lib.axes(ax, (6.4, 1.3 + 0.34 * len(workloads))) as ax:
    for number, (name, row) in enumerate(fractions.iterrows()):
      shift = _shift(number, len(fractions))
      values = 100 * row.to_numpy()
      solved = np.isfinite(values)
      places = np.arange(len(workloads)) + shift
      ax.plot(
        values[solved], places[solved], **style_lib.points(number), label=name
      )
      missed = np.isinf(values)
      ax.plot(
        np.full(missed.sum(), 104),
        places[missed],
        **style_lib.points(number) | {'markerfacecolor': 'none'},
      )
    ax.axvline(100, color=style_lib.INK, lw=1, ls=(0, (2, 2)))
    ax.set(
      xlim=(0, 108),
      ylim=(len(workloads) - 0.5, -0.5),
      xlabel='share of the budget (%); hollow: target not reached',
      title='Budget used until the target',
    )
    ax.set_yticks(range(len(workloads)), workloads)
    style_lib.legend(ax, fractions.index)
  return ax


def score_intervals(
  scores: pd.Series,
  intervals: pd.DataFrame | None = None,
  ax: Axes | None = None,
) -> Axes:
  """Scores with their 95% intervals and ranks.

  Args:
    scores: best first.
    intervals: from `confidence.intervals`; None: dots only.
    ax: to draw into.
  """
  with style_lib.axes(ax, (6.4, 1.2 + 0.34 * len(scores))) as ax:
    for number, (name, value) in enumerate(scores.items()):
      text = f'{value:.3f}'
      if intervals is not None:
        low, high, best, worst = intervals.loc[name]
        ax.plot(
          [low, high],
          [number, number],
          color=style_lib.colour(number),
          lw=3,
          alpha=0.5,
        )
        rank = f'{best:.0f}' if best == worst else f'{best:.0f} to {worst:.0f}'
        text += f', rank {rank}'
      ax.plot(value, number, **style_lib.points(number) | {'markersize': 7})
      ax.annotate(
        text,
        (1.02, number),
        xycoords=('axes fraction', 'data'),
        va='center',
        fontsize=9,
      )
    ax.set(
      xlim=(-0.02, 1.02),
      ylim=(len(scores) - 0.5, -0.5),
      xlabel='benchmark score'
      + ('' if intervals is None else '; bar: 95% interval over studies'),
      title='Scores',
    )
    ax.set_yticks(range(len(scores)), scores.index)
  return ax


def speedup_bars(
  means: pd.DataFrame, reference: str, ax: Axes | None = None
) -> Axes:
  """Geometric mean of the speed-ups against a reference submission.

  Args:
    means: from `diagnostics.geometric_mean`; one row a submission.
    reference: the submission at 1.
    ax: to draw into.
  """
  with style_lib.axes(ax, (6.4, 1.2 + 0.34 * len(means))) as ax:
    for number, (mean, count) in enumerate(means.to_numpy()):
      place = {'xy': (1, number), 'xytext': (4, 0)}
      if count:
        left = mean < 1
        ax.barh(
          number, mean - 1, left=1, height=0.6, color=style_lib.colour(number)
        )
        text = f'{mean:.2f}x on {text_lib.plural(int(count), "workload")}'
        place = {'xy': (mean, number), 'xytext': (-4 if left else 4, 0)}
      else:
        left, text = False, 'no target in common'
      ax.annotate(
        text,
        **place,
        textcoords='offset points',
        ha='right' if left else 'left',
        va='center',
        fontsize=9,
      )
    ax.axvline(1, color=style_lib.INK, lw=1)
    ax.set_xscale('log', base=2)
    far = max(np.nanmax(np.abs(np.log2(means['mean'])), initial=0), 0.5)
    ax.set(
      xlim=(2 ** -(far + 0.9), 2 ** (far + 0.9)),
      ylim=(len(means) - 0.5, -0.5),
      xlabel=f'times as fast as {reference}, where both reach the target',
      title='Speed-up',
    )
    ax.xaxis.set_major_formatter(lambda value, _: f'{value:g}x')
    ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.set_yticks(range(len(means)), means.index)
    ax.grid(axis='y', visible=False)
  return ax


def _cell(
  ax: Axes, place: tuple[int, int], time: float, ratio: float, unit: str
) -> None:
  """One time on a shade that says how many times the fastest it is."""
  column, row = place
  ink, face = style_lib.INK, style_lib.VOID
  text = '–' if np.isnan(time) else 'no'
  if np.isfinite(time):
    depth = 0.08 + 0.72 * min(math.log2(ratio) / 2, 1)
    face = mpl.colormaps['YlGnBu'](depth)
    ink = '#ffffff' if depth > 0.5 else '#111111'
    text = text_lib.amount(time, unit)
  ax.add_patch(
    mpl.patches.Rectangle(
      (column - 0.48, row - 0.46), 0.96, 0.92, facecolor=face, edgecolor='none'
    )
  )
  weight = 'bold' if ratio == 1 else 'normal'
  style = {'ha': 'center', 'va': 'center', 'fontsize': 9}
  ax.text(column, row, text, color=ink, fontweight=weight, **style)


def _shift(number: int, count: int) -> float:
  """Vertical place of a submission within a workload's row."""
  return 0.0 if count == 1 else 0.5 * (number / (count - 1) - 0.5)


def _wrap(name: str) -> str:
  """A workload's name on several lines."""
  return name.replace('_', '_\n')
