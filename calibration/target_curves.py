# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The runs behind the targets of the mini rule set, as curves.

python -m calibration.target_curves

Run it from the root of a clone: the figure goes to
`docs/images/mini_targets.png`, or to `--figure=PATH`.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calibration import options, recorded_runs, targets
from jaxperf import rules
from jaxperf.report import curves as curves_lib
from jaxperf.report import style

FIGURE = 'docs/images/mini_targets.png'
_ROLES = {
  'repeat': 'best',
  'search': 'search',
  targets.WHOLE: 'whole',
}
_NAMES = ('best', 'search', 'bad', 'whole')


def curves(runs: Sequence[recorded_runs.Run]) -> pd.DataFrame:
  """One row an evaluation.

  Returns:
    Columns `run`, `workload`, `submission` (`best` for the five seeds of the
    best point, `search`, `whole` for the whole budget, `bad`), `step` and the
    validation metric, `validation/...`.
  """
  goals = rules.load('mini').workloads
  return pd.DataFrame(
    {
      'run': number,
      'workload': run.workload,
      'submission': _ROLES.get(run.phase, 'bad'),
      'step': step,
      f'validation/{goals[run.workload].metric}': value,
    }
    for number, run in enumerate(runs)
    for step, value, _ in run.values
  )


def draw(runs: Sequence[recorded_runs.Run]) -> list[Axes]:
  """A panel a workload: all its runs, and the target."""
  mini = rules.load('mini')
  table = curves(runs)
  with mpl.style.context(style.STYLE):
    panels = Figure(figsize=(13, 9)).subplots(3, 3).ravel()
    for ax, name in zip(panels, mini.base_workloads):
      own = table[table['workload'] == name]
      curves_lib.training_curves(own, mini.workloads[name], 'steps', _NAMES, ax)
  return list(panels)


def main() -> None:
  """Draws the recorded runs."""
  parser = options.parser(__doc__, targets.TABLE)
  options.add_figure(parser, FIGURE)
  given = parser.parse_args()
  first, *_ = draw(recorded_runs.read(given.table))
  with mpl.style.context(style.STYLE):
    first.figure.savefig(given.figure, dpi=100)


if __name__ == '__main__':
  main()
