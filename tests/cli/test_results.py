# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The verdict as text and as JSON, and the commands that print it."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from jaxperf import errors
from jaxperf.cli import results
from jaxperf.records import read
from jaxperf.report import text as text_lib
from jaxperf.scoring import selection, verdict
from tests import result_trees


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def judged(root, **options):
  return verdict.judge(read.results(root), selection.Options(**options))


def command(*arguments):
  parser = argparse.ArgumentParser()
  results.add_parsers(parser.add_subparsers())
  args = parser.parse_args([str(argument) for argument in arguments])
  return args.handler(args)


def test_the_config_says_what_to_score(tmp_path):
  result = judged(result_trees.write_tree(tmp_path))
  assert result.scoring.workloads == tuple(result_trees.CONFIG['workloads'])
  assert result.ruleset == 'self'
  assert result.scores.to_dict() == {
    'fast': 1.0,
    'slow': pytest.approx((2 / 3) / 2),
  }
  assert result.reference == 'slow'


def test_the_headline_says_who_by_how_much_and_how_sure(tmp_path):
  one = text_lib.headline(judged(result_trees.write_tree(tmp_path / 'one')))
  assert one.startswith(
    'fast is first: it reached 2 of 2 targets (slow: 1) and was 2.00 times as '
    'fast where both did.'
  )
  assert 'luck' in one
  three = text_lib.headline(
    judged(result_trees.write_tree(tmp_path / 'three', 3))
  )
  assert 'Chance that it is better: >99%' in three


def test_nothing_reached_is_said_and_does_not_crash(tmp_path):
  result_trees.add_trial(
    tmp_path, 'a', 0, result_trees.CONFORMER, 1, [(1, 5, 0.9)]
  )
  result_trees.add_trial(
    tmp_path, 'b', 0, result_trees.CONFORMER, 1, [(1, 5, 'nan')]
  )
  result_trees.trial_folder(tmp_path, 'c', 0, result_trees.CONFORMER, 1)
  result = judged(tmp_path, rules='v0.5', ruleset='self')
  assert text_lib.headline(result).startswith('No submission reached a target')
  assert 'inf' in text_lib.text(result)
  command('report', tmp_path, '--rules=v0.5', '--ruleset=self')


def test_text_fits_a_hundred_columns(tmp_path):
  result_trees.write_tree(tmp_path, 3)
  for number in range(9):
    copy = tmp_path / f'another_submission_with_a_long_name_{number}'
    shutil.copytree(tmp_path / 'fast', copy)
  text = text_lib.text(judged(tmp_path))
  assert max(map(len, text.split('\n'))) <= 100


def test_json_has_null_for_an_unreached_target(tmp_path, capsys):
  result_trees.write_tree(tmp_path)
  assert command('score', tmp_path, '--format=json') == 0
  content = json.loads(capsys.readouterr().out)
  assert content['scores']['fast'] == 1.0
  assert content['time_to_target']['slow'] == {
    result_trees.CONFORMER: 200.0,
    'librispeech_deepspeech': None,
  }
  assert content['notes'] == []


def test_our_tree_and_the_published_layout_give_the_same_numbers(
  tmp_path, capsys
):
  ours = result_trees.write_tree(tmp_path / 'ours', 2)
  theirs = tmp_path / 'theirs'
  shutil.copytree(ours, theirs)
  (theirs / 'config.json').unlink()
  for path in theirs.rglob('*.json'):
    if path.name != 'hparams.json':
      path.unlink()
  command('score', ours, '--format=csv')
  first = capsys.readouterr().out
  names = ','.join(result_trees.CONFIG['workloads'])
  options = ['--rules=v0.5', '--ruleset=self', f'--workloads={names}']
  command('score', theirs, '--format=csv', *options)
  assert capsys.readouterr().out == first


def test_compilation_is_taken_off_the_clock_that_counts_it(tmp_path):
  root = result_trees.write_tree(tmp_path)
  for path in root.rglob('eval_measurements.csv'):
    seconds = '70' if 'slow' in str(path) else '0'
    lines = path.read_text().splitlines()
    column = [lines[0] + ',accumulated_compile_time']
    rows = [f'{line},{seconds}' for line in lines[1:]]
    path.write_text('\n'.join(column + rows) + '\n')
  others = judged(root).other_scores
  assert list(others) == ['steps', 'seconds without compilation']
  # 200 s, of which 70 s compilation, against 100 s: a ratio of 1.3.
  slow = others.loc['slow', 'seconds without compilation']
  assert slow == pytest.approx((4 - 1.3) / 3 / 2)


