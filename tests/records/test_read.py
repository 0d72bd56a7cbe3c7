# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reading trees of results, good and damaged."""

import csv
import gzip
import io
import os
import pathlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from jaxperf import errors
from jaxperf.records import claims, parse, read
from tests import result_trees

LOGS = os.environ.get('JAXPERF_ALGOPERF_LOGS')
CONFORMER = 'librispeech_conformer'
ROWS = [(1, 10.0, 1.0), (100, 60.0, 0.2), (200, 110.0, 0.08)]


def notes_of(results):
  return [str(note) for note in results.notes]


def test_a_tree_becomes_one_row_per_evaluation(tmp_path):
  result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  result_trees.add_trial(
    tmp_path, 'sgd', 2, 'ogbg_gelu', 10, ROWS[:1], framework='pytorch'
  )
  results = read.results(tmp_path)
  assert results.evaluations['submission'].tolist() == ['adam'] * 3 + ['sgd']
  assert results.evaluations['step'].tolist() == [1, 100, 200, 1]
  assert results.evaluations['submission_s'].tolist() == [10, 60, 110, 10]
  assert results.evaluations['validation/wer'].tolist() == [1, 0.2, 0.08, 1]
  last = results.trials.iloc[1]
  assert (last['workload'], last['framework']) == ('ogbg_gelu', 'pytorch')
  assert (last['study'], last['trial'], last['evaluations']) == (2, 10, 1)
  assert results.notes == []


def test_an_unreadable_folder_is_noted_and_the_rest_is_read(
  tmp_path, monkeypatch
):
  result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  result_trees.add_trial(tmp_path, 'sgd', 0, CONFORMER, 1, ROWS)
  closed, listdir = tmp_path / 'sgd', os.listdir

  def listdir_as_another_user(path):
    if pathlib.Path(path) == closed:
      raise PermissionError(13, 'Permission denied', str(path))
    return listdir(path)

  monkeypatch.setattr(os, 'listdir', listdir_as_another_user)
  results = read.results(tmp_path)
  assert results.trials['submission'].tolist() == ['adam']
  assert any('Permission denied' in note for note in notes_of(results))


def test_outcome_hardware_and_config_are_read_from_our_own_trees(tmp_path):
  result_trees.add_trial(
    tmp_path,
    'adam',
    0,
    CONFORMER,
    1,
    ROWS,
    result={'outcome': 'reached', 'message': None, 'preemption_count': 2},
    environment={'cpu_model_name': 'X', 'cpu_count': 2, 'jax_version': '0.10'},
    hparams={'learning_rate': 0.1},
  )
  (tmp_path / 'config.json').write_text('{"rules": "mini"}')
  results = read.results(tmp_path)
  trial = results.trials.iloc[0]
  assert (trial['outcome'], trial['preemptions']) == ('reached', 2)
  assert trial['hardware'] == 'X, 2 cores'
  assert results.config == {'rules': 'mini'}
  points = read.hyperparameters(tmp_path, results.trials)
  assert points['learning_rate'].tolist() == [0.1]


def test_irregular_folders_are_skipped_with_one_note_each(tmp_path):
  result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  result_trees.add_trial(
    tmp_path, 'adam', 0, CONFORMER, 1, ROWS, framework='pytorch'
  )
  study = tmp_path / 'adam' / 'study_0'
  (study / 'trial_3').mkdir()
  (study / 'fastmri_pytorch').mkdir()
  (study / 'wmt_jax' / 'trial_x').mkdir(parents=True)
  (tmp_path / 'plots').mkdir()
  result_trees.trial_folder(tmp_path, 'adam', 1, CONFORMER, 1)
  results = read.results(tmp_path)
  assert len(results.trials) == 2
  assert sorted(notes_of(results)) == [
    'adam/study_0/fastmri_pytorch: no trial_J folder in it: not a study',
    'adam/study_0/librispeech_conformer_pytorch/trial_1: duplicate of '
    'adam/study_0/librispeech_conformer_jax/trial_1: skipped',
    'adam/study_0/trial_3: a trial folder one level too high: skipped',
    'adam/study_0/wmt_jax/trial_x: not named trial_<number>: skipped',
    'adam/study_0/wmt_jax: no trial_J folder in it: not a study',
    'adam/study_1/librispeech_conformer_jax/trial_1: no '
    'eval_measurements.csv: an infinite trial',
    'plots: no study_K folder in it: skipped',
  ]


