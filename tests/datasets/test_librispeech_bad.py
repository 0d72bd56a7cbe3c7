# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad speech, raw or prepared: each kind is told in one sentence."""

import builtins
import hashlib
import json
import shutil

import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import check as check_lib
from tests import speech_files
from workloads.librispeech import data, streams, utterances
from workloads.librispeech import workload as workload_lib

FIRST = 'train-clean-100'
RAW_COUNT = speech_files.expected()['subsets'][FIRST]['raw']


@pytest.fixture
def raw(tmp_path):
  """A copy of the raw files to spoil."""
  return shutil.copytree(speech_files.RAW, tmp_path / 'raw')


@pytest.fixture
def folder(speech_data, tmp_path):
  """A copy of the prepared data to spoil."""
  shutil.copytree(speech_data, tmp_path / 'data')
  return tmp_path / 'data'


@pytest.fixture
def installed(tmp_path):
  return speech_files.installed(tmp_path / 'raw')


def spoil(path, at, value=None):
  """Changes a byte."""
  content = bytearray(path.read_bytes())
  content[at] = content[at] ^ 1 if value is None else value
  path.write_bytes(content)


def test_a_download_that_is_cut_off_is_told_with_its_size(tmp_path):
  archives = speech_files.packed(tmp_path / 'raw')
  made = speech_files.dataset(archives)
  path = archives / 'test-clean.tar.gz'
  content = path.read_bytes()
  path.write_bytes(content[:-9])
  sentence = speech_files.refused(tmp_path / 'to', archives, made)
  assert f'{path} has {len(content) - 9:,} bytes' in sentence
  assert f'expected {len(content):,}' in sentence
  assert 'wget -c' in sentence
  assert not (tmp_path / 'to').exists()


