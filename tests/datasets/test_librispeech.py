# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Speech, from flac files to batches, against the benchmark's own batches."""

import hashlib
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from jaxperf import errors, prepared
from jaxperf.cli import main
from jaxperf.datasets import check as check_lib
from tests import speech_files
from workloads import tokenizers
from workloads.librispeech import flac, streams, utterances

ROOT = pathlib.Path(__file__).parents[2]
EXPECTED = speech_files.expected()
SPLITS = tuple(speech_files.SPLITS)


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
  """Prepared from what an AlgoPerf installation has."""
  path = tmp_path_factory.mktemp('installed')
  raw = speech_files.installed(path / 'raw')
  speech_files.prepared(path, raw)
  return path


@pytest.fixture(scope='module')
def archives(tmp_path_factory):
  return speech_files.packed(tmp_path_factory.mktemp('archives'))


def same(folder, other):
  first, second = (
    speech_files.contents(p / 'librispeech') for p in (folder, other)
  )
  return first == second


def evaluated(folder, split, batch_size):
  data, _ = streams.prepared(None, folder)
  return list(data.evaluation(split, batch_size))


@pytest.mark.parametrize('form', ['raw', 'installed'])
@pytest.mark.parametrize('split', SPLITS)
def test_batches_are_those_of_the_benchmark(
  speech_data, installed, split, form
):
  folder = {'raw': speech_data, 'installed': installed}[form]
  wanted = speech_files.expected_batches(split)
  found = evaluated(folder, split, len(wanted[0][0]))
  for batch, arrays in zip(found, wanted, strict=True):
    real = len(arrays[0])
    pairs = zip((*batch['inputs'], *batch['targets']), arrays, strict=True)
    for mine, theirs in pairs:
      np.testing.assert_array_equal(mine[:real], theirs, strict=True)
      assert not mine[real:].any()
      assert mine.dtype == np.float32
    weights = batch['weights']
    assert weights.tolist() == [1] * real + [0] * (len(weights) - real)


def test_utterances_are_in_the_order_of_the_benchmark(speech_data, installed):
  for folder in (speech_data, installed):
    splits = utterances.open_splits(folder)
    for split in SPLITS:
      speech = getattr(splits, split)
      found = utterances.rows(
        folder / 'librispeech', speech, range(len(speech.kept))
      )
      names = [f'{subset}/{row.id}' for subset, row in found]
      assert names == speech_files.ids(split)


def test_what_is_dropped_is_what_the_benchmark_drops(speech_data):
  folder = speech_data / 'librispeech'
  files = {file.name: file for file in prepared.load(folder).files}
  for subset, row in EXPECTED['subsets'].items():
    counts = files[utterances.kept_name(subset)].counts
    assert (counts['raw'], counts['kept']) == (row['raw'], row['kept'])
    assert counts['samples'] == row['samples_kept']
    table = list(utterances.read_table(folder / utterances.table_name(subset)))
    for reason, key in (
      ('text', 'dropped_text_over_256'),
      ('audio', 'dropped_audio_over_320000'),
    ):
      assert [u.id for u in table if u.dropped == reason] == row[key]
      assert counts[reason] == len(row[key])


def test_flac_files_hold_the_hash_of_their_samples():
  for path in sorted(speech_files.RAW.rglob('*.flac')):
    content = path.read_bytes()
    header = flac.header(content, str(path))
    assert len(header.md5) == 32
    samples = flac.decode(content, header, str(path), 'again')
    assert (samples.dtype, len(samples)) == (np.int16, header.samples)


def test_labels_stand_for_the_transcripts(speech_data):
  splits = utterances.open_splits(speech_data)
  assert (
    splits.tokenizer.pieces_sha256 == EXPECTED['tokenizer']['pieces_sha256']
  )
  folder, speech = speech_data / 'librispeech', splits.train
  rows = utterances.rows(folder, speech, range(len(speech.kept)))
  for kept, (_, row) in zip(speech.kept, rows, strict=True):
    first, count = int(kept['label']), int(kept['labels'])
    coded = speech.labels[first : first + count].tolist()
    assert splits.tokenizer.decode(coded) == row.text
    assert coded[-1] == 2