def test_a_second_framework_in_a_study_is_neither_mixed_nor_dropped_silently(
  tmp_path,
):
  result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  for trial in (1, 2):
    result_trees.add_trial(
      tmp_path, 'adam', 0, CONFORMER, trial, ROWS, framework='pytorch'
    )
  results = read.results(tmp_path)
  study = 'adam/study_0/librispeech_conformer'
  assert results.trials['path'].tolist() == [f'{study}_jax/trial_1']
  assert notes_of(results) == [
    f'{study}_pytorch/trial_1: duplicate of {study}_jax/trial_1: skipped',
    f'{study}_pytorch/trial_2: this study has {study}_jax for the same '
    'workload: skipped',
  ]


def note_of_second(root, folder):
  """The note about a second folder of a trial, which is not read."""
  result_trees.add_trial(root, 'adam', 0, CONFORMER, 1, ROWS)
  (root / folder).mkdir(parents=True)
  result_trees.write_trial(root / folder, ROWS)
  results = read.results(root)
  assert len(results.trials) == 1
  (note,) = notes_of(results)
  return note


@pytest.mark.parametrize(
  'folder',
  [
    'adam/study_00/librispeech_conformer_jax/trial_1',
    'adam/study_0/librispeech_conformer_jax/trial_01',
    'adam/study_0/librispeech_conformer/trial_1',
  ],
)
def test_two_folders_of_one_number_are_not_mixed(tmp_path, folder):
  assert 'duplicate of adam' in note_of_second(tmp_path, folder)


@pytest.mark.parametrize(
  'folder',
  [
    '.sgd/study_0/librispeech_conformer_jax/trial_1',
    'adam/.study_1/librispeech_conformer_jax/trial_1',
    'adam/study_0/.ogbg_jax/trial_1',
    'adam/study_0/librispeech_conformer_jax/.trial_2',
    'adam/Study_1/librispeech_conformer_jax/trial_1',
    'adam/study_0/librispeech_conformer_jax/trial2',
  ],
)
def test_results_in_folders_of_another_name_are_noted(tmp_path, folder):
  for other in ('.git', 'adam/.git', 'adam/study_0/.git'):
    (tmp_path / other).mkdir(parents=True)
  note = note_of_second(tmp_path, folder)
  assert folder.startswith(note.split(':')[0])


def test_a_tree_of_nothing_but_dot_folders_is_named_for_that(tmp_path):
  result_trees.add_trial(tmp_path, '.adam', 0, CONFORMER, 1, ROWS)
  with pytest.raises(errors.UserError, match=r'\.adam: begins with a dot'):
    read.results(tmp_path)


def test_names_that_are_not_utf8_are_read_and_shown_with_escapes(tmp_path):
  name = os.fsdecode(b'caf\xe9')
  result_trees.add_trial(
    tmp_path, name, 0, CONFORMER, 1, ROWS, hparams={'decay': 0.5}
  )
  result_trees.add_trial(tmp_path, 'a\nb', 0, CONFORMER, 1, [])
  results = read.results(tmp_path)
  assert results.trials['submission'].tolist() == [r'a\nb', r'caf\xe9']
  assert results.evaluations['submission'].unique().tolist() == [r'caf\xe9']
  points = read.hyperparameters(tmp_path, results.trials)
  assert points['decay'].tolist()[1] == 0.5
  (note,) = notes_of(results)
  assert note.startswith(r'a\nb/study_0/')


def test_two_names_that_look_the_same_are_not_mixed(tmp_path):
  for name in (os.fsdecode(b'caf\xe9'), r'caf\xe9'):
    result_trees.add_trial(tmp_path, name, 0, CONFORMER, 1, ROWS)
  results = read.results(tmp_path)
  assert len(results.trials) == 1
  assert 'duplicate of' in notes_of(results)[0]


def test_a_compressed_file_is_read_under_the_name_that_gzip_gives_it(tmp_path):
  path = result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  packed = path.with_name('eval_measurements.csv.gz')
  packed.write_bytes(gzip.compress(path.read_bytes()))
  both = read.results(tmp_path)
  assert len(both.evaluations) == 3
  assert notes_of(both) == [
    'adam/study_0/librispeech_conformer_jax/trial_1/eval_measurements.csv.gz: '
    'beside eval_measurements.csv: ignored'
  ]
  path.unlink()
  only = read.results(tmp_path)
  assert only.notes == []
  assert only.evaluations['step'].tolist() == [1, 100, 200]


