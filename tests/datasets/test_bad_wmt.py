# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad texts, tokenizers and prepared pairs: each is told in one sentence."""

import builtins
import hashlib
import io
import shutil
import tarfile

import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import archives
from jaxperf.datasets import built as built_lib
from jaxperf.datasets import check as check_lib
from jaxperf.datasets import prepare as prepare_lib
from tests import sentence_pairs
from workloads import tokenizers
from workloads.wmt import data, texts, tokens

EXPECTED = sentence_pairs.expected()
VOCABULARY = EXPECTED['tokenizer']['vocab_size']
MODEL = str(sentence_pairs.MODEL)
ARCHIVE = 'training-parallel-commoncrawl.tgz'


@pytest.fixture
def raw(tmp_path):
  """A copy of the archives to spoil."""
  return copied(sentence_pairs.RAW, tmp_path / 'raw')


@pytest.fixture
def built(tmp_path):
  """A copy of the builders' folders to spoil."""
  return copied(sentence_pairs.BUILT, tmp_path / 'built')


@pytest.fixture
def folder(pair_data, tmp_path):
  """A copy of the prepared data to spoil."""
  return shutil.copytree(pair_data, tmp_path / 'data')


def copied(source, target):
  shutil.copytree(source, target)
  for path in (target, *target.rglob('*')):
    path.chmod(0o755)
  return target


def refused(tmp_path, raw, **changes):
  return sentence_pairs.refused(tmp_path / 'to', raw, **changes)


def test_archives_are_looked_at_before_anything_is_done(raw, tmp_path):
  path = raw / ARCHIVE
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 3])
  sentence = refused(tmp_path, raw)
  assert f'{path} has {len(content) // 3:,} bytes' in sentence
  assert f'expected {len(content):,}: download it again' in sentence
  path.write_text('<html><title>503 Service Unavailable</title></html>\n')
  assert '503 Service Unavailable' in refused(tmp_path, raw)
  path.unlink()
  assert f'{raw} lacks {ARCHIVE}' in refused(tmp_path, raw)
  assert not (tmp_path / 'to').exists()


@pytest.mark.parametrize('workers', [1, 2])
def test_a_damaged_archive_is_named_and_replaced(
  raw, tmp_path, pair_data, workers
):
  path = raw / ARCHIVE
  content = path.read_bytes()
  path.write_bytes(content[:-20] + bytes(20))
  sentence = refused(tmp_path, raw, workers=workers)
  assert f'{path} has the SHA-256' in sentence
  path.write_bytes(content)
  sentence_pairs.prepared(tmp_path / 'to', raw, tokenizer=MODEL)
  assert sentence_pairs.contents(tmp_path / 'to' / 'wmt') == (
    sentence_pairs.contents(pair_data / 'wmt')
  )


def changed(raw, edit):
  """Archives of which a text has been changed, and what is published then."""
  path, member = raw / ARCHIVE, f'{texts.TEXTS[ARCHIVE]}.en'
  with tarfile.open(path) as tar:
    files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
  files[member] = edit(files[member])
  with tarfile.open(path, 'w:gz') as tar:
    for name, content in files.items():
      info = tarfile.TarInfo(name)
      info.size = len(content)
      tar.addfile(info, io.BytesIO(content))
  content = path.read_bytes()
  new = archives.Archive(
    ARCHIVE, len(content), hashlib.sha256(content).hexdigest()
  )
  published = sentence_pairs.published().archives
  return tuple(new if a.name == ARCHIVE else a for a in published)


def test_texts_of_unequal_length_are_told_with_both_counts(raw, tmp_path):
  counts = []

  def cut(content):
    counts.extend([content.count(b'\n') + 1, content.count(b'\n')])
    return content[content.index(b'\n') + 1 :]

  sentence = refused(tmp_path, raw, archives=changed(raw, cut))
  assert f'{counts[0]} vs {counts[1]}' in sentence
  assert f'{texts.TEXTS[ARCHIVE]}.de' in sentence
  assert f'{texts.TEXTS[ARCHIVE]}.en' in sentence
  assert 'download the archives again' in sentence