@pytest.mark.parametrize('counts', ['published', 'any'])
def test_a_damaged_archive_is_named(tmp_path, counts):
  archives = speech_files.packed(tmp_path / 'raw')
  made = speech_files.dataset(archives)
  path = archives / f'{FIRST}.tar.gz'
  spoil(path, path.stat().st_size // 2)
  sentence = speech_files.refused(
    tmp_path / 'to', archives, made, counts=counts
  )
  assert str(path) in sentence
  assert 'download' in sentence


def test_an_archive_that_is_cut_off_is_told_without_counts_too(tmp_path):
  archives = speech_files.packed(tmp_path / 'raw')
  path = archives / f'{FIRST}.tar.gz'
  path.write_bytes(path.read_bytes()[:-20])
  sentence = speech_files.refused(tmp_path / 'to', archives, counts='any')
  assert f'{path}, {path.stat().st_size:,} bytes, is cut off' in sentence


def test_another_archive_of_the_same_size_is_refused(tmp_path):
  archives = speech_files.packed(tmp_path / 'raw')
  made = speech_files.dataset(archives)
  spoil(archives / f'{FIRST}.tar.gz', 4)  # A time in the header of gzip.
  sentence = speech_files.refused(tmp_path / 'to', archives, made)
  assert 'SHA-256' in sentence
  found = hashlib.sha256((archives / f'{FIRST}.tar.gz').read_bytes())
  assert found.hexdigest() in sentence


def test_subsets_that_are_missing_or_twice_are_named(raw, tmp_path):
  speech_files.packed(tmp_path / 'more')
  shutil.move(tmp_path / 'more' / 'dev-other.tar.gz', raw)
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert 'dev-other is there in two forms' in sentence
  (raw / 'dev-other.tar.gz').unlink()
  shutil.rmtree(raw / 'LibriSpeech' / 'dev-other')
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert 'neither dev-other.tar.gz nor LibriSpeech/dev-other' in sentence


def test_a_flac_that_is_missing_is_named(raw, tmp_path):
  path = speech_files.flac(raw)
  path.unlink()
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert f'1 transcripts without flac ({path.stem})' in sentence
  assert f'unpack {FIRST}.tar.gz again' in sentence


def test_a_transcript_file_that_is_missing_is_named(raw, tmp_path):
  path = speech_files.transcript(raw)
  count = len(path.read_text().splitlines())
  path.unlink()
  sentence = speech_files.refused(tmp_path / 'to', raw)
  name = path.name.removesuffix('.trans.txt')
  assert f'1 chapters without .trans.txt ({name})' in sentence
  assert f'{count} flac without transcript' in sentence
  assert f'{RAW_COUNT - count} transcripts, expected {RAW_COUNT}' in sentence


def test_half_a_subset_is_told_by_its_counts(raw, tmp_path):
  shutil.rmtree(speech_files.flac(raw).parent)
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert f'transcripts, expected {RAW_COUNT}' in sentence


@pytest.mark.parametrize(
  ('change', 'said'),
  [
    (lambda line: line.split()[0], 'has no text for'),
    (lambda line: '', 'flac without transcript'),
    (lambda line: f'{line}\n{line}', 'utterances twice'),
    (lambda line: 'x' + line, 'transcripts without flac'),
  ],
)
def test_lines_that_are_wrong_are_told(raw, tmp_path, change, said):
  path = speech_files.transcript(raw)
  first, *rest = path.read_text().splitlines()
  path.write_text('\n'.join([change(first), *rest]))
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert said in sentence
  assert first.split()[0] in sentence


def test_a_transcript_that_is_no_text_is_named(raw, tmp_path):
  path = speech_files.transcript(raw)
  path.write_bytes(b'\xff\xfe' + path.read_bytes())
  assert f'{path.name} is not text' in speech_files.refused(
    tmp_path / 'to', raw
  )


@pytest.mark.parametrize('workers', [1, 2])
def test_half_a_flac_is_named_and_the_rest_goes_on(
  raw, speech_data, tmp_path, workers
):
  path = speech_files.flac(raw)
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2])
  with pytest.raises(errors.UserError) as caught:
    speech_files.prepared(tmp_path / 'to', raw, workers=workers)
  sentence = str(caught.value)
  assert str(path) in sentence
  assert f'unpack {FIRST}.tar.gz again' in sentence
  assert '\n' not in sentence
  path.write_bytes(content)
  speech_files.prepared(tmp_path / 'to', raw)
  found, wanted = (
    speech_files.contents(x / 'librispeech')
    for x in (tmp_path / 'to', speech_data)
  )
  assert found == wanted


def test_samples_are_compared_with_the_hash_in_the_file(raw, tmp_path):
  path = speech_files.flac(raw)
  spoil(path, 30)
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert f'{path} is damaged: the MD5' in sentence


def test_a_file_without_a_hash_is_not_compared(raw, tmp_path):
  path = speech_files.flac(raw)
  content = path.read_bytes()
  path.write_bytes(content[:26] + bytes(16) + content[42:])
  speech_files.prepared(tmp_path / 'to', raw)
  lines = checked(tmp_path / 'to')
  kept = sum(row['kept'] for row in speech_files.expected()['subsets'].values())
  assert any(f'sample: {kept - 1} utterances compared' in x for x in lines)


def test_another_number_of_samples_than_the_header_says_is_told(raw, tmp_path):
  path = speech_files.flac(raw)
  spoil(path, 25)
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert str(path) in sentence


@pytest.mark.parametrize(
  ('at', 'value', 'said'),
  [
    (18, 0x07, 'Hz, 1 channels'),
    (20, 0x02, '2 channels'),
    (21, 0x70, '1 channels and 8 bits'),
    (0, 0x49, 'is not a flac file'),
  ],
)
def test_audio_of_another_kind_is_refused(raw, tmp_path, at, value, said):
  path = speech_files.flac(raw)
  spoil(path, at, value)
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert str(path) in sentence
  if at != 21:
    assert said in sentence


