# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics that cannot be reach no target, and are named."""

import dataclasses

import numpy as np
import pytest

from jaxperf import rules as rules_lib
from jaxperf.records import read
from jaxperf.scoring import selection, verdict
from jaxperf.scoring import times as times_lib
from tests import result_trees

MINI = rules_lib.load('mini')
PLACE = 'a/study_0/{}_jax/trial_1/eval_measurements.csv:{}'


def write(root, workload, values, name='a'):
  """A trial with these values of the target metric, ten steps apart."""
  folder = result_trees.trial_folder(root, name, 0, workload, 1)
  column = f'validation/{MINI.workloads[workload].metric}'
  lines = [f'global_step,accumulated_submission_time,{column}']
  lines += [f'{10 * i},{i},{v}' for i, v in enumerate(values, 1)]
  (folder / 'eval_measurements.csv').write_text('\n'.join(lines) + '\n')


def judged(root, workload, rules='mini'):
  options = selection.Options(rules, 'self', workloads=[workload])
  judged = verdict.judge(read.results(root), options)
  return judged.times.loc['a', workload], [str(n) for n in judged.notes]


@pytest.mark.parametrize(
  ('workload', 'values', 'time', 'lines'),
  [
    # One wrong value costs itself; the targets are reached without it.
    ('mini_images_vit', [0.1, 7.5, 0.7, 0.8], 40, [3]),
    ('mini_images_vit', [0.1, 0.8, 0.85, 81], 20, [5]),
    ('mini_images_vit', [0.1, -0.1, 0.7, 0.8], 40, [3]),
    ('mini_images_vit', [0.1, 1.0, 0.7], 20, []),
    ('mini_images_vit', [0.1, 1.0000001, 0.7], 20, []),  # Rounded.
    ('mini_images_vit', [0.1, 'inf', 0.7], np.inf, []),
    ('mini_mri', [-0.1, 1.2, 0.7], np.inf, [3]),
    ('mini_mri', [-0.1, 0.3, 0.78], 30, []),
    ('mini_molecules', [0.05, 1.5, 0.06, 0.07], np.inf, [3]),
    ('mini_clicks', [0.69, -0.5, 0.51], 30, [3]),
    ('mini_clicks', [0.69, '-inf', 0.6], np.inf, []),
    ('mini_clicks', [690, 1e24, 0.5], 30, []),  # Losses have no upper end.
    ('mini_speech_conformer', [4.4, -1, 0.2], 30, [3]),
    ('mini_translation', [0, 100.5, 1e-9], np.inf, [3]),
  ],
)
def test_what_cannot_be_is_named_and_does_not_count(
  tmp_path, workload, values, time, lines
):
  write(tmp_path, workload, values)
  seen, notes = judged(tmp_path, workload)
  assert seen == time
  assert [note.split(': ')[0] for note in notes] == [
    PLACE.format(workload, line) for line in lines
  ]
  assert all('cannot be: not counted' in note for note in notes)
  # Also for those who call the steps themselves.
  trials = times_lib.trial_times(read.results(tmp_path), MINI, 'self')
  assert trials['time'].item() == time


@pytest.mark.parametrize(
  ('workload', 'values', 'line'),
  [
    ('mini_images_vit', [10, 60, 70, 75], 2),
    ('mini_images_vit', [0.1, 0.9, 60, 75], 4),  # 0.9 per cent is no 0.9.
    ('mini_images_resnet', [0.1, 0.3, 0.5, 0.9, 2.0, 3.0], 6),
    ('mini_mri', [0.8, 30, 70, 77], 3),
    ('mini_speech_conformer', [100, 60, 30, 21], 2),
  ],
)
def test_per_cent_is_told_from_shares(tmp_path, workload, values, line):
  write(tmp_path, workload, values)
  time, (note,) = judged(tmp_path, workload)
  assert time == np.inf
  assert note.startswith(PLACE.format(workload, line))
  assert note.endswith('none of this file counts; divide by 100')


def test_a_share_is_told_from_a_score_out_of_a_hundred(tmp_path):
  write(tmp_path, 'mini_translation', [0.001, 0.2, 0.35])
  time, (note,) = judged(tmp_path, 'mini_translation')
  assert time == np.inf
  assert note.endswith('multiply by 100 if these are shares')


def test_the_best_metric_that_is_shown_is_one_that_can_be(tmp_path):
  write(tmp_path, 'mini_images_vit', [0.1, 9.5, 0.7])
  options = selection.Options('mini', 'self', workloads=['mini_images_vit'])
  results = verdict.judge(read.results(tmp_path), options).results
  assert results.evaluations['validation/accuracy'].max() == 0.7


def test_targets_in_per_cent_ask_for_per_cent():
  goal = MINI.workloads['mini_images_vit']
  scaled = dataclasses.replace(goal, validation_target=79.2, test_target=77.9)
  assert scaled.reached(79.3, scaled.validation_target)
  assert not goal.reached(79.3, goal.validation_target)


def test_a_rules_file_can_say_what_a_metric_can_be(tmp_path):
  text = (
    'title = "mine"\nunit = "steps"\nstudies = 1\nexternal_trials = 1\n'
    'self_tuning_budget = 1\ncounts_compilation = false\nhardware = "any"\n'
    'precision = "float32"\ntau_max = 4.0\nfixed_batch_size = true\n'
    '[workloads.mini_clicks]\nmetric = "loss"\ndirection = "minimize"\n'
    'validation_target = 0.5\ntest_target = 0.5\nbudget = 300\n'
    'eval_period = 10\nstep_hint = 300\n'
  )
  rules = tmp_path / 'mine.toml'
  write(tmp_path / 'tree', 'mini_clicks', [0.69, -0.5])
  rules.write_text(text)
  assert judged(tmp_path / 'tree', 'mini_clicks', str(rules))[0] == np.inf
  free = tmp_path / 'free.toml'
  free.write_text(text + 'metric_range = [-inf, inf]\n')
  assert judged(tmp_path / 'tree', 'mini_clicks', str(free)) == (20, [])
