# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of single trials, in the manner of `figures`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from jaxperf import rules
from jaxperf.report import style as style_lib
from jaxperf.scoring import times

_WIDE = 20  # Values so many times as large as others need a logarithm.
_FEW_POINTS = 30  # A run with more evaluations is drawn without markers.


def training_curves(
  curves: pd.DataFrame,
  goal: rules.WorkloadRules,
  unit: str,
  names: Sequence[str],
  ax: Axes | None = None,
) -> Axes:
  """Validation metric over time or steps, and the target.

  Args:
    curves: evaluations of the runs to draw, of one workload.
    goal: its metric and target.
    unit: `'seconds'` or `'steps'`, of the x axis.
    names: submissions, in the order of colours.
    ax: to draw into.
  """
  x, y = times.clock(unit), f'validation/{goal.metric}'
  with style_lib.axes(ax) as ax:
    ends = {}
    for number, name in enumerate(names):
      runs = curves[curves['submission'] == name]
      style = style_lib.line(number)
      if runs.groupby('run').size().max() <= _FEW_POINTS:
        style |= {'marker': style_lib.marker(number), 'markersize': 3}
      if runs['run'].nunique() > 1:
        style |= {'linewidth': 1.1, 'alpha': 0.8}
      for _, run in runs.groupby('run'):
        ax.plot(run[x], run[y], **style)
        ends[name] = (run[x].iloc[-1], run[y].iloc[-1])
    _show_range(ax, curves[y], goal)
    ax.set_xlim(0, curves[x].max())
    _draw_target(ax, goal)
    ax.set(
      xlabel='steps' if unit == 'steps' else 'submission time (seconds)',
      ylabel=f'validation {goal.metric.replace("_", " ")}',
      title=goal.name,
    )
    style_lib.label_ends(ax, ends, names)
  return ax


def scalar(
  values: pd.DataFrame,
  name: str,
  workload: str,
  names: Sequence[str],
  ax: Axes | None = None,
) -> Axes:
  """What training steps recorded, a line a trial.

  Args:
    values: of one scalar on one workload: `run`, `submission`, `step`, `value`.
    name: of the scalar.
    workload: its name.
    names: submissions, in the order of colours.
    ax: to draw into.
  """
  with style_lib.axes(ax) as ax:
    ends = {}
    for number, submission in enumerate(names):
      runs = values[values['submission'] == submission]
      style = style_lib.line(number) | {'linewidth': 1}
      for _, run in runs.groupby('run'):
        ax.plot(run['step'], run['value'], **style)
        ends[submission] = (run['step'].iloc[-1], run['value'].iloc[-1])
    finite = values['value'][np.isfinite(values['value'])]
    if len(finite):  # A few peaks may leave the picture.
      low, high = finite.quantile(0.01), finite.quantile(0.99)
      margin = 0.08 * (high - low) or 0.1 * abs(high) or 1
      ax.set_ylim(low - margin, high + margin)
    ax.set_xlim(0, max(values['step'].max(), 1))
    ax.set(xlabel='steps', ylabel=name.replace('_', ' '), title=workload)
    style_lib.label_ends(ax, ends, names)
  return ax


def hyperparameter_scatter(
  points: pd.Series,
  trials: pd.DataFrame,
  unit: str,
  names: Sequence[str],
  ax: Axes | None = None,
) -> Axes:
  """Time to target over one hyperparameter, a dot a trial.

  Args:
    points: value of the hyperparameter by row of `trials`; may hold NaN.
    trials: from `times.trial_times`.
    unit: of their times.
    names: submissions, in the order of colours.
    ax: to draw into.
  """
  with style_lib.axes(ax) as ax:
    solved = np.isfinite(trials['time'])
    ceiling = 1.12 * trials.loc[solved, 'time'].max() if solved.any() else 1
    for number, name in enumerate(names):
      own = trials['submission'] == name
      style = style_lib.points(number)
      ax.plot(
        points[own & solved], trials['time'][own & solved], **style, label=name
      )
      missed = points[own & ~solved]
      ax.plot(
        missed,
        np.full(len(missed), ceiling),
        **style | {'markerfacecolor': 'none'},
      )
    values = points.dropna()
    if len(values) and values.min() > 0 and values.max() > 10 * values.min():
      ax.set_xscale('log')
      _plain_ticks(ax.xaxis)
    if not solved.any():
      ax.set_yticks([])
    ax.set_ylim(0, 1.06 * ceiling)
    ax.set(
      xlabel=str(points.name).replace('_', ' '),
      ylabel=f'{unit} to the target (hollow: not reached)',
      title=', '.join(trials['workload'].unique()),
    )
    style_lib.legend(ax, names)
  return ax


def _plain_ticks(axis: Axis) -> None:
  """Numbers as people write them on a logarithmic axis."""
  axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5), numticks=7))
  axis.set_major_formatter(lambda value, _: f'{value:g}')
  axis.set_minor_locator(mpl.ticker.NullLocator())


def _draw_target(ax: Axes, goal: rules.WorkloadRules) -> None:
  """The target as a line, with its value."""
  target = goal.validation_target
  ax.axhline(target, color=style_lib.INK, lw=1, ls=(0, (2, 2)))
  ax.annotate(  # On the side that the curves come to last.
    f'target: {"below" if goal.minimize else "above"} {target:.4g}',
    (0.01, target),
    xycoords=('axes fraction', 'data'),
    xytext=(0, -3 if goal.minimize else 3),
    textcoords='offset points',
    va='top' if goal.minimize else 'bottom',
    fontsize=9,
  )


def _show_range(ax: Axes, values: pd.Series, goal: rules.WorkloadRules) -> None:
  """Limits that show the target; the bad start may leave the picture."""
  finite = values[np.isfinite(values)]
  share = 0.9 if goal.minimize else 0.1
  ends = [goal.validation_target]
  if len(finite):
    ends += [
      finite.quantile(share),
      finite.min() if goal.minimize else finite.max(),
    ]
  low, high = min(ends), max(ends)
  if 0 < _WIDE * low < high:  # As perplexities are.
    ax.set_yscale('log')
    _plain_ticks(ax.yaxis)
    factor = (high / low) ** 0.12
    ax.set_ylim(low / factor, high * factor)
    return
  margin = 0.12 * (high - low) or 0.1 * abs(high) or 1
  ax.set_ylim(low - margin, high + margin)