def test_a_text_that_is_no_text_is_told(raw, tmp_path):
  published = changed(raw, lambda content: b'\xff' + content)
  sentence = refused(tmp_path, raw, archives=published)
  assert 'do not fit together' in sentence


@pytest.mark.parametrize('split', sentence_pairs.SPLITS)
def test_another_number_of_pairs_is_refused(raw, built, tmp_path, split):
  pairs = dict(sentence_pairs.published().pairs)
  found, pairs[split] = pairs[split], pairs[split] + 1
  for folder in (raw, built):
    sentence = refused(tmp_path, folder, pairs=pairs)
    assert f'{found:,} {split} pairs, expected {found + 1:,}' in sentence
    assert texts.BUILDERS[split] in sentence


def test_a_builders_folder_that_is_not_whole_is_refused(built, tmp_path):
  info = next(built.glob('wmt14_translate/de-en/*/dataset_info.json'))
  content = info.read_text()
  info.write_text(content.replace('"1.0.0"', '"0.0.9"'))
  assert 'holds version 0.0.9' in refused(tmp_path, built)
  info.unlink()
  assert 'was interrupted' in refused(tmp_path, built)
  shutil.rmtree(built / 'wmt14_translate')
  assert 'lacks wmt14_translate/de-en/1.0.0' in refused(tmp_path, built)
  assert not (tmp_path / 'to').exists()


def test_a_damaged_record_is_named(built, tmp_path):
  path = next(built.glob('wmt17_translate/de-en/*/*train*record*'))
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  assert f'{path} is damaged in record' in refused(tmp_path, built)


def test_another_vocabulary_is_refused_with_both_numbers(raw, tmp_path):
  options = {'tokenizer': MODEL}
  sentence = refused(tmp_path, raw, options=options, vocabulary=32_000)
  assert f'a vocabulary of {VOCABULARY:,}, expected 32,000' in sentence
  options = {'tokenizer': str(raw / 'nowhere')}
  assert 'cannot be read' in refused(tmp_path, raw, options=options)


def test_a_wrong_tokenizer_shows_in_the_length_of_sentences(
  pair_data, tmp_path, capsys
):
  dataset = sentence_pairs.dataset(most_dropped=0.0)
  options = {'tokenizer': MODEL}
  prepare_lib.run(dataset, sentence_pairs.RAW, tmp_path, options=options)
  rows = EXPECTED['splits'].values()
  dropped = sum(row['pairs'] - row['kept'] for row in rows)
  told = f'{dropped:,} of {sum(row["pairs"] for row in rows):,} pairs'
  assert f'warning: {told}' in capsys.readouterr().err
  wrong = bad(pair_data, dataset)
  assert len(wrong) == 1
  assert told in wrong[0]


def bad(folder, dataset=None, deep=False):
  """What a check does not like."""
  lines = []
  dataset = dataset or sentence_pairs.dataset()
  check_lib.run(dataset, folder / 'wmt', deep, lines.append)
  return [line for line in lines if line.startswith('BAD')]


def run_refused(folder, ask, vocabulary=VOCABULARY, length=tokens.MAX_LENGTH):
  """The sentence with which a run is refused."""
  made = data.prepared(vocabulary, length, folder).data
  with pytest.raises(errors.UserError) as caught:
    ask(made)
  assert '\n' not in str(caught.value)
  return str(caught.value)


def test_another_tokenizer_is_refused_with_both_hashes(folder):
  path = folder / 'wmt' / tokens.TOKENIZER
  content, old = bytearray(path.read_bytes()), tokenizers.load(path).sha256
  content[-1] ^= 1
  path.write_bytes(content)
  new = hashlib.sha256(content).hexdigest()
  sentence = run_refused(folder, lambda made: made.check())
  for part in (old, new, 'jaxperf data prepare wmt'):
    assert part in sentence
  (found,) = bad(folder)
  assert old in found
  assert new in found


