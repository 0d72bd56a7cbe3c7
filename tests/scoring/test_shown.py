# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What is shown is what was measured, on tables made by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from jaxperf.records import read
from jaxperf.report import comparison as comparison_text
from jaxperf.report import page, text
from jaxperf.report import workloads as workloads_section
from jaxperf.scoring import comparison, selection, tables, times, verdict
from tests import result_trees

CONFORMER, DEEPSPEECH = result_trees.CONFIG['workloads']
BUDGET = 3 * 61068  # Self-tuning, v0.5.


def judged(root, **options):
  return verdict.judge(read.results(root), selection.Options(**options))


def write(root, runs, rules='v0.5', ruleset='self', **config):
  """A tree from {(submission, workload, study, trial): rows or (rows, result)}.

  Rows are (step, seconds, wer).
  """
  for (name, workload, study, trial), rows in runs.items():
    rows, result = rows if isinstance(rows, tuple) else (rows, None)
    result_trees.add_trial(
      root, name, study, workload, trial, rows, result=result
    )
  content = {'rules': rules, 'ruleset': ruleset, **config}
  (root / 'config.json').write_text(json.dumps(content))
  return root


def test_where_none_reaches_the_target_the_closest_trial_counts(tmp_path):
  runs = {
    ('a', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 50, 0.5)],
    ('a', CONFORMER, 0, 2): [(1, 5, 0.9), (9, 50, 0.2), (10, 60, 0.4)],
    ('a', CONFORMER, 0, 3): [(1, 5, 0.9), (9, BUDGET + 1, 0.1)],  # Too late.
    ('b', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 50, 0.3)],
  }
  found = judged(write(tmp_path, runs), workloads=[CONFORMER])
  counting = found.studies.set_index('submission')['trial']
  assert counting.to_dict() == {'a': 2, 'b': 1}
  assert np.isinf(found.studies['time']).all()


def test_a_larger_metric_is_closer_where_it_is_maximized():
  # As v0.6's imagenet_resnet: 0.7496 for one, 0.7386 for the other.
  rows = [
    ('baseline', 1, 0.7112), ('baseline', 2, 0.7496),
    ('shampoo', 1, 0.7386), ('shampoo', 2, 0.7001),
  ]  # fmt: skip
  labels = ['submission', 'trial', 'validation/accuracy']
  table = pd.DataFrame(rows, columns=labels)
  table = table.assign(
    run=range(4),
    workload='imagenet_resnet',
    study=0,
    step=100,
    submission_s=50.0,
  )
  trials = table[['submission', 'workload', 'study', 'trial']]
  results = read.Results(table, trials, [], {})
  from jaxperf import rules

  found = times.study_times(
    times.trial_times(results, rules.load('v0.6'), 'external')
  )
  assert found.set_index('submission')['trial'].to_dict() == {
    'baseline': 2,
    'shampoo': 1,
  }


@pytest.mark.parametrize('choice', ['time', 'published'])
def test_of_those_that_met_the_target_the_time_decides(choice):
  trials = pd.DataFrame(
    {
      'trial': [1, 2],
      'evaluation': [3, 3],
      'time': [80.0, 90.0],
      'away': [-0.01, -0.5],
      **{'submission': 'a', 'workload': 'w', 'study': 0},
    }
  )
  # Ties of the published choice go to the last trial.
  expected = {'time': 1, 'published': 2}[choice]
  assert times.study_times(trials, choice)['trial'].item() == expected


def pair_of_eight(root):
  """Times on two workloads and a held-out variant; one is voided.

  `a` takes 100 and 300 where `b` takes 200 and 50: its 300 are more than four
  times the fastest and do not count. On the variant `a` takes 10, `b` 30.
  """
  variant = f'{CONFORMER}_layernorm'
  seconds = {
    ('a', CONFORMER): 100, ('b', CONFORMER): 200,
    ('a', DEEPSPEECH): 300, ('b', DEEPSPEECH): 50,
    ('a', variant): 10, ('b', variant): 30,
  }  # fmt: skip
  runs = {
    (name, workload, study, 1): [(1, 5, 0.9), (9, s + study, 0.01)]
    for (name, workload), s in seconds.items()
    for study in range(3)
  }
  return write(root, runs, workloads=[CONFORMER, DEEPSPEECH])


def test_score_and_compare_say_the_same_of_a_pair(tmp_path):
  found = judged(pair_of_eight(tmp_path), reference='b')
  table = tables.standings(found)
  assert table.loc['a', ['solved', 'common']].tolist() == [1, 1]
  assert table.loc['b', 'solved'] == 2
  # Medians of 100 and 200 plus 0, 1, 2.
  assert table.loc['a', 'speedup'] == pytest.approx(201 / 101)
  result = comparison.compare(tables.counted_studies(found), 'a', 'b')
  assert result.ratio == pytest.approx(101 / 201)
  assert (result.wins, result.losses) == (3, 3)
  printed = comparison_text.text(found, 'a', 'b')
  assert 'it takes 0.50 times as long as b' in printed.replace('\n  ', ' ')
  lead = tables.lead(found)  # Of b over a, the other way round.
  assert list(found.scores.index) == ['b', 'a']
  assert lead == pytest.approx(101 / 201)


