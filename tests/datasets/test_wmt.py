# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sentence pairs, from archives to ids, against the benchmark's own ids."""

import importlib.metadata
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest

from jaxperf import errors, prepared
from jaxperf.cli import main
from jaxperf.datasets import built as built_lib
from jaxperf.datasets import check as check_lib
from jaxperf.datasets import prepare as prepare_lib
from tests import sentence_pairs
from workloads import tokenizers
from workloads.wmt import check, packing, texts, tokens
from workloads.wmt import workload as workload_lib

ROOT = pathlib.Path(__file__).parents[2]
EXPECTED = sentence_pairs.expected()
SPLITS = sentence_pairs.SPLITS
TOKENIZER = EXPECTED['tokenizer']
MODEL = str(sentence_pairs.MODEL)
# Between equally likely segmentations the trainer's own tool may take another.
TIES = 0.002


@pytest.fixture(scope='module')
def there():
  """The data sets that builders have made."""
  return texts.find(sentence_pairs.BUILT)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  """Prepared data with a tokenizer of its own."""
  path = tmp_path_factory.mktemp('trained')
  sentence_pairs.prepared(path)
  return path


def same(one, other, manifest=True):
  first, second = (sentence_pairs.contents(p / 'wmt') for p in (one, other))
  if not manifest:  # One of them counts what only archives tell.
    del first['manifest.json'], second['manifest.json']
  return first == second


@pytest.mark.parametrize('split', SPLITS)
def test_texts_are_those_of_the_benchmark_in_its_order(there, split, tmp_path):
  wanted = sentence_pairs.sentences(split)
  name = texts.BUILDERS[split]
  assert list(texts.pairs(there[name], split)) == wanted
  archives = sentence_pairs.published().archives
  made = texts.make(name, archives, sentence_pairs.RAW, tmp_path)
  assert made.file_format == 'array_record'
  assert list(texts.pairs(made, split)) == wanted


def test_several_files_are_read_in_turn(there):
  with np.load(sentence_pairs.FOLDER / 'interleave.npz') as file:
    lengths, order = file['shard_lengths'], file['order']
  built = there[texts.WMT17]
  found = list(texts.reading_order(built, 'train', len(lengths)))
  sentences = sentence_pairs.sentences('train')
  assert found == [sentences[i] for i in order]


def test_the_tokenizer_is_trained_on_the_text_of_the_benchmark(there):
  ordered = texts.reading_order(there[texts.WMT17], 'train', 1)
  lines = texts.corpus(ordered, TOKENIZER['max_corpus_chars'])
  found = ''.join(f'{line}\n' for line in lines).encode()
  path = sentence_pairs.FOLDER / 'tokenizer_corpus.txt'
  assert found == path.read_bytes()


def test_the_tokenizer_is_that_of_the_benchmark(trained):
  origin = tokens.origin(trained / 'wmt')
  assert origin['corpus'] == {
    key: TOKENIZER[f'corpus_{key}'] for key in ('lines', 'bytes', 'sha256')
  }
  found = tokens.open_tokenizer(trained)
  assert found.vocabulary == TOKENIZER['vocab_size']
  assert found.pieces_sha256 == origin['pieces_sha256']
  same = TOKENIZER['sentencepiece']
  if importlib.metadata.version('sentencepiece') == same:
    assert found.sha256 == TOKENIZER['file_sha256']
    assert found.pieces_sha256 == TOKENIZER['pieces_sha256']


@pytest.mark.parametrize('split', SPLITS)
def test_ids_are_those_of_the_benchmark_but_for_ties(pair_data, split):
  found = tokens.read(pair_data / 'wmt', split)
  wanted = sentence_pairs.pairs(split)
  kept = packing.short(wanted, tokens.MAX_LENGTH)
  different = 0
  for one, other in zip(found, wanted):
    np.testing.assert_array_equal(one.lengths, other.lengths[kept])
    rows = zip(
      np.split(one.ids, one.starts[1:]),
      (np.split(other.ids, other.starts[1:])[i] for i in kept),
    )
    different += sum((a != b).any() for a, b in rows)
  assert different <= np.ceil(TIES * 2 * len(kept))


@pytest.mark.parametrize('split', SPLITS)
def test_counts_are_those_of_the_benchmark(pair_data, split):
  manifest = prepared.load(pair_data / 'wmt')
  row, wanted = check.tables(manifest.files)[split], EXPECTED['splits'][split]
  assert row['read'] == wanted['pairs']
  assert row['kept'] == manifest.counts[split] == wanted['kept']
  assert row['dropped'] == wanted['pairs'] - wanted['kept']
  for side, name in zip(packing.SIDES, ('source', 'target')):
    assert row[f'{side}_tokens'] == wanted[f'{name}_tokens_kept']


def test_pairs_with_an_empty_side_are_counted(pair_data):
  empty = 0
  for archive, member in texts.TEXTS.items():
    with tarfile.open(sentence_pairs.RAW / archive) as tar:
      sides = [
        tar.extractfile(f'{member}.{language}').read().decode().split('\n')
        for language in texts.LANGUAGES
      ]
    rows = list(zip(*(side[:-1] for side in sides), strict=True))
    assert {side[-1] for side in sides} == {''}
    empty += sum(not (german and english) for german, english in rows)
  manifest = prepared.load(pair_data / 'wmt')
  assert manifest.counts['with an empty side'] == empty > 0


def test_the_original_data_has_its_numbers():
  about = workload_lib.FULL.description
  assert check.PUBLISHED.pairs == {
    'train': about.num_train,
    'validation': about.num_validation,
    'test': about.num_test,
  }
  config = workload_lib.FULL.model.config
  assert config.vocab_size == check.PUBLISHED.vocabulary == tokens.VOCABULARY
  assert config.max_length == tokens.MAX_LENGTH