def test_the_manifest_describes_every_file(speech_data):
  folder = speech_data / 'librispeech'
  files = prepared.load(folder).files
  there = {p.name for p in folder.iterdir() if p.is_file()}
  assert there == {file.name for file in files} | {'manifest.json'}
  for file in files:
    content = (folder / file.name).read_bytes()
    assert file.bytes == len(content)
    assert file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize('workers', [1, 2])
def test_archives_and_processes_do_not_change_a_byte(
  speech_data, archives, tmp_path, workers
):
  made = speech_files.dataset(archives)
  speech_files.prepared(tmp_path, archives, made, workers)
  assert same(tmp_path, speech_data)
  assert 'already' in speech_files.prepared(tmp_path, archives, made)


def test_the_folder_itself_and_large_shards_give_the_same_batches(
  speech_data, tmp_path
):
  made = speech_files.dataset(shard=2_048)
  speech_files.prepared(tmp_path, speech_files.RAW / 'LibriSpeech', made)
  assert len(list(tmp_path.rglob('*.pcm'))) == len(EXPECTED['subsets'])
  one, two = (evaluated(x, 'train', 5) for x in (speech_data, tmp_path))
  for a, b in zip(one, two, strict=True):
    for x, y in zip(a['inputs'] + a['targets'], b['inputs'] + b['targets']):
      np.testing.assert_array_equal(x, y)


def test_a_tokenizer_is_trained_on_the_first_subset(tmp_path):
  texts = [
    line.strip().partition(' ')[2]
    for path in sorted(
      (speech_files.RAW / 'LibriSpeech/train-clean-100').rglob('*.trans.txt'),
      key=lambda path: path.parts[-3:],
    )
    for line in path.read_text().splitlines()
  ]
  size = len(set(''.join(texts))) + 10
  made = speech_files.dataset(vocabulary=size)
  for name in ('one', 'two'):
    speech_files.prepared(tmp_path / name, made=made, tokenizer=None)
  tokenizers.train(texts, size, tmp_path / 'wanted')
  for name in ('one', 'two'):
    path = tmp_path / name / 'librispeech' / utterances.TOKENIZER
    assert path.read_bytes() == (tmp_path / 'wanted').read_bytes()


def test_another_tokenizer_needs_no_new_decoding(speech_data, tmp_path):
  made = speech_files.dataset()
  other = tmp_path / 'other.model'
  lines = (speech_files.RAW / 'transcripts').rglob('*.trans.txt')
  texts = [line for path in lines for line in path.read_text().splitlines()]
  tokenizers.train(texts, EXPECTED['tokenizer']['vocab_size'], other)
  speech_files.prepared(tmp_path, made=made, tokenizer=str(other))
  times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.pcm')}
  with pytest.raises(errors.UserError, match='remove its manifest'):
    speech_files.prepared(tmp_path, made=made)
  (tmp_path / 'librispeech' / 'manifest.json').unlink()
  speech_files.prepared(tmp_path, made=made)
  assert same(tmp_path, speech_data)
  assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.pcm')} == times


def test_finished_shards_are_not_made_again(speech_data, archives, tmp_path):
  made = speech_files.dataset(archives)
  speech_files.prepared(tmp_path, archives, made)
  times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.pcm')}
  subset = 'train-clean-100'
  number = max(p for p in times if p.name.startswith(subset))
  number.unlink()  # The last of them in the journal, or after others.
  speech_files.prepared(tmp_path, archives, made)
  assert same(tmp_path, speech_data)
  changed = [p for p, t in times.items() if p.stat().st_mtime_ns != t]
  assert number in changed
  assert all(p.name.startswith(subset) for p in changed)