@pytest.mark.parametrize(
  ('damage', 'steps', 'note'),
  [
    (lambda lines: [], [], 'empty file'),
    (lambda lines: lines[:1], [], 'a header and no evaluation'),
    (lambda lines: ['a,b', *lines[1:]], [], ':1: no column global_step'),
    (lambda lines: [*lines[:2], 'x' * 9, lines[3]], [1, 200], ':3: not 10'),
    (lambda lines: [*lines[:3], lines[3][:-9]], [1, 100], ':4: not 10'),
    (lambda lines: [*lines[:3], lines[3].replace('200', '-2')], [1, 100], ':4'),
    (
      lambda lines: [*lines[:3], lines[1].replace('10', '5')],
      [1],
      'done again',
    ),
    (lambda lines: [*lines, lines[3].replace('200', '150')], [1, 100, 200], ''),
    (lambda lines: [lines[0], '\0\xff,\x01', *lines[1:]], [1, 100, 200], ':2'),
  ],
)
def test_damage_costs_only_the_damaged_lines(tmp_path, damage, steps, note):
  path = result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  good = result_trees.add_trial(tmp_path, 'adam', 1, CONFORMER, 1, ROWS)
  lines = path.read_text().splitlines()
  damaged = damage(lines)
  path.write_text(''.join(line + '\n' for line in damaged))
  results = read.results(tmp_path)
  rows = results.evaluations
  assert rows.loc[rows['run'] == 0, 'step'].tolist() == steps
  assert rows.loc[rows['run'] == 1, 'step'].tolist() == [1, 100, 200]
  assert good.exists()
  assert any(
    text.startswith('adam/study_0') and note in text
    for text in notes_of(results)
  )


def test_half_a_last_line_does_not_count_while_the_trial_is_written(tmp_path):
  path = result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  path.write_text(path.read_text().removesuffix('8\n'))  # 0.08 became 0.0
  lock = claims.Claim(path.parent)
  results = read.results(tmp_path)
  assert results.evaluations['validation/wer'].tolist() == [1, 0.2]
  assert 'eval_measurements.csv:4: line without an end' in notes_of(results)[0]
  lock.release()
  path.with_name('progress.json').write_text('{}')  # Killed: it can go on.
  assert len(read.results(tmp_path).evaluations) == 2


@pytest.mark.parametrize('result', [None, {'outcome': 'reached'}])
def test_a_whole_last_line_without_an_end_counts(tmp_path, result):
  path = result_trees.add_trial(
    tmp_path, 'adam', 0, CONFORMER, 1, ROWS, result=result
  )
  path.write_text(path.read_text().removesuffix('\n'))
  results = read.results(tmp_path)
  assert results.evaluations['validation/wer'].tolist() == [1, 0.2, 0.08]
  assert notes_of(results) == [
    'adam/study_0/librispeech_conformer_jax/trial_1/eval_measurements.csv:4: '
    'line without an end: complete, so it counts'
  ]


def test_a_resumed_run_replaces_the_work_that_was_lost(tmp_path):
  rows = [(1, 10, 1), (100, 60, 0.2), (200, 110, 0.1), (100, 61, 0.3)]
  result_trees.add_trial(
    tmp_path, 'adam', 0, CONFORMER, 1, [*rows, (200, 115, 0.09)]
  )
  results = read.results(tmp_path)
  assert results.evaluations['submission_s'].tolist() == [10, 60, 61, 115]
  assert results.evaluations['validation/wer'].tolist() == [1, 0.2, 0.3, 0.09]


@pytest.mark.parametrize(
  ('level', 'message'),
  [
    ('missing', 'no such folder'),
    ('file', 'is a file'),
    ('empty', 'holds no results'),
    ('.', 'one level too high; give one of'),
    ('root/adam', 'folder of one submission'),
    ('root/adam/study_0', 'folder of one study'),
    ('root/adam/study_0/wmt_jax', 'folder of one workload'),
    ('root/adam/study_0/wmt_jax/trial_1', 'folder of one trial'),
  ],
)
def test_a_wrong_folder_is_named_for_what_it_is(tmp_path, level, message):
  result_trees.add_trial(tmp_path / 'root', 'adam', 0, 'wmt', 1, ROWS)
  (tmp_path / 'file').write_text('')
  (tmp_path / 'empty').mkdir()
  with pytest.raises(errors.UserError, match=message):
    read.results(tmp_path / level)