def test_an_installation_of_the_benchmark_is_taken_with_its_tokenizer(
  pair_data, trained, tmp_path
):
  raw = shutil.copytree(sentence_pairs.BUILT, tmp_path / 'wmt')
  raw.chmod(0o755)  # Copied with the mode of what may be read-only.
  shutil.copy(MODEL, raw / 'wmt_sentencepiece_model')
  sentence_pairs.prepared(tmp_path / 'to', tmp_path)
  assert same(tmp_path / 'to', pair_data, manifest=False)
  sentence_pairs.prepared(tmp_path / 'anew', raw, tokenizer='train')
  assert same(tmp_path / 'anew', trained, manifest=False)


def test_workers_and_the_size_of_shards_change_nothing(pair_data, tmp_path):
  dataset = sentence_pairs.dataset(shard_pairs=57)
  raw, options = sentence_pairs.RAW, {'tokenizer': MODEL}
  prepare_lib.run(dataset, raw, tmp_path, workers=2, options=options)
  assert same(tmp_path, pair_data)
  assert not (tmp_path / 'wmt' / 'work').exists()


def test_finished_files_are_not_made_again(pair_data, tmp_path):
  shutil.copytree(pair_data, tmp_path / 'copy')
  folder = tmp_path / 'copy' / 'wmt'
  times = {p: p.stat().st_mtime_ns for p in folder.glob('t*')}
  gone = folder / tokens.ids_name('train', 'targets')
  gone.unlink()
  sentence_pairs.prepared(tmp_path / 'copy', tokenizer=MODEL)
  changed = [p for p, t in times.items() if p.stat().st_mtime_ns != t]
  assert changed == [gone]
  assert same(tmp_path / 'copy', pair_data)


def _start(folder, workers: int) -> subprocess.Popen:
  script = [sys.executable, '-m', 'tests.sentence_pairs']
  return subprocess.Popen(
    [*script, sentence_pairs.RAW, folder, str(workers)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
  )


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(1, 1)]
  + [pytest.param(20, workers, marks=pytest.mark.slow) for workers in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  trained, tmp_path, kills, workers
):
  rng, journals = random.Random(kills), tmp_path / 'wmt' / 'journals'
  total = len(list((trained / 'wmt' / 'journals').iterdir()))
  whole = sentence_pairs.contents(trained / 'wmt')
  for done in sorted(rng.randrange(total) for _ in range(kills)):
    process = _start(tmp_path, workers)
    while process.poll() is None and (
      not journals.is_dir() or len(list(journals.iterdir())) < done
    ):
      time.sleep(0.001)
    time.sleep(rng.random() * 0.05)  # While a file is written, or renamed.
    process.send_signal(signal.SIGKILL)
    process.wait()
    if prepared.is_complete(tmp_path / 'wmt'):
      found = sentence_pairs.contents(tmp_path / 'wmt')
      assert found.items() >= whole.items()
    else:
      with pytest.raises(errors.UserError, match=r'not finished|no prepared'):
        prepared.load(tmp_path / 'wmt')
  process = _start(tmp_path, workers)
  output, _ = process.communicate()
  assert process.returncode == 0
  assert output == 'imported of jax, tensorflow: []\n'
  assert same(tmp_path, trained)


def test_a_check_tells_of_all_and_writes_nothing(pair_data):
  before = {p: p.stat().st_mtime_ns for p in pair_data.rglob('*')}
  lines = []
  dataset = sentence_pairs.dataset()
  assert check_lib.run(dataset, pair_data / 'wmt', True, lines.append), lines
  found = '\n'.join(lines)
  decode = tokenizers.load(sentence_pairs.MODEL).decode
  german, english = (
    decode(side.ids[: side.lengths[0]])
    for side in tokens.read(pair_data / 'wmt', 'validation')
  )
  tokenizer = f'{TOKENIZER["vocab_size"]:,} pieces, brought along'
  for part in (
    f'train: {EXPECTED["splits"]["train"]["pairs"]:,} pairs',
    tokenizer,
    '% <unk>',
    'pairs a row',
    'first training batch',
    'first validation batch',
    'first test batch',
    *german.split()[:1],
    *english.split()[:1],
  ):
    assert part in found
  assert {p: p.stat().st_mtime_ns for p in pair_data.rglob('*')} == before


def test_the_commands_end_with_their_codes(pair_data, tmp_path, capsys):
  raw = f'--raw={sentence_pairs.RAW}'
  assert main.main(('data', 'prepare', 'wmt', raw, f'--to={tmp_path}')) == 2
  assert 'download it again' in capsys.readouterr().err
  assert not (tmp_path / 'wmt').exists()
  assert main.main(('data', 'check', 'wmt', f'--data-dir={pair_data}')) == 1
  assert 'pairs, expected 5,906,184' in capsys.readouterr().out
  assert main.main(('data', 'list', f'--data-dir={pair_data}')) == 0
  assert 'WMT German-English' in capsys.readouterr().out


def test_a_builder_that_was_stopped_is_started_again(tmp_path, capsys):
  work = tmp_path / 'wmt' / 'work'
  begun = work / 'built' / 'wmt17_translate' / 'de-en' / '1.0.0.incompleteABC'
  begun.mkdir(parents=True)
  (begun / 'half').write_bytes(b'a record')
  sentence_pairs.prepared(tmp_path, tokenizer=MODEL)
  assert 'was interrupted; started again' in capsys.readouterr().err
  assert tokenizers.load(tmp_path / 'wmt' / 'tokenizer.model')
  assert built_lib.find(tmp_path, texts.WMT17) is None