def test_data_of_another_tokenizer_is_not_mixed_in(folder, tmp_path):
  with pytest.raises(errors.UserError, match='other parameters') as caught:
    sentence_pairs.prepared(folder, tokenizer='train')
  assert 'tokenizer' in str(caught.value)


def test_data_for_another_model_is_refused(folder):
  sentence = run_refused(folder, lambda made: made.check(), vocabulary=32_000)
  assert f'a vocabulary of {VOCABULARY:,}, expected 32,000' in sentence
  sentence = run_refused(folder, lambda made: made.train(0, 2), length=48)
  assert 'a max length of 256, expected 48' in sentence


def spoil(folder, name, edit):
  path = folder / 'wmt' / name
  array = np.load(path)
  edited = edit(array)
  np.save(path, array if edited is None else edited)
  return path


def test_ids_outside_the_vocabulary_are_told(folder):
  def edit(ids):
    ids[0] = VOCABULARY

  spoil(folder, tokens.ids_name('validation', 'inputs'), edit)
  (found,) = bad(folder)
  assert f'validation inputs: the id {VOCABULARY:,}' in found
  sentence = run_refused(
    folder, lambda made: next(made.evaluation('validation', 4))
  )
  assert f'holds the id {VOCABULARY:,}' in sentence


def test_ends_in_other_places_are_told(folder):
  spoil(folder, tokens.ids_name('test', 'targets'), lambda ids: ids[::-1])
  (found,) = bad(folder)
  assert 'test targets' in found
  assert 'without end symbol' in found


def test_files_that_do_not_fit_together_are_refused(folder):
  def edit(table):
    table['inputs_length'][0] -= 1
    table['inputs_nonzero'][0] = 0

  name = tokens.ids_name('test', 'inputs')
  spoil(folder, tokens.table_name('test'), edit)
  (found,) = bad(folder)
  assert f'{name} has' in found
  assert f'{name} has' in run_refused(folder, lambda made: made.check())
  path = folder / 'wmt' / name
  content = bytearray(path.read_bytes())
  content[0] ^= 1
  path.write_bytes(content)
  assert f'{path} is damaged' in bad(folder)[0]
  assert f'{path} is damaged' in bad(folder, deep=True)[0]


def test_a_run_is_refused_without_whole_data(folder, tmp_path):
  for ask in (
    lambda made: made.check(),
    lambda made: made.train(0, 2),
    lambda made: made.evaluation('test', 2),
  ):
    assert 'holds no prepared data' in run_refused(tmp_path / 'no', ask)
  path = folder / 'wmt' / tokens.ids_name('train', 'inputs')
  path.write_bytes(path.read_bytes()[:-2])
  assert 'bytes, expected' in run_refused(folder, lambda made: made.check())
  path.unlink()
  assert f'{path} is missing' in run_refused(folder, lambda made: made.check())


@pytest.mark.parametrize(
  'package', ['tensorflow_datasets', 'array_record', 'sentencepiece']
)
def test_a_missing_package_is_named_with_its_extra(
  raw, tmp_path, monkeypatch, package
):
  real_import, real_module = builtins.__import__, built_lib.importlib

  def refuse(name, *rest):
    if name == package:
      raise ImportError(name)
    return real_import(name, *rest)

  class Importlib:
    @staticmethod
    def import_module(name):
      refuse(name)
      return real_module.import_module(name)

  monkeypatch.setattr(builtins, '__import__', refuse)
  monkeypatch.setattr(built_lib, 'importlib', Importlib)
  sentence = refused(tmp_path, raw)
  assert package in sentence
  assert "pip install 'jaxperf[data]'" in sentence