def _start(raw, folder, workers: int) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, '-m', 'tests.speech_files', raw, folder, str(workers)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.DEVNULL,
  )


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(2, 1)]
  + [pytest.param(20, workers, marks=pytest.mark.slow) for workers in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  speech_data, archives, tmp_path, kills, workers
):
  to, rng = tmp_path / 'to', random.Random(kills + workers)
  total = len(speech_files.contents(speech_data / 'librispeech')) - 2
  for files in sorted(rng.randrange(total) for _ in range(kills)):
    process = _start(archives, to, workers)
    while process.poll() is None:
      done = [p for p in to.rglob('*.*') if p.suffix not in ('.part', '.jsonl')]
      if len(done) >= files:
        break
    time.sleep(rng.random() * 0.01)  # While a file is written, or renamed.
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not prepared.is_complete(to / 'librispeech'):
      with pytest.raises(errors.UserError, match=r'not finished|no prepared'):
        prepared.load(to / 'librispeech')
  assert _start(archives, to, workers).wait() == 0
  assert same(to, speech_data)


def checked(folder, deep=False, made=None):
  lines = []
  made = made or speech_files.dataset()
  fine = check_lib.run(made, folder / 'librispeech', deep, lines.append)
  assert fine == all(line.startswith('ok ') for line in lines)
  return lines


def test_a_check_reads_a_sample_and_writes_nothing(speech_data):
  before = {p: p.stat().st_mtime_ns for p in speech_data.rglob('*')}
  lines = checked(speech_data, deep=True)
  assert all(line.startswith('ok ') for line in lines), lines
  kept = sum(row['kept'] for row in EXPECTED['subsets'].values())
  assert any(f'sample: {kept} utterances compared' in x for x in lines)
  assert any('random utterances/s' in line for line in lines)
  for split in ('validation', 'test'):
    first = speech_files.ids(split)[0].partition('/')[2]
    assert any(f'row 0, {first}, is ' in line for line in lines)
  assert any('OPEN SOURCE ROCKS' in line for line in lines)
  assert {p: p.stat().st_mtime_ns for p in speech_data.rglob('*')} == before


def test_a_check_compares_the_counts(speech_data):
  made = speech_files.dataset()
  published = made.check.args[0]
  row = published.archives['dev-clean']
  more = row._replace(utterances=row.utterances + 1)
  changed = {**published.archives, 'dev-clean': more}
  lines = checked(speech_data, made=speech_files.dataset(archives=changed))
  said = f'dev-clean: {row.utterances} raw utterances, published'
  assert any(said in line for line in lines)
  kept = {split: count + 5 for split, count in published.kept.items()}
  lines = checked(speech_data, made=speech_files.dataset(kept=kept))
  assert sum('note: the ' in line for line in lines) == len(SPLITS)
  assert all(line.startswith('ok ') for line in lines)


def test_the_commands_end_with_their_codes(tmp_path, capsys):
  options = ('--counts=any', f'--tokenizer={speech_files.TOKENIZER}')
  prepare = (
    *('data', 'prepare', 'librispeech', f'--raw={speech_files.RAW}'),
    f'--to={tmp_path}',
  )
  assert main.main((*prepare, options[1], '--subsets=dev-clean')) == 2
  assert 'expected 2,703' in capsys.readouterr().err
  assert main.main((*prepare, *options)) == 0
  count = len(speech_files.ids('train'))
  assert f'{count} train' in capsys.readouterr().out
  check = ('data', 'check', 'librispeech', f'--data-dir={tmp_path}', '--deep')
  assert main.main(check) == 0
  assert 'BAD' not in capsys.readouterr().out
  assert main.main(('data', 'list', f'--data-dir={tmp_path}')) == 0
  assert 'CC BY 4.0' in capsys.readouterr().out


def test_preparing_in_processes_needs_no_jax():
  script = (
    'import sys; from workloads.librispeech import prepare; print([m for m in '
    '("jax", "pandas", "flax", "sentencepiece", "soundfile", "tensorflow") '
    'if m in sys.modules])'
  )
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert json.loads(out.stdout) == []


def test_the_original_counts_are_those_of_the_benchmark():
  from workloads.librispeech import check, data

  about, kept = data.LIBRISPEECH, check.PUBLISHED.kept
  assert kept == {
    'train': about.num_train,
    'validation': about.num_validation,
    'test': about.num_test,
  }
  assert list(check.PUBLISHED.archives) == list(
    itertools.chain(*utterances.SUBSETS.values())
  )
