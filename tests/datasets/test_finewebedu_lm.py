# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Web pages, from Parquet files to ids, and what can be wrong with them."""

import importlib.metadata
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from jaxperf import errors, prepared
from jaxperf.cli import main
from jaxperf.datasets import check as check_lib
from tests import click_logs, web_pages
from workloads.finewebedu_lm import bpe, tokens

ROOT = pathlib.Path(__file__).parents[2]
NAME = tokens.NAME


@pytest.fixture(scope='module')
def raw(tmp_path_factory):
  """Parquet files and a tokenizer: two folders."""
  return web_pages.write(tmp_path_factory.mktemp('pages'))


@pytest.fixture(scope='module')
def made(raw, tmp_path_factory):
  """The folder of all prepared data."""
  path = tmp_path_factory.mktemp('made')
  web_pages.prepared(path, *raw)
  return path


def stored(folder):
  """Ids of each document."""
  ids = np.load(folder / NAME / tokens.IDS_NAME)
  ends = np.load(folder / NAME / tokens.ENDS_NAME).astype(int)
  return [part.tolist() for part in np.split(ids, ends[:-1])]


def test_ids_are_those_of_byte_pair_encoding_by_hand(made):
  found = stored(made)
  texts = web_pages.documents()
  assert len(found) == len(texts)
  compared = 0
  for ids, text in zip(found, texts):
    if not text or text.isascii():
      assert ids == web_pages.encoded(text), text
      compared += 1
  assert compared > 290
  assert [found[i] for i in (5, 17, 160)] == [[], [], []]
  assert found[30].count(web_pages.vocabulary()[bpe.END]) == 2


def test_any_text_comes_back_as_it_was(made, raw):
  tokenizer = bpe.load(raw[1])
  for number in (0, 20, 30):
    text = tokenizer.decode(stored(made)[number])
    assert text == web_pages.documents()[number] + bpe.END


def orders(folder, division):
  return [
    np.load(folder / NAME / tokens.order_name(division, split))
    for split in tokens.SPLITS
  ]


def test_the_benchmarks_splits_overlap_and_clean_ones_do_not(made):
  count = web_pages.COUNT
  for division in tokens.DIVISIONS:
    train, validation = orders(made, division)
    assert (len(train), len(validation)) == (270, 30)
    assert len(set(train)) == 270
    assert len(set(validation)) == 30
    common = len(set(train) & set(validation))
    if division == 'clean':
      assert common == 0
      assert sorted([*train, *validation]) == list(range(count))
    else:  # 27 of 30 are expected; fewer than 20 would be one in a million.
      assert 20 <= common <= 30
  (one, _), (other, _) = (orders(made, d) for d in tokens.DIVISIONS)
  np.testing.assert_array_equal(one, other)


def test_a_stream_is_its_documents_one_after_another(made):
  found = stored(made)
  for division in tokens.DIVISIONS:
    streams = tokens.splits(made / NAME, division)
    for order, stream in zip(orders(made, division), streams.values()):
      whole = np.concatenate([np.array(found[i], int) for i in order])
      assert len(stream) == len(whole)
      np.testing.assert_array_equal(stream[:], whole)
      rng = random.Random(3)
      for _ in range(50):
        start = rng.randrange(len(whole))
        stop = start + rng.randrange(120)
        np.testing.assert_array_equal(stream[start:stop], whole[start:stop])


def test_a_check_passes_and_names_what_is_damaged(made, tmp_path):
  copy = pathlib.Path(shutil.copytree(made, tmp_path / 'copy'))
  fine, lines = checked(copy)
  assert fine, lines
  assert any('300 documents (3 without text)' in line for line in lines)
  assert any('benchmark: ' in line for line in lines)
  path = copy / NAME / tokens.IDS_NAME
  content = bytearray(path.read_bytes())
  content[-3000] ^= 0x40  # The high byte of an id.
  path.write_bytes(content)
  fine, lines = checked(copy, deep=True)
  assert not fine
  assert any(tokens.IDS_NAME in line or 'the id' in line for line in lines)


def checked(folder, deep=False):
  """Whether all is fine, and the sentences."""
  lines = []
  dataset = web_pages.dataset()
  return check_lib.run(dataset, folder / NAME, deep, lines.append), lines


def damaged(path):
  path.write_bytes(path.read_bytes()[:-200])


