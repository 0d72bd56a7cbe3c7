# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The verdict as plain text, at most 100 columns wide."""

from __future__ import annotations

import collections
import itertools
import math

import numpy as np
import pandas as pd

from jaxperf import text as text_lib
from jaxperf.records import layout
from jaxperf.scoring import confidence, diagnostics
from jaxperf.scoring import verdict as verdict_lib


def text(verdict: verdict_lib.Verdict) -> str:
  """Times, ranking, certainty, warnings and notes."""
  parts = [_title(verdict), times(verdict), _closest(verdict)]
  parts += [
    _ranking(verdict),
    _certainty(verdict),
    text_lib.wrapped(headline(verdict)),
  ]
  parts += [
    warnings(verdict.warnings),
    _notes(verdict.notes),
    text_lib.DISCLAIMER,
  ]
  return '\n\n'.join(part for part in parts if part)


def headline(verdict: verdict_lib.Verdict) -> str:
  """Who is fastest, by how much, and how sure that is; one or two sentences."""
  names = list(verdict.scores.index)
  count = len(verdict.scoring.workloads)
  solved = np.isfinite(verdict.counted).sum(axis=1)
  if not verdict.scores.any():
    return 'No submission reached a target within its budget.'
  if len(names) == 1:
    return f'{names[0]} reached {solved.iloc[0]} of {count} targets.'
  first, second = names[:2]
  if verdict.scores[first] == verdict.scores[second]:
    return f'{first} and {second} share the first place.'
  sentence = (
    f'{first} is first: it reached {solved[first]} of {count} targets '
    f'({second}: {solved[second]})'
  )
  ratios = diagnostics.speedups(verdict.counted, second).loc[first].dropna()
  if len(ratios):
    factor = np.exp(np.log(ratios).mean())
    if abs(factor - 1) < 0.005:
      sentence += ' and was as fast where both did'
    elif factor > 1:
      sentence += f' and was {factor:.2f} times as fast where both did'
    else:
      sentence += (
        f', though it took {1 / factor:.2f} times as long where both did'
      )
  if verdict.samples is None:
    return f'{sentence}.{_unsure(verdict)}'
  better = confidence.probability_better(verdict.samples)
  return (
    f'{sentence}. Chance that it is better: '
    f'{chance(better.loc[first, second])} (bootstrap over the studies).'
  )


def _unsure(verdict: verdict_lib.Verdict) -> str:
  """A sentence on single studies; empty if there are more."""
  if verdict.studies.groupby(['submission', 'workload']).size().max() > 1:
    return ''
  return ' With one study each this may be luck; run two or more to know.'


def chance(share: float) -> str:
  """A bootstrapped probability in per cent, never quite 0 or 100."""
  return '>99%' if share > 0.99 else '<1%' if share < 0.01 else f'{share:.0%}'


def _title(verdict: verdict_lib.Verdict) -> str:
  rules = verdict.rules
  tuning = {'external': 'external tuning', 'self': 'self-tuning'}
  return '\n'.join(
    [
      f'Rules {rules.title}; {tuning[verdict.ruleset]}',
      f'{text_lib.plural(len(verdict.times), "submission")}, '
      f'{text_lib.plural(len(verdict.scoring.workloads), "workload")}; a time '
      f'above {rules.tau_max:g} times the fastest counts as not reached.',
    ]
  )


def times(verdict: verdict_lib.Verdict) -> str:
  """Median times as text: one row a workload, one column a submission.

  Args:
    verdict: or a `leaderboard.Board`.
  """
  names = list(verdict.scores.index)
  rows = []
  for workload in verdict.times.columns:
    goal = verdict.rules.workloads[workload]
    sign = '<' if goal.minimize else '>'
    held_out = ' *' if workload in verdict.scoring.held_out else ''
    column = verdict.times.loc[names, workload]
    rows.append(
      [
        workload + held_out,
        f'{sign} {text_lib.metric(goal.validation_target)}',
        *(
          _time(verdict, name, workload, time) for name, time in column.items()
        ),
      ]
    )
  title = (
    f'{verdict.unit.capitalize()} to the validation target, median over the '
    'studies (inf: not reached; -: not run)'
  )
  legend = []
  if verdict.scoring.held_out:
    legend.append('* held-out variant: can void its base workload.')
  if any(cell.startswith('(') for row in rows for cell in row[2:]):
    legend.append('(…) voided by the rules: too slow, or held-out failed.')
  table = text_lib.layout(['workload', 'target', *names], rows)
  return '\n'.join([title, '', table, *legend])


def _time(
  verdict: verdict_lib.Verdict, name: str, workload: str, time: float
) -> str:
  """One cell; in parentheses if the rules void it."""
  cell = text_lib.amount(time, verdict.unit)
  if workload not in verdict.counted or not np.isfinite(time):
    return cell
  counts = np.isfinite(verdict.counted.loc[name, workload])
  return cell if counts else f'({cell})'