def test_line_by_line_and_together_give_the_same_numbers(tmp_path):
  path = result_trees.add_trial(tmp_path, 'adam', 0, CONFORMER, 1, ROWS)
  content = path.read_bytes().replace(b'0.2', b'0.123456789012345678')
  quick, _ = parse.evaluations({0: ('a', content)})
  careful, notes = parse.evaluations(
    {0: ('a', content.replace(b'\n', b'\r\n'))}
  )
  assert notes == []
  for name in quick:
    np.testing.assert_array_equal(quick[name], careful[name])


def test_a_header_that_values_have_run_into_is_refused():
  # The first name is lost, and a value stands in for it: each column would be
  # read as its neighbour.
  _, *names = result_trees.HEADER.split(',')
  lines = [','.join([*names, '0.5']), result_trees.row(1, 10.0, 0.9), '']
  rows, notes = parse.evaluations({0: ('a', '\n'.join(lines).encode())})
  assert rows.empty
  assert [str(note) for note in notes] == [
    "a:1: the value '0.5' in the header: file skipped"
  ]


@pytest.mark.parametrize(
  ('whole', 'cut', 'count', 'note'),
  [
    (
      'preemption_count',
      'p,reemption_count',
      0,
      "a:1: 'reemption_count', a piece of preemption_count, in the header: "
      'file skipped',
    ),
    (
      'test/wer',
      'test,wer',
      1,
      'a: no column accumulated_eval_time: if its name was lost, others have '
      'moved',
    ),
  ],
)
def test_names_that_may_have_moved_are_told(whole, cut, count, note):
  # The first name is lost, and a comma cuts another one in two.
  header = result_trees.HEADER.replace('accumulated_eval_time,', '')
  header = header.replace(whole, cut, 1)
  content = f'{header}\n{result_trees.row(1, 10.0, 0.9)}\n'
  rows, notes = parse.evaluations({0: ('a', content.encode())})
  assert len(rows) == count
  assert [str(n) for n in notes] == [note]


CUTS = st.lists(
  st.tuples(st.integers(0, 500), st.integers(0, 40), st.binary(max_size=9)),
  min_size=1,
  max_size=3,
)


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.example([[(0, 0, b'')]] * 4 + [[(147, 40, b''), (0, 22, b'')]], 2)
@hypothesis.example([[(0, 0, b'')]] * 4 + [[(0, 22, b''), (66, 0, b',')]], 2)
@hypothesis.given(st.lists(CUTS, min_size=5, max_size=10), st.integers(0, 6))
def test_no_damage_crashes_the_reader_or_hides_a_good_line(damages, rows):
  lines = [result_trees.HEADER]
  lines += [result_trees.row(i, 10.0 * i, 1 / (1 + i)) for i in range(rows)]
  good = ''.join(line + '\n' for line in lines).encode()
  files = {0: ('good', good)}
  for number, cuts in enumerate(damages, 1):
    bad = good
    for start, length, insert in cuts:
      bad = bad[:start] + insert + bad[start + length :]
    files[number] = (f'bad{number}', bad)
  rows_read, notes = parse.evaluations(files)
  assert rows_read.loc[rows_read['run'] == 0, 'step'].tolist() == list(
    range(rows)
  )
  noted = {note.where for note in notes}
  for run, (name, content) in files.items():
    kept = set(rows_read.loc[rows_read['run'] == run, 'step'])
    for number, line in enumerate(content.split(b'\n')[:-1], 1):
      if line.decode('latin-1') in lines[1:]:
        step = float(line.split(b',')[3])
        named = {name, f'{name}:1', f'{name}:{number}'} & noted
        assert step in kept or named, (name, number)


if LOGS:

  @pytest.mark.parametrize('tuning', ['self_tuning', 'external_tuning'])
  def test_every_published_evaluation_is_read(tuning):
    root = pathlib.Path(LOGS, tuning)
    results = read.results(root)
    expected = {}
    for path in root.glob('*/study_*/*/trial_*/eval_measurements.csv'):
      rows = list(csv.DictReader(io.StringIO(path.read_text())))
      expected[str(path.parent.relative_to(root))] = len(rows)
    counts = results.trials.set_index('path')['evaluations']
    assert counts[counts > 0].to_dict() == expected
