# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The verdict as plain text, at most 100 columns wide."""

from __future__ import annotations

import collections
from collections.abc import Sequence

import numpy as np

from jaxperf import rules as rules_lib
from jaxperf import text as text_lib
from jaxperf.records import layout
from jaxperf.scoring import confidence, tables
from jaxperf.scoring import times as times_lib
from jaxperf.scoring import verdict as verdict_lib


def text(verdict: verdict_lib.Verdict) -> str:
  """Times, ranking, certainty, warnings and notes."""
  parts = [
    _title(verdict),
    times(verdict),
    _closest(verdict),
    *_places(verdict),
    text_lib.wrapped(headline(verdict)),
    warnings(verdict.warnings),
    notes(verdict.notes),
    text_lib.DISCLAIMER,
  ]
  return '\n\n'.join(part for part in parts if part)


def headline(verdict: verdict_lib.Verdict) -> str:
  """Who is fastest, by how much, and how sure that is; one or two sentences."""
  names = list(verdict.scores.index)
  count = len(verdict.scoring.workloads)
  solved = tables.ranking(verdict)['solved']
  if not verdict.scores.any():
    return 'No submission reached a target within its budget.'
  if len(names) == 1:
    return f'{names[0]} reached {solved.iloc[0]} of {count} targets.'
  first, second = names[:2]
  if verdict.scores[first] == verdict.scores[second]:
    return f'{first} and {second} share the first place.'
  sentence = (
    f'{first} is first: it reached {solved[first]} of {count} targets '
    f'({second}: {solved[second]}){_lead(tables.lead(verdict))}'
  )
  better = tables.chance_of_lead(verdict)
  if better is None:
    return f'{sentence}.{_unsure(verdict)}'
  return (
    f'{sentence}. Chance that it is better: {chance(better)} (bootstrap over '
    'the studies).'
  )


def setting(verdict: verdict_lib.Verdict) -> str:
  """The rules that were applied."""
  return f'Rules {verdict.rules.title}; {rules_lib.TUNING[verdict.ruleset]}'


def times(ranked: tables.Ranked) -> str:
  """Median times as text: one row a workload, one column a submission."""
  table, voided = tables.times(ranked), tables.voided(ranked)
  rows = []
  for workload, column in table.items():
    goal = ranked.rules.workloads[workload]
    cells = [text_lib.amount(time, ranked.unit) for time in column]
    if workload in voided:
      void = voided[workload]
      cells = [f'({cell})' if v else cell for cell, v in zip(cells, void)]
    rows.append(
      [
        workload + (' *' if workload in ranked.scoring.held_out else ''),
        f'{"<" if goal.minimize else ">"} '
        f'{text_lib.metric(goal.validation_target)}',
        *cells,
      ]
    )
  legend = []
  if ranked.scoring.held_out:
    legend.append('* held-out variant: can void its base workload.')
  if voided.any(axis=None):
    legend.append('(…) voided by the rules: too slow, or held-out failed.')
  return '\n'.join(
    [
      f'{ranked.unit.capitalize()} to the validation target, median over the '
      'studies (inf: not reached; -: not run)',
      '',
      text_lib.layout(['workload', 'target', *table.index], rows),
      *legend,
    ]
  )


def chance(share: float) -> str:
  """A bootstrapped probability in per cent, never quite 0 or 100.

  >>> chance(0.5), chance(0.999)
  ('50%', '>99%')
  """
  return '>99%' if share > 0.99 else '<1%' if share < 0.01 else f'{share:.0%}'


def warnings(sentences: Sequence[str]) -> str:
  """One paragraph a warning."""
  return '\n'.join(
    text_lib.wrapped(f'Warning: {sentence}') for sentence in sentences
  )


def notes(found: Sequence[layout.Note]) -> str:
  """Notes of one kind together, with the first place."""
  kinds = collections.defaultdict(list)
  for note in found:
    kinds[note.what].append(note.where)
  lines = []
  for what, places in kinds.items():
    more = f' and {len(places) - 1} more' if len(places) > 1 else ''
    lines.append(text_lib.wrapped(f'Note: {places[0]}{more}: {what}'))
  return '\n'.join(lines)