def test_steps_can_replace_seconds(tmp_path):
  result = judged(result_trees.write_tree(tmp_path), unit='steps')
  assert result.times.loc['slow', result_trees.CONFORMER] == 100
  assert result.other_scores.loc['slow', 'seconds'] == pytest.approx(
    (2 / 3) / 2
  )


def test_a_submission_that_ran_only_something_else_scores_nothing(tmp_path):
  result_trees.write_tree(tmp_path, 2)
  result_trees.add_trial(tmp_path, 'third', 0, 'wmt', 1, [(1, 5, 0.9)])
  result = judged(tmp_path)
  assert result.scores['third'] == 0
  assert 'third' in text_lib.text(result)


def test_what_was_not_run_has_reached_nothing(tmp_path):
  result_trees.write_tree(tmp_path)
  rows = [(1, 5, 0.9), (100, 100, 0.08)]
  result_trees.add_trial(tmp_path, 'third', 0, result_trees.CONFORMER, 1, rows)
  closest = text_lib.text(judged(tmp_path)).split('How close')[1]
  line = next(x for x in closest.splitlines() if 'deepspeech' in x)
  assert line.split()[-3:] == ['reached', '-', '0.9']  # fast, third, slow.


def test_strange_records_do_not_crash(tmp_path):
  result_trees.write_tree(tmp_path, 2)
  result_trees.add_trial(
    tmp_path,
    'third',
    0,
    result_trees.CONFORMER,
    1,
    [(1, 5, 0.9)],
    hparams={'learning_rate': [1, 2]},
    result={'outcome': ['x'], 'message': 3, 'buckets': 'none'},
    environment={'cpu_model_name': {}, 'jax_version': []},
  )
  assert 'third' in text_lib.text(judged(tmp_path))
  assert command('report', tmp_path) == 0


def test_strict_turns_the_first_problem_into_an_error(tmp_path):
  result_trees.write_tree(tmp_path)
  with pytest.raises(errors.UserError, match='--strict: scored on 2 workloads'):
    command('score', tmp_path, '--strict')


def test_warnings_name_outcomes_hardware_and_missing_runs(tmp_path):
  result_trees.write_tree(tmp_path)
  result_trees.add_trial(
    tmp_path,
    'third',
    0,
    result_trees.CONFORMER,
    1,
    [(1, 5, 'nan')],
    result={'outcome': 'diverged'},
    environment={'gpu_model_name': 'V100', 'gpu_count': 8},
  )
  warnings = '\n'.join(judged(tmp_path).warnings)
  assert '1 trial diverged: third/study_0' in warnings
  assert 'mixed hardware' in warnings
  assert '8x V100' in warnings
  assert 'third was not run on librispeech_deepspeech' in warnings
  assert '1 study everywhere; rules v0.5 ask for 5' in warnings


def test_a_file_without_the_target_metric_is_named(tmp_path):
  result_trees.write_tree(tmp_path)
  path = result_trees.add_trial(
    tmp_path, 'third', 0, result_trees.CONFORMER, 1, [(1, 5, 0.9)]
  )
  path.write_text(path.read_text().replace('validation/wer', 'validation/cer'))
  notes = [str(note) for note in judged(tmp_path).notes]
  assert notes == [
    'third/study_0/librispeech_conformer_jax/trial_1/eval_measurements.csv: '
    'no finite validation/wer: an infinite trial'
  ]


def test_studies_of_two_frameworks_are_warned_of(tmp_path):
  result_trees.write_tree(tmp_path, 2)
  folder = tmp_path / 'slow' / 'study_1'
  (folder / f'{result_trees.CONFORMER}_jax').rename(
    folder / f'{result_trees.CONFORMER}_pytorch'
  )
  (warning,) = [w for w in judged(tmp_path).warnings if 'mixes' in w]
  assert warning == (
    'the studies of slow on librispeech_conformer are of jax and pytorch: '
    'their median mixes them.'
  )


def test_a_name_that_is_not_utf8_can_be_given_as_it_is(tmp_path, capsys):
  result_trees.write_tree(tmp_path)
  name = os.fsdecode(b'caf\xe9')
  (tmp_path / 'slow').rename(tmp_path / name)
  command('compare', tmp_path, 'fast', name, f'--submissions={name},fast')
  assert r'long as caf\xe9' in capsys.readouterr().out
  assert judged(tmp_path, reference=name).reference == r'caf\xe9'


