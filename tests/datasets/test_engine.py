# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The machinery of preparation, with a data set that is no data set's."""

import io
import json

import pytest

from jaxperf import errors, prepared
from jaxperf.datasets import check, listing, prepare, progress
from jaxperf.datasets import journal as journal_lib
from tests.datasets import words


@pytest.fixture
def raw(tmp_path):
  (tmp_path / 'raw').mkdir()
  for index in range(5):
    text = ' '.join(['word'] * index)
    (tmp_path / 'raw' / f't{index}.txt').write_text(text)
  return tmp_path / 'raw'


@pytest.mark.parametrize('workers', [1, 3])
def test_stages_follow_each_other(raw, tmp_path, workers):
  text = prepare.run(words.DATASET, raw, tmp_path, workers)
  assert text.endswith('words is prepared: 10 words, 5 texts')
  manifest = prepared.load(tmp_path / 'words', 1)
  assert [file.name for file in manifest.files] == [
    'all.total',
    *(f't{index}.count' for index in range(5)),
  ]
  lines = []
  assert check.run(words.DATASET, tmp_path / 'words', True, lines.append)
  assert lines[-1] == 'ok   10 words'


@pytest.mark.parametrize('workers', [1, 3])
def test_what_is_done_is_kept_when_a_unit_is_refused(raw, tmp_path, workers):
  (raw / 't3.txt').write_text('a bad word')
  with pytest.raises(errors.UserError, match='t3 has a bad word'):
    prepare.run(words.DATASET, raw, tmp_path, workers)
  with pytest.raises(errors.UserError, match='is not finished'):
    prepared.load(tmp_path / 'words')
  (raw / 't3.txt').write_text('a good one')
  prepare.run(words.DATASET, raw, tmp_path, workers)
  assert prepared.load(tmp_path / 'words').counts == {'words': 10, 'texts': 5}


def test_another_raw_file_voids_what_was_made_of_the_first(raw, tmp_path):
  (raw / 't4.txt').write_text('bad')
  with pytest.raises(errors.UserError):
    prepare.run(words.DATASET, raw, tmp_path)
  (raw / 't1.txt').write_text('now there are more words')
  (raw / 't4.txt').unlink()
  prepare.run(words.DATASET, raw, tmp_path)
  assert (tmp_path / 'words' / 't1.count').read_text() == '5'


def test_a_half_written_journal_is_recovered(tmp_path):
  origin = {'length': 3}
  for name in ('one', 'two'):
    (tmp_path / name).write_text(name)
  with journal_lib.Journal(tmp_path, 'unit', origin) as journal:
    for name in ('one', 'two'):
      journal.add(prepared.describe(tmp_path, name, words=1))
  path = tmp_path / 'journals' / 'unit.jsonl'
  whole = path.read_bytes()
  for end in range(len(whole)):
    path.write_bytes(whole[:end])
    with journal_lib.Journal(tmp_path, 'unit', origin) as journal:
      found = [file.name for file in journal.files]
      assert found == ['one', 'two'][: len(found)]
      assert journal.counts is None
      journal.finish(words=2)
    lines = path.read_text().splitlines()
    assert json.loads(lines[-1]) == {'done': {'words': 2}}
    assert len(lines) == 2 + len(found)


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
  path = tmp_path / 'file'
  with prepared.writing(path) as file:
    file.write(b'content')
    assert not path.exists()
  assert path.read_bytes() == b'content'
  with pytest.raises(TypeError), prepared.writing(path) as file:
    file.write('text')
  assert path.read_bytes() == b'content'
  assert [p.name for p in tmp_path.iterdir()] == ['file']


def test_progress_counts_only_what_this_start_has_done():
  stream = io.StringIO()
  shown = progress.Progress(1_000, 'lines', stream)
  shown.start('day_1')
  shown.add(500, True)
  shown.add(100)
  assert shown.text(10.0) == (
    '600 of 1,000 lines (60.0 %), 10 lines/s, 40 s left; at day_1'
  )
  shown.end('day_1')
  assert shown.text(10.0).endswith('left')


def test_the_list_tells_what_is_there(raw, tmp_path):
  assert ' no' in listing.table([words.DATASET], tmp_path)
  prepare.run(words.DATASET, raw, tmp_path)
  assert ' yes' in listing.table([words.DATASET], tmp_path)
  (tmp_path / 'words' / 'manifest.json').unlink()
  assert ' unfinished' in listing.table([words.DATASET], tmp_path)