def test_a_missing_package_is_named_with_its_extra(raw, tmp_path, monkeypatch):
  real = builtins.__import__

  def refuse(name, *rest):
    if name == 'soundfile':
      raise ImportError(name)
    return real(name, *rest)

  monkeypatch.setattr(builtins, '__import__', refuse)
  sentence = speech_files.refused(tmp_path / 'to', raw)
  assert 'soundfile is missing' in sentence
  assert "pip install 'jaxperf[data]'" in sentence


def test_options_are_checked(tmp_path):
  def said(**options):
    return speech_files.refused(tmp_path / 'to', **options)

  assert "did you mean 'dev-clean'" in said(subsets='dev-cleen')
  assert '--counts is' in said(counts='all')
  assert 'is trained on train-clean-100' in said(
    subsets='dev-clean', tokenizer=None
  )
  assert 'cannot be read' in said(tokenizer=str(tmp_path / 'no'))
  size = speech_files.expected()['tokenizer']['vocab_size']
  made = speech_files.dataset(vocabulary=size + 1)
  assert f'has {size:,} ids, expected {size + 1:,}' in said(made=made)
  assert 'pieces could be trained' in said(tokenizer=None)


def test_a_part_is_prepared_and_refused_in_training(tmp_path):
  speech_files.prepared(tmp_path, subsets='dev-clean,train-clean-360')
  with pytest.raises(errors.UserError, match='from a part of the raw data'):
    utterances.open_splits(tmp_path)
  lines = checked(tmp_path)
  assert [x for x in lines if x.startswith('BAD')] == lines[:1]


def test_too_many_labels_are_dropped_counted_and_listed(
  tmp_path, monkeypatch, speech_data
):
  kept = utterances.open_splits(speech_data).test.kept['labels']
  most = int(kept.max()) - 1
  monkeypatch.setattr(utterances, 'MAX_LABELS', most)
  speech_files.prepared(tmp_path)
  speech = utterances.open_splits(tmp_path).test
  assert speech.kept['labels'].tolist() == kept[kept <= most].tolist()
  gone = [
    key.partition('/')[2]
    for key, count in zip(speech_files.ids('test'), kept)
    if count > most
  ]
  lines = checked(tmp_path)
  said = f'test-clean: more than {most} labels: {", ".join(gone)}'
  assert any(said in line for line in lines)
  monkeypatch.undo()
  batch = next(streams.prepared(None, tmp_path)[0].evaluation('test', 4))
  assert batch['weights'].sum() == (kept <= most).sum()


def checked(folder, deep=False):
  lines = []
  dataset = speech_files.dataset()
  fine = check_lib.run(dataset, folder / 'librispeech', deep, lines.append)
  assert fine == all(line.startswith('ok ') for line in lines)
  return lines