def _places(verdict: verdict_lib.Verdict) -> list[str]:
  """The ranking and how sure it is; nothing is ranked against itself."""
  if len(verdict.scores) > 1:
    return [_ranking(verdict), _certainty(verdict)]
  return [
    text_lib.wrapped(
      'One submission: a score ranks it among others. Run another one with it, '
      'or place it among published results with --against.'
    )
  ]


def _title(verdict: verdict_lib.Verdict) -> str:
  return '\n'.join(
    [
      setting(verdict),
      f'{text_lib.plural(len(verdict.times), "submission")}, '
      f'{text_lib.plural(len(verdict.scoring.workloads), "workload")}; a time '
      f'above {verdict.rules.tau_max:g} times the fastest counts as not '
      'reached.',
    ]
  )


def _lead(factor: float) -> str:
  """How the first compares with the second, as part of a sentence."""
  if np.isnan(factor):
    return ''
  if abs(factor - 1) < 0.005:
    return ' and was as fast where both did'
  if factor > 1:
    return f' and was {factor:.2f} times as fast where both did'
  return f', though it took {1 / factor:.2f} times as long where both did'


def _unsure(verdict: verdict_lib.Verdict) -> str:
  """A sentence on single studies; empty if there are more."""
  if verdict.studies.groupby(['submission', 'workload']).size().max() > 1:
    return ''
  return ' With one study each this may be luck; run two or more to know.'


def _closest(verdict: verdict_lib.Verdict) -> str:
  """How close those came that did not reach a target."""
  best = tables.closest(verdict)
  reached = np.isfinite(tables.times(verdict).reindex_like(best))
  rows = []
  for workload, column in best.items():
    goal = verdict.rules.workloads[workload]
    cells = [
      'reached' if reached.loc[name, workload] else text_lib.metric(value)
      for name, value in column.items()
    ]
    rows.append([workload, f'{goal.metric} {goal.validation_target:g}', *cells])
  if not rows:
    return ''
  title = 'How close the others came: best validation metric within the budget'
  table = text_lib.layout(['workload', 'target', *best.index], rows)
  return f'{title}\n\n{table}'


def _ranking(verdict: verdict_lib.Verdict) -> str:
  """Scores, best first."""
  table = tables.standings(verdict)
  sure, clocks = 'low' in table, 'other_score' in table
  header = ['submission', 'rank', 'score']
  header += ['95% interval', 'ranks'] if sure else []
  other = times_lib.other_unit(verdict.unit)
  header += [f'score by {other}'] if clocks else []
  header += ['solved', 'speed-up']
  count = len(verdict.scoring.workloads)
  rows = []
  for row in table.itertuples():
    cells = [row.Index, f'{row.rank}', f'{row.score:.4f}']
    if sure:
      cells.append(f'{row.low:.3f} - {row.high:.3f}')
      cells.append(f'{row.rank_low} - {row.rank_high}')
    if clocks:
      cells.append(f'{row.other_score:.4f}')
    speedup = f'{row.speedup:.2f} ({row.common})' if row.common else '-'
    rows.append([*cells, f'{row.solved} of {count}', speedup])
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
  certainty = tables.certainty(verdict)
  if certainty is None:
    return 'How sure?' + (
      _unsure(verdict)
      or ' Intervals need every study; the published times are medians.'
    )
  rows = [
    [pair.first, chance(pair.chance), _needs(pair)]
    for pair in certainty.neighbours
  ]
  return '\n'.join(
    [
      f'How sure: {certainty.samples} bootstrap samples of the studies',
      '',
      text_lib.layout(['submission', 'beats the next', 'needs'], rows),
      _deciding(certainty),
    ]
  ).rstrip()


def _needs(pair: tables.Neighbours) -> str:
  """What it takes to tell two submissions apart."""
  if pair.tied:
    return 'the same score'
  if np.isnan(pair.studies):
    return f'more than {confidence.MOST_STUDIES} studies to be 95% sure'
  return f'{pair.studies:.0f} studies to be 95% sure'


def _deciding(certainty: tables.Certainty) -> str:
  """Which workloads decide who is first."""
  if certainty.without.empty:
    return ''
  winner = certainty.without.index[0]
  if not certainty.deciding:
    return f'{winner} stays first whichever workload is left out.'
  return f'Not first without: {", ".join(certainty.deciding)} ({winner}).'
