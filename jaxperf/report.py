# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report on a folder of results: one HTML file that opens anywhere.

The first screen gives the verdict; what follows explains it.
"""

from __future__ import annotations

import pathlib
import string

import numpy as np

import jaxperf
from jaxperf import (
  analysis,
  confidence,
  markup,
  report_sections,
  summary,
  table,
)
from jaxperf.errors import UserError
from jaxperf.plain_table import plural
from jaxperf.verdict import Options, Verdict, judge

_FOLDER = pathlib.Path(__file__).parent


def write(
  root: str | pathlib.Path,
  options: Options,
  output: str | pathlib.Path | None = None,
) -> pathlib.Path:
  """Writes the report on a results folder; returns its path.

  Args:
    root: the results.
    options: what to score and how.
    output: the file to write; None: `report.html` in the folder.

  Raises:
    UserError: as in `table.read` and `verdict.judge`, or if the file cannot be
      written.
  """
  verdict = judge(table.read(root), options)
  points = table.hyperparameters(root, verdict.trials)
  title = f'jaxperf report: {pathlib.Path(root).resolve().name}'
  path = pathlib.Path(output or pathlib.Path(root, 'report.html'))
  content = page(title, verdict, report_sections.sections(verdict, points))
  try:
    path.write_text(content, encoding='utf-8', errors='backslashreplace')
  except OSError as error:
    raise UserError(f'cannot write {path}: {error.strerror}.') from None
  return path


def page(title: str, verdict: Verdict, sections: dict[str, str]) -> str:
  """The whole page.

  Args:
    title: plain text.
    verdict: what the first screen says.
    sections: title -> HTML, in order.
  """
  anchors = {name: f'section-{i}' for i, name in enumerate(sections)}
  template = string.Template((_FOLDER / 'report.html').read_text())
  return template.substitute(
    title=markup.escape(title),
    style=(_FOLDER / 'report.css').read_text(),
    headline=markup.escape(summary.headline(verdict)),
    setting=markup.escape(_setting(verdict)),
    ranking=_ranking(verdict),
    warnings=markup.items(verdict.warnings, 'warnings'),
    contents='\n'.join(
      f'<a href="#{anchor}">{markup.escape(name)}</a>'
      for name, anchor in anchors.items()
    ),
    body='\n'.join(
      markup.section(name, anchors[name], body)
      for name, body in sections.items()
    ),
    disclaimer=markup.escape(summary.DISCLAIMER),
    version=jaxperf.__version__,
  )


def _setting(verdict: Verdict) -> str:
  """What was compared, in one line."""
  studies = verdict.studies.groupby(['submission', 'workload']).size()
  fewest, most = studies.min(), studies.max()
  repeats = plural(most, 'study')
  tuning = {'external': 'external tuning', 'self': 'self-tuning'}
  parts = [
    f'Rules {verdict.rules.title}; {tuning[verdict.ruleset]}',
    plural(len(verdict.times), 'submission'),
    plural(len(verdict.scoring.workloads), 'workload'),
    f'{repeats} each' if fewest == most else f'{fewest} to {repeats} each',
    f'times in {verdict.unit}',
  ]
  return '; '.join(parts) + '.'


def _ranking(verdict: Verdict) -> str:
  """The table of the first screen."""
  other = 'steps' if verdict.unit == 'seconds' else 'seconds'
  header = ['submission', 'score', '', 'solved']
  if verdict.samples is not None:
    header.append('95% interval')
    bounds = confidence.intervals(verdict.samples)
  header += [f'speed-up over {verdict.reference}', f'score by {other}']
  times = verdict.times.reindex(columns=list(verdict.scoring.workloads))
  means = analysis.geometric_mean(analysis.speedups(times, verdict.reference))
  solved = np.isfinite(verdict.counted).sum(axis=1)
  rows = []
  for name, score in verdict.scores.items():
    bar = f'<span class="bar" style="width:{100 * score:.1f}%"></span>'
    row = [
      markup.escape(name),
      f'{score:.4f}',
      f'<span class="track" aria-hidden="true">{bar}</span>',
      f'{solved[name]} of {len(times.columns)}',
    ]
    if verdict.samples is not None:
      low, high = bounds.loc[name, ['low', 'high']]
      row.append(f'{low:.3f} to {high:.3f}')
    mean, count = means.loc[name]
    row.append(f'{mean:.2f}x (on {count:.0f})' if count else '–')
    if verdict.other_scores is not None:
      row.append(f'{verdict.other_scores[other].get(name, 0):.4f}')
    else:
      row.append('–')
    rows.append(row)
  return markup.table(header, rows, text_columns=(0, 2))