def test_a_comparison_shows_what_was_skipped(tmp_path, capsys):
  result_trees.write_tree(tmp_path)
  path = next(tmp_path.glob('fast/**/eval_measurements.csv'))
  path.write_text(path.read_text() + 'x\n')
  command('compare', tmp_path, 'fast', 'slow')
  out = ' '.join(capsys.readouterr().out.split())
  assert ':4: not 10 numbers: line skipped' in out


def test_names_are_printed_in_any_locale(tmp_path):
  result_trees.write_tree(tmp_path)
  (tmp_path / 'slow').rename(tmp_path / 'lent·日本')
  run = subprocess.run(
    [sys.executable, '-m', 'jaxperf', 'score', tmp_path],
    capture_output=True,
    env=os.environ
    | {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'},
  )
  assert run.returncode == 0, run.stderr
  assert rb'lent\xb7\u65e5\u672c' in run.stdout


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'workloads': ['wtm']}, "did you mean 'wmt'"),
    ({'workloads': ['wmt']}, 'nothing here is scored'),
    ({'submissions': ['fasd']}, "did you mean 'fast'"),
    ({'reference': 'fasd'}, "did you mean 'fast'"),
    ({'rules': 'v0.7'}, 'not found'),
    ({'unit': 'steps', 'against': 'v0.5'}, 'nothing here compares'),
  ],
)
def test_a_wrong_option_is_explained(tmp_path, options, message):
  result_trees.write_tree(tmp_path)
  with pytest.raises(errors.UserError, match=message):
    judged(tmp_path, **options)


def test_a_tree_without_config_needs_rules(tmp_path):
  result_trees.write_tree(tmp_path)
  (tmp_path / 'config.json').unlink()
  with pytest.raises(errors.UserError, match='give --rules'):
    judged(tmp_path)
  with pytest.raises(errors.UserError, match='give --ruleset'):
    judged(tmp_path, rules='v0.5')


def test_results_can_be_placed_among_published_ones(tmp_path, capsys):
  result_trees.write_tree(tmp_path, 2)
  command('score', tmp_path, '--against=v0.5')
  text = capsys.readouterr().out
  assert 'schedule_free_adamw (published)' in text
  assert '8x NVIDIA V100' in text
  assert 'inf' in text


def test_a_comparison_names_both_and_the_test(tmp_path, capsys):
  result_trees.write_tree(tmp_path, 3)
  command('compare', tmp_path, 'fast', 'slow')
  text = capsys.readouterr().out
  assert 'fast was faster in 6 of 6 decided pairs' in text
  assert 'p = 0.031' in text
  assert 'it takes 0.50 times as long as slow' in text


def test_the_leaderboard_prints_published_scores_source_and_trademark(capsys):
  command('leaderboard', 'v0.5', '--ruleset=self')
  text = capsys.readouterr().out
  assert re.search(r'schedule_free_adamw +1 +0.8542 +0.8542', text)
  assert 'MLCommons under the' in text
  assert 'Unofficial' in text
  command('leaderboard', 'v0.5', '--format=json')
  scores = json.loads(capsys.readouterr().out)['scores']
  assert round(scores['shampoo_submission'], 4) == 0.7784


def test_nothing_that_reads_results_imports_jax():
  code = (
    'import importlib, pkgutil, sys\n'
    'import jaxperf.records, jaxperf.report, jaxperf.scoring\n'
    'for room in (jaxperf.records, jaxperf.report, jaxperf.scoring):\n'
    '  names = pkgutil.walk_packages(room.__path__, f"{room.__name__}.")\n'
    '  for name in [found.name for found in names]:\n'
    '    importlib.import_module(name)\n'
    'import jaxperf.cli.results, jaxperf.rules, jaxperf.text\n'
    'print(any(m in sys.modules for m in ("jax", "flax", "optax", "orbax")))'
  )
  run = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  assert run.stdout.strip() == 'False'


def test_registering_the_commands_is_cheap():
  code = (
    'import argparse, sys\nfrom jaxperf.cli import results\n'
    'results.add_parsers(argparse.ArgumentParser().add_subparsers())\n'
    'print(any(m in sys.modules for m in ("pandas", "numpy", "matplotlib")))'
  )
  run = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  assert run.stdout.strip() == 'False'