def test_a_changed_byte_of_a_shard_is_found(folder):
  path = max(folder.rglob('*.pcm'), key=lambda path: path.stat().st_size)
  spoil(path, path.stat().st_size // 2)
  wrong = [x for x in checked(folder, deep=True) if x.startswith('BAD')]
  assert f'{path} is damaged: its SHA-256' in wrong[0]
  wrong = [x for x in checked(folder) if x.startswith('BAD')]
  assert 'differ: prepare again' in wrong[0]


def test_another_tokenizer_is_refused_in_training_and_found(folder):
  path = folder / 'librispeech' / utterances.TOKENIZER
  old = hashlib.sha256(path.read_bytes()).hexdigest()
  spoil(path, path.stat().st_size - 1)
  new = hashlib.sha256(path.read_bytes()).hexdigest()
  workload = workload_lib.build('x', settings(), data=folder)
  with pytest.raises(errors.UserError) as caught:
    workload.data.check()
  sentence = str(caught.value)
  assert old in sentence
  assert new in sentence
  assert 'jaxperf data prepare librispeech' in sentence
  assert any(old in x for x in checked(folder) if x.startswith('BAD'))


def settings():
  """The full-size workload."""
  from workloads.librispeech import conformer

  assert conformer.FULL.corpus is data.LIBRISPEECH
  return conformer.FULL


def test_a_run_is_refused_without_whole_data(folder, tmp_path):
  def said(place):
    workload = workload_lib.build('x', settings(), data=place)
    with pytest.raises(errors.UserError) as caught:
      workload.data.check()
    assert '\n' not in str(caught.value)
    return str(caught.value)

  assert 'holds no prepared data' in said(tmp_path / 'nowhere')
  shard = next(folder.rglob('*.pcm'))
  content = shard.read_bytes()
  shard.write_bytes(content[:-2])
  assert f'{shard} has {len(content) - 2:,} bytes' in said(folder)
  shard.unlink()
  assert f'{shard} is missing' in said(folder)
  shard.write_bytes(content)
  manifest = folder / 'librispeech' / 'manifest.json'
  whole = json.loads(manifest.read_text())
  manifest.write_text(json.dumps(whole | {'version': 99}))
  assert 'version 99' in said(folder)
  manifest.write_text(json.dumps(whole))
  table = folder / 'librispeech' / utterances.kept_name('dev-clean')
  table.write_bytes(b'x' * table.stat().st_size)
  assert f'{table} cannot be read' in said(folder)
  manifest.unlink()
  assert 'is not finished' in said(folder)


def test_a_shard_that_shrinks_in_a_run_is_told(folder):
  found, _ = streams.prepared(None, folder)
  found.check()
  for path in folder.rglob('train-*.pcm'):
    path.write_bytes(b'')
  with pytest.raises(errors.UserError, match='ends before sample'):
    next(found.train(0, 4))


@pytest.mark.parametrize('name', ['audio', 'targets'])
@pytest.mark.parametrize('part', [None, 0, 0.6])
def test_files_of_an_installation_are_missing_or_cut_off(
  installed, tmp_path, name, part
):
  path = sorted((installed / FIRST).glob(f'*_{name}.npy'))[0]
  content = path.read_bytes()
  path.unlink()
  if part is not None:
    path.write_bytes(content[: int(part * len(content))])
  sentence = speech_files.refused(tmp_path / 'to', installed)
  assert path.name in sentence
  assert 'again' in sentence


def test_contents_of_an_installation_are_checked(installed, tmp_path):
  def said(name, array, error):
    path = sorted((installed / FIRST).glob(f'*_{name}.npy'))[0]
    content = path.read_bytes()
    np.save(path, array)
    sentence = speech_files.refused(tmp_path / 'to', installed)
    assert f'{path} {error}' in sentence
    path.write_bytes(content)

  said('targets', np.array([5, 7], np.int32), 'does not hold ids')
  said('targets', np.array([5000, 2], np.int32), 'does not hold ids')
  said('targets', np.array([5, 2], np.int64), 'holds int64')
  said('audio', np.zeros((4, 2), np.int64), 'holds int64 (4, 2)')
  said('audio', np.array([1, 40_000], np.int64), 'holds numbers of more than')
  table = installed / f'{FIRST}.csv'
  text = table.read_text()
  table.write_text(text.replace('id', 'ids', 1))
  assert f'{table} is not a table' in speech_files.refused(
    tmp_path / 'to', installed
  )
  table.write_text(text + text.splitlines()[-1] + '\n')
  assert 'utterances twice' in speech_files.refused(tmp_path / 'to', installed)
  table.unlink()
  assert f'{table} is missing' in speech_files.refused(
    tmp_path / 'to', installed
  )


def test_an_installation_brings_its_own_tokenizer(installed, tmp_path):
  sentence = speech_files.refused(
    tmp_path / 'to', installed, tokenizer=str(speech_files.TOKENIZER)
  )
  assert 'leave --tokenizer out' in sentence
  (installed / speech_files.TOKENIZER.name).unlink()
  sentence = speech_files.refused(tmp_path / 'to', installed, tokenizer=None)
  assert f'{speech_files.TOKENIZER.name} is missing' in sentence