def other_column(path):
  pyarrow.parquet.write_table(pa.table({'content': ['a']}), path)


def numbers(path):
  pyarrow.parquet.write_table(pa.table({'text': [1, 2]}), path)


@pytest.mark.parametrize(
  ('change', 'said'),
  [
    (damaged, 'is no Parquet file with a column'),
    (other_column, "is no Parquet file with a column 'text'"),
    (numbers, "the column 'text' holds int64, expected string"),
  ],
)
def test_bad_raw_files_are_named(raw, tmp_path, change, said):
  copy = pathlib.Path(shutil.copytree(raw[0], tmp_path / 'raw'))
  path = copy / 'data' / '001_00000.parquet'
  change(path)
  sentence = web_pages.refused(tmp_path / 'to', copy, raw[1])
  assert said in sentence
  assert str(path) in sentence


def test_a_damaged_row_group_is_named(raw, tmp_path):
  copy = pathlib.Path(shutil.copytree(raw[0], tmp_path / 'raw'))
  path = copy / 'data' / '001_00000.parquet'
  content = bytearray(path.read_bytes())
  content[2000:2400] = bytes(400)
  path.write_bytes(content)
  sentence = web_pages.refused(tmp_path / 'to', copy, raw[1])
  assert f'{path}, row group ' in sentence


def test_missing_things_are_named(raw, tmp_path):
  (tmp_path / 'empty').mkdir()
  refused = web_pages.refused
  to = tmp_path / 'to'
  assert 'holds no file *.parquet' in refused(to, tmp_path / 'empty', raw[1])
  assert 'no tokenizer is named' in refused(to, raw[0], None)
  assert 'vocab.json is missing' in refused(to, raw[0], tmp_path / 'empty')
  copy = pathlib.Path(shutil.copytree(raw[1], tmp_path / 'bpe'))
  (copy / bpe.VOCAB).write_text('{"a": 0}')
  assert 'holds no byte-level BPE with the end' in refused(to, raw[0], copy)


@pytest.mark.parametrize('package', ['tokenizers', 'pyarrow.parquet'])
def test_a_missing_package_names_the_extra(raw, tmp_path, monkeypatch, package):
  monkeypatch.setitem(sys.modules, package, None)
  sentence = web_pages.refused(tmp_path, *raw)
  assert "pip install 'jaxperf[data]'" in sentence


def test_another_tokenizer_or_vocabulary_is_told(made):
  about = tokens.identity(made, 'clean')
  manifest = prepared.read(made / NAME)
  assert about == {
    'tokenizer': manifest.parameters['tokenizer'],
    'division': 'clean',
  }
  assert manifest.tools == {
    name: importlib.metadata.version(name) for name in ('pyarrow', 'tokenizers')
  }
  with pytest.raises(errors.UserError, match=r'vocabulary of .* at most 100'):
    tokens.open_splits(made, 100, 'clean')


def _start(raw, to, workers):
  return subprocess.Popen(
    [
      *(sys.executable, '-m', 'tests.web_pages'),
      *(str(raw[0]), str(raw[1]), str(to), str(workers)),
    ],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.DEVNULL,
  )


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(3, 2)]
  + [pytest.param(20, workers, marks=pytest.mark.slow) for workers in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  raw, made, tmp_path, kills, workers
):
  rng, to = random.Random(kills), tmp_path / 'killed'
  work = to / NAME / prepared.WORK
  for number in range(kills):
    process = _start(raw, to, workers)
    wanted = 1 + number * 14 // kills
    while process.poll() is None and (
      len(list(work.glob('*.npz'))) < wanted if work.exists() else True
    ):
      time.sleep(0.001)
    time.sleep(rng.random() * 0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
  assert _start(raw, to, workers).wait() == 0
  assert click_logs.contents(to / NAME) == click_logs.contents(made / NAME)


def test_the_command_line_prepares_what_it_is_given(raw, tmp_path, capsys):
  command = [
    *('data', 'prepare', NAME, f'--raw={raw[0]}'),
    *(f'--tokenizer={raw[1]}', f'--to={tmp_path}'),
  ]
  assert main.main(command) == 0
  assert '300 documents' in capsys.readouterr().out
  assert main.main(['data', 'check', NAME, f'--data-dir={tmp_path}']) == 1
  printed = capsys.readouterr().out  # It is no ten billion tokens.
  assert 'expected about 8,749,870' in printed