def test_a_pair_that_both_miss_is_compared_by_how_close_it_came(tmp_path):
  runs = {
    ('a', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 50, 0.30)],
    ('b', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 50, 0.20)],
    ('a', DEEPSPEECH, 0, 1): [(1, 5, 0.9), (9, 50, 0.40)],
    ('b', DEEPSPEECH, 0, 1): [(1, 5, 0.9), (9, 50, 0.50)],
  }
  found = judged(write(tmp_path, runs, workloads=[CONFORMER, DEEPSPEECH]))
  printed = comparison_text.text(found, 'a', 'b')
  assert '0 of 0' not in printed
  assert 'neither reaches a target in any study' in printed
  assert 'a came closer on 1 of these, b on 1.' in printed
  (row,) = [
    x
    for x in printed.splitlines()
    if x.startswith(f'{CONFORMER}  ') and '0.3' in x
  ]
  assert row.split()[-3:] == ['0.3', '0.2', 'b']


def test_logs_that_break_off_are_warned_of(tmp_path):
  runs = {
    # One evaluation long before the budget, as twelve trials of v0.6.
    ('a', CONFORMER, 0, 1): [(1, 60, 0.9)],
    ('a', DEEPSPEECH, 0, 1): [(1, 60, 0.9), (9, 166000, 0.5)],  # To the end.
    ('b', CONFORMER, 0, 1): [(1, 60, 0.9), (9, 70, 0.01)],  # Reached.
    ('b', DEEPSPEECH, 0, 1): ([(1, 60, 0.9)], {'outcome': 'finished'}),
  }
  found = judged(write(tmp_path, runs, workloads=[CONFORMER, DEEPSPEECH]))
  (warning,) = [w for w in found.warnings if 'stop long before' in w]
  assert warning.startswith('1 log stop')
  assert f'a/study_0/{CONFORMER}_jax/trial_1 (60 of 183,204 seconds)' in warning


def test_a_limit_of_the_steps_is_told(tmp_path):
  runs = {('a', CONFORMER, 0, 1): ([(1, 60, 0.9)], {'outcome': 'finished'})}
  found = judged(write(tmp_path, runs, workloads=[CONFORMER], max_steps=40))
  (warning,) = [w for w in found.warnings if 'max_steps' in w]
  assert 'limited to 40 steps' in warning
  assert '1 of 1 trial' in warning


@pytest.mark.parametrize(
  ('rows', 'result', 'said'),
  [
    ([(1, 5, 0.9), (9, 50, 0.01)], 'budget', 'was not reached, and the evalu'),
    ([(1, 5, 0.9)], 'reached', 'was reached, and the evaluations never meet'),
    ([(1, 5, 0.9), (9, 50, 0.01)], 'reached', None),
  ],
)
def test_a_result_that_contradicts_its_evaluations_is_noted(
  tmp_path, rows, result, said
):
  runs = {('a', CONFORMER, 0, 1): (rows, {'outcome': result, 'step': 9})}
  found = judged(write(tmp_path, runs, workloads=[CONFORMER]))
  notes = [note.what for note in found.notes if 'result.json' in note.where]
  assert len(notes) == bool(said)
  assert all(said in note for note in notes)


def test_an_evaluation_after_the_end_is_noted(tmp_path):
  rows = [(1, 5, 0.9), (9, 50, 0.01)]
  runs = {('a', CONFORMER, 0, 1): (rows, {'outcome': 'reached', 'step': 5})}
  found = judged(write(tmp_path, runs, workloads=[CONFORMER]))
  assert any('ended at step 5' in note.what for note in found.notes)


def test_what_was_never_run_is_a_dash_everywhere(tmp_path):
  runs = {
    ('a', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 50, 0.01)],
    ('a', DEEPSPEECH, 0, 1): [(1, 5, 0.9)],
    ('b', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 60, 0.01)],
  }
  found = judged(write(tmp_path, runs, workloads=[CONFORMER, DEEPSPEECH]))
  rows = {
    line.split()[0]: line.split()[-2:]
    for line in text.times(found).splitlines()
    if line.startswith('librispeech')
  }
  assert rows == {CONFORMER: ['50.0', '60.0'], DEEPSPEECH: ['inf', '-']}
  assert verdict.as_json(found)['time_to_target'] == {
    'a': {CONFORMER: 50.0, DEEPSPEECH: None},
    'b': {CONFORMER: 60.0},
  }
  section = workloads_section.workloads(found).partition(f'<h3>{DEEPSPEECH}')[2]
  rows = section.split('<tr>')
  (of_b,) = [row for row in rows if '>b</th>' in row and '%' not in row][:1]
  assert 'not reached' not in of_b


def test_one_submission_is_not_ranked_against_itself(tmp_path):
  runs = {('a', CONFORMER, 0, 1): [(1, 5, 0.9), (9, 50, 0.01)]}
  write(tmp_path, runs, workloads=[CONFORMER])
  printed = text.text(judged(tmp_path))
  assert 'Ranking' not in printed
  assert 'speed-up' not in printed
  assert 'One submission: a score ranks it among others.' in printed
  assert 'a reached 1 of 1 targets' in printed
  path = page.write(tmp_path, selection.Options(), tmp_path / 'report.html')
  report = path.read_text()
  assert 'Performance profile' not in report
  assert 'speed-up' not in report