def _closest(verdict: verdict_lib.Verdict) -> str:
  """How close those came that did not reach a target."""
  workloads = verdict.scoring.workloads
  own = set(verdict.results.trials['submission'])
  names = [name for name in verdict.scores.index if name in own]
  times = verdict.times.reindex(names, columns=list(workloads))
  unsolved = [w for w in workloads if np.isinf(times[w]).any()]
  best = diagnostics.closest(
    verdict.results, verdict.rules, verdict.ruleset, unsolved
  )
  rows = []
  for workload in unsolved:
    goal = verdict.rules.workloads[workload]
    cells = [
      text_lib.metric(best[workload].get(name, math.nan))
      if np.isinf(times.loc[name, workload])
      else 'reached'
      for name in names
    ]
    rows.append([workload, f'{goal.metric} {goal.validation_target:g}', *cells])
  if not rows:
    return ''
  title = 'How close the others came: best validation metric within the budget'
  table = text_lib.layout(['workload', 'target', *names], rows)
  return f'{title}\n\n{table}'


def _ranking(verdict: verdict_lib.Verdict) -> str:
  """Scores, best first."""
  ratios = diagnostics.speedups(
    verdict.times.reindex(columns=list(verdict.scoring.workloads)),
    verdict.reference,
  )
  means = diagnostics.geometric_mean(ratios)
  solved = np.isfinite(verdict.counted).sum(axis=1)
  ranks = verdict.scores.rank(ascending=False, method='min')
  header = ['submission', 'rank', 'score']
  intervals = None
  if verdict.samples is not None:
    intervals = confidence.intervals(verdict.samples)
    header += ['95% interval', 'ranks']
  others = None
  if verdict.other_scores is not None:
    others = verdict.other_scores.iloc[:, 0]
    header.append(f'score by {others.name}')
  header += ['solved', 'speed-up']
  rows = []
  for name, score in verdict.scores.items():
    row = [name, f'{ranks[name]:.0f}', f'{score:.4f}']
    if intervals is not None:
      low, high, best, worst = intervals.loc[name]
      row += [f'{low:.3f} - {high:.3f}', f'{best:.0f} - {worst:.0f}']
    if others is not None:
      row.append(f'{others.get(name, 0.0):.4f}')
    mean, count = means.loc[name]
    row += [
      f'{solved[name]} of {len(verdict.counted.columns)}',
      f'{mean:.2f} ({count:.0f})' if count else '-',
    ]
    rows.append(row)
  return '\n'.join(
    [
      'Ranking (score: area under the performance profile, 0 to 1)',
      '',
      text_lib.layout(header, rows),
      text_lib.wrapped(
        f'speed-up: geometric mean against {verdict.reference}, over the '
        'workloads (their number) that both solve.'
      ),
    ]
  )


def _certainty(verdict: verdict_lib.Verdict) -> str:
  """What more studies could change."""
  if verdict.samples is None:
    return 'How sure?' + (
      _unsure(verdict)
      or ' Intervals need every study; the published times are medians.'
    )
  needed = confidence.studies_needed(verdict.studies, verdict.scoring)
  better = confidence.probability_better(verdict.samples)
  names = list(verdict.scores.index)
  lines = []
  for first, second in itertools.pairwise(names):
    count = needed.get(first, math.nan)
    more = (
      'more than 30 studies to be 95% sure'
      if np.isnan(count)
      else f'{count:.0f} studies to be 95% sure'
    )
    if verdict.scores[first] == verdict.scores[second]:
      more = 'the same score'
    share = chance(better.loc[first, second])
    lines.append([first, share, more])
  table = text_lib.layout(['submission', 'beats the next', 'needs'], lines)
  least = confidence.leave_one_out(verdict.times, verdict.scoring)
  return '\n'.join(
    [
      'How sure: 1000 bootstrap samples of the studies',
      '',
      table,
      _leave_one_out(least),
    ]
  ).rstrip()


def _leave_one_out(scores: pd.DataFrame) -> str:
  """Which workloads decide who is first."""
  if scores.empty:
    return ''
  winner = scores.index[0]
  deciding = [w for w in scores if scores[w].max() > scores.loc[winner, w]]
  if not deciding:
    return f'{winner} stays first whichever workload is left out.'
  return f'Not first without: {", ".join(deciding)} ({winner}).'


def warnings(sentences: list[str]) -> str:
  """One paragraph a warning."""
  return '\n'.join(
    text_lib.wrapped(f'Warning: {sentence}') for sentence in sentences
  )


def _notes(notes: list[layout.Note]) -> str:
  """Notes of one kind together, with the first place."""
  kinds = collections.defaultdict(list)
  for note in notes:
    kinds[note.what].append(note.where)
  lines = []
  for what, places in kinds.items():
    more = f' and {len(places) - 1} more' if len(places) > 1 else ''
    lines.append(text_lib.wrapped(f'Note: {places[0]}{more}: {what}'))
  return '\n'.join(lines)
