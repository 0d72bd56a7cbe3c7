# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Tokenizers: trained to the same bytes, and refused if they are others."""

import builtins
import hashlib
import importlib.metadata
import json
import pathlib

import pytest

from jaxperf import errors
from tests import reference
from workloads import tokenizers

FOLDER = reference.FOLDER / 'data' / 'librispeech'
EXPECTED = json.loads((FOLDER / 'expected.json').read_text())['tokenizer']


def transcripts():
  """Lines to train on, in the order of speakers and chapters."""
  paths = (FOLDER / 'raw' / 'transcripts').rglob('*.trans.txt')
  for path in sorted(paths, key=lambda path: path.parts[-3:]):
    for line in path.read_text().splitlines():
      yield line.strip().partition(' ')[2]


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  path = tmp_path_factory.mktemp('trained') / 'tokenizer.model'
  corpus = tokenizers.train(transcripts(), EXPECTED['vocab_size'], path)
  return path, corpus


def test_the_corpus_is_that_of_the_benchmark(trained):
  _, corpus = trained
  assert corpus == tokenizers.Corpus(
    EXPECTED['corpus_lines'],
    EXPECTED['corpus_bytes'],
    EXPECTED['corpus_sha256'],
  )


def test_training_gives_the_bytes_and_pieces_of_the_benchmark(trained):
  path, _ = trained
  found = tokenizers.load(path)
  assert found.vocabulary == EXPECTED['vocab_size']
  assert [file.name for file in path.parent.iterdir()] == [path.name]
  same = EXPECTED['sentencepiece']
  if importlib.metadata.version('sentencepiece') == same:
    assert found.sha256 == EXPECTED['file_sha256']
    assert found.pieces_sha256 == EXPECTED['pieces_sha256']


def test_text_is_had_back_and_ends_with_the_end_symbol(trained):
  found = tokenizers.load(trained[0])
  texts = ['OPEN SOURCE ROCKS', *list(transcripts())[:50]]
  for text, ids in zip(texts, found.encode(texts), strict=True):
    assert ids[-1] == 2
    assert found.decode(ids) == text


def test_pieces_keep_their_hash_in_a_file_of_another_name(tmp_path):
  path = FOLDER / 'spm_model.vocab'
  found = tokenizers.load(path)
  assert found.pieces_sha256 == EXPECTED['pieces_sha256']
  assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def refused(path, *arguments):
  with pytest.raises(errors.UserError) as caught:
    tokenizers.load(path, *arguments)
  sentence = str(caught.value)
  assert str(path) in sentence
  assert '\n' not in sentence
  return sentence


def test_another_tokenizer_is_refused_with_both_hashes(trained):
  path, _ = trained
  found = hashlib.sha256(path.read_bytes()).hexdigest()
  assert tokenizers.load(path, found).sha256 == found
  sentence = refused(path, 64 * '0', 'make them again')
  assert found in sentence
  assert 64 * '0' in sentence
  assert sentence.endswith('make them again')


@pytest.mark.parametrize('part', [0, 3, 0.5])
def test_what_is_no_model_is_refused(trained, tmp_path, part):
  content = trained[0].read_bytes()
  end = int(part * len(content)) if isinstance(part, float) else part
  path = tmp_path / 'spoiled'
  path.write_bytes(content[:end])
  assert 'is no SentencePiece model' in refused(path)
  assert 'cannot be read' in refused(tmp_path / 'nowhere')


def test_too_little_text_is_refused_and_leaves_nothing(tmp_path):
  path = tmp_path / 'tokenizer.model'
  with pytest.raises(errors.UserError, match=r'1,024 pieces .* 1 lines'):
    tokenizers.train(['ONE LINE'], 1_024, path)
  assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
  real = builtins.__import__

  def refuse(name, *rest):
    if name == 'sentencepiece':
      raise ImportError(name)
    return real(name, *rest)

  monkeypatch.setattr(builtins, '__import__', refuse)
  with pytest.raises(errors.UserError, match=r'jaxperf\[data\]'):
    tokenizers.load(pathlib.Path(FOLDER / 'spm_model.vocab'))
