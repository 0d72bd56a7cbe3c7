# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The report on a folder of results: one HTML file that opens anywhere.

The first screen gives the verdict; what follows explains it.
"""

from __future__ import annotations

import pathlib
import string

import jaxperf
from jaxperf import errors, text
from jaxperf.records import layout, read
from jaxperf.report import html, scalars
from jaxperf.report import sections as sections_lib
from jaxperf.report import text as report_text
from jaxperf.scoring import selection, tables, times
from jaxperf.scoring import verdict as verdict_lib

_FOLDER = pathlib.Path(__file__).parent


def write(
  root: str | pathlib.Path,
  options: selection.Options,
  output: str | pathlib.Path | None = None,
) -> pathlib.Path:
  """Writes the report on a results folder; returns its path.

  Args:
    root: the results.
    options: what to score and how.
    output: the file to write; None: beside the folder, with its name and
      `.html`.

  Raises:
    UserError: as in `read.results` and `verdict.judge`, or if the file cannot
      be written.
  """
  verdict = verdict_lib.judge(read.results(root), options)
  points = read.hyperparameters(root, verdict.trials)
  recorded = scalars.read(root, verdict)
  folder = pathlib.Path(root)
  if folder.name in ('', '..'):
    folder = folder.resolve()
  title = f'jaxperf report: {folder.name}'
  path = pathlib.Path(output or f'{folder}.html')
  content = page(
    title, verdict, sections_lib.sections(verdict, points, recorded)
  )
  try:
    path.write_text(content, encoding='utf-8', errors='backslashreplace')
  except OSError as error:
    raise errors.UserError(
      f'cannot write {path}: {error.strerror}; name another place with --output'
    ) from None
  return path


def page(
  title: str, verdict: verdict_lib.Verdict, sections: dict[str, str]
) -> str:
  """The whole page.

  Args:
    title: plain text.
    verdict: what the first screen says.
    sections: title -> HTML, in order.
  """
  anchors = {name: f'section-{i}' for i, name in enumerate(sections)}
  template = string.Template((_FOLDER / 'report.html').read_text('utf-8'))
  return template.substitute(
    title=html.escape(layout.shown(title)),
    style=(_FOLDER / 'report.css').read_text('utf-8'),
    headline=html.escape(report_text.headline(verdict)),
    setting=html.escape(_setting(verdict)),
    ranking=_ranking(verdict),
    warnings=html.items(verdict.warnings, 'warnings'),
    contents='\n'.join(
      f'<a href="#{anchor}">{html.escape(name)}</a>'
      for name, anchor in anchors.items()
    ),
    body='\n'.join(
      html.section(name, anchors[name], body) for name, body in sections.items()
    ),
    disclaimer=html.escape(text.DISCLAIMER),
    version=jaxperf.__version__,
  )


def _setting(verdict: verdict_lib.Verdict) -> str:
  """What was compared, in one line."""
  studies = verdict.studies.groupby(['submission', 'workload']).size()
  fewest, most = studies.min(), studies.max()
  repeats = text.plural(most, 'study')
  parts = [
    report_text.setting(verdict),
    text.plural(len(verdict.times), 'submission'),
    text.plural(len(verdict.scoring.workloads), 'workload'),
    f'{repeats} each' if fewest == most else f'{fewest} to {repeats} each',
    f'times in {verdict.unit}',
  ]
  return '; '.join(parts) + '.'


def _ranking(verdict: verdict_lib.Verdict) -> str:
  """The table of the first screen; nothing is ranked against itself."""
  if len(verdict.scores) == 1:
    return ''
  table = tables.standings(verdict)
  sure, clocks = 'low' in table, 'other_score' in table
  other = times.other_unit(verdict.unit)
  header = ['submission', 'score', '', 'solved']
  header += ['95% interval'] if sure else []
  header += [f'speed-up over {verdict.reference}', f'score by {other}']
  count = len(verdict.scoring.workloads)
  rows = []
  for row in table.itertuples():
    bar = f'<span class="bar" style="width:{100 * row.score:.1f}%"></span>'
    cells = [
      html.escape(row.Index),
      f'{row.score:.4f}',
      f'<span class="track" aria-hidden="true">{bar}</span>',
      f'{row.solved} of {count}',
    ]
    if sure:
      cells.append(f'{row.low:.3f} to {row.high:.3f}')
    speedup = f'{row.speedup:.2f}x (on {row.common})' if row.common else '–'
    rows.append([*cells, speedup, f'{row.other_score:.4f}' if clocks else '–'])
  return html.table(header, rows, text_columns=(0, 2))
