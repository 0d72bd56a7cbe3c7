# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Archives are refused unless they are the right ones; builders read them."""

import json
import shutil
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import archives, builders
from jaxperf.datasets import built as built_lib
from tests import reference

FOLDER = reference.FOLDER / 'data' / 'ogbg'
RAW, NAME = FOLDER / 'raw', 'ogbg_molpcba:0.1.3'
ARCHIVES = [
  archives.Archive(name, row['bytes'], row['sha256'])
  for name, row in json.loads((RAW / 'manifest.json').read_text()).items()
]
SPLITS = ('train', 'validation', 'test')


def prepared(work):
  """The miniature, made by its builder."""
  for archive in ARCHIVES:
    path = archives.find(RAW, archive)
    archives.verify(path, archive)
    archives.unpack(path, work / builders.EXTRACTED)
  return builders.build(NAME, ARCHIVES, RAW, work)


@pytest.fixture(scope='module')
def built(tmp_path_factory):
  return prepared(tmp_path_factory.mktemp('work'))


@pytest.fixture
def raw(tmp_path):
  """A copy of a builder's folder, to spoil."""
  folder = tmp_path / 'raw' / 'ogbg_molpcba' / '0.1.3'
  shutil.copytree(FOLDER / 'tfds' / 'ogbg_molpcba' / '0.1.3', folder)
  folder.chmod(0o755)
  for path in folder.iterdir():
    path.chmod(0o644)
  return folder


def refused(function, *arguments):
  with pytest.raises(errors.UserError) as caught:
    function(*arguments)
  assert '\n' not in str(caught.value)
  return str(caught.value)


def same(one, other):
  """Compares examples; labels may be NaN."""
  assert one.keys() == other.keys()
  for key in one:
    np.testing.assert_array_equal(one[key], other[key], strict=True)


@pytest.mark.parametrize('split', SPLITS)
def test_both_file_formats_hold_the_same_examples_in_the_same_order(
  built, split
):
  assert built.file_format == 'array_record'
  there = built_lib.find(FOLDER / 'tfds', NAME)
  assert there.file_format == 'tfrecord'
  assert there.lengths == built.lengths
  found = [list(built_lib.examples(b, split)) for b in (built, there)]
  assert len(found[0]) == len(found[1]) == sum(built.lengths[split])
  for one, other in zip(*found):
    same(one, other)


def test_building_again_starts_anew_only_what_is_not_complete(tmp_path, capsys):
  first = prepared(tmp_path)
  before = (first.folder / 'dataset_info.json').stat().st_ino
  prepared(tmp_path)
  assert (first.folder / 'dataset_info.json').stat().st_ino == before
  (tmp_path / 'ogbg_molpcba-0.1.3.complete').unlink()
  (first.folder.parent / 'incomplete.ABCDEF_0.1.3').mkdir()
  capsys.readouterr()
  assert prepared(tmp_path) == first
  assert 'was interrupted; started again' in capsys.readouterr().err
  assert [path.name for path in first.folder.parent.iterdir()] == ['0.1.3']


def test_examples_are_reported_as_they_are_made(tmp_path, built):
  counts = []
  archives.unpack(RAW / ARCHIVES[0].name, tmp_path / builders.EXTRACTED)
  builders.build(NAME, ARCHIVES, RAW, tmp_path, counts.append)
  assert sum(counts) == sum(sum(n) for n in built.lengths.values())


def test_nothing_imports_tensorflow(tmp_path):
  script = f"""
import pathlib, sys
from tests.datasets import test_builders
from jaxperf.datasets import built as built_lib
built = test_builders.prepared(pathlib.Path({str(tmp_path)!r}))
there = built_lib.find(test_builders.FOLDER / 'tfds', test_builders.NAME)
for one in (built, there):
  print(len(list(built_lib.examples(one, 'train'))), file=sys.stderr)
print('tensorflow' in sys.modules)
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == 'False'


def test_archives_that_are_missing_or_not_whole_are_refused(tmp_path):
  archive = ARCHIVES[0]
  path = tmp_path / archive.name
  assert f'lacks {archive.name}' in refused(archives.find, tmp_path, archive)
  content = (RAW / archive.name).read_bytes()
  path.write_bytes(content[: len(content) // 2])
  sentence = refused(archives.find, tmp_path, archive)
  assert f'{path} has {len(content) // 2:,} bytes' in sentence
  assert f'expected {len(content):,}: download it again' in sentence
  path.write_text('<!DOCTYPE html>\n<title>404 Not Found</title>\n')
  assert "'<!DOCTYPE html>'" in refused(archives.find, tmp_path, archive)
  path.write_bytes(content[:-9] + bytes(9))
  assert archives.find(tmp_path, archive) == path
  assert 'has the SHA-256' in refused(archives.verify, path, archive)


@pytest.mark.parametrize('name', ['a.zip', 'a.tgz', 'a.tar.gz'])
def test_damaged_archives_leave_nothing_under_a_final_name(tmp_path, name):
  path = tmp_path / name
  path.write_bytes(b'not an archive')
  folder = tmp_path / 'to'
  assert 'is damaged' in refused(archives.unpack, path, folder)
  left = [p.name for p in folder.iterdir()]
  assert not [p for p in left if p.startswith(('ZIP.', 'TAR_GZ.'))]


def test_a_tar_is_unpacked_where_builders_look_for_it(tmp_path):
  (tmp_path / 'text').write_text('words')
  with tarfile.open(tmp_path / 'a.tgz', 'w:gz') as tar:
    tar.add(tmp_path / 'text', 'inside/text')
  for _ in range(2):
    folder = archives.unpack(tmp_path / 'a.tgz', tmp_path / 'to')
    assert folder == tmp_path / 'to' / 'TAR_GZ.a.tgz'
    assert (folder / 'inside' / 'text').read_text() == 'words'


def test_a_folder_of_another_version_is_refused_with_both(raw):
  path = raw / 'dataset_info.json'
  path.write_text(path.read_text().replace('"0.1.3"', '"0.1.2"'))
  for place in (raw, raw.parent, raw.parents[1]):
    sentence = refused(built_lib.find, place, NAME)
    assert 'version 0.1.2' in sentence
    assert 'expected version 0.1.3' in sentence


def test_an_interrupted_folder_is_refused(raw):
  (raw / 'dataset_info.json').unlink()
  sentence = refused(built_lib.find, raw.parents[1], NAME)
  assert 'was interrupted' in sentence
  (raw / 'dataset_info.json').write_text('{"name"')
  assert 'is damaged' in refused(built_lib.find, raw.parents[1], NAME)


def test_a_folder_is_found_in_several_places(raw):
  for place in (raw, raw.parent, raw.parents[1], raw.parents[2]):
    assert built_lib.find(place, NAME).folder == raw
  assert built_lib.find(raw / 'nothing', NAME) is None


def damaged(raw, change):
  """The sentence with which damaged records of the first file are refused."""
  built = built_lib.find(raw, NAME)
  path = built_lib.files(built, 'train')[0]
  content = bytearray(path.read_bytes())
  path.write_bytes(change(content))
  return refused(list, built_lib.examples(built, 'train'))


def flipped(place):
  def change(content):
    content[place] ^= 1
    return content

  return change


@pytest.mark.parametrize('place', [0, 5, 8, 100, -100, -1])
def test_a_flipped_bit_of_a_record_is_found(raw, place):
  assert 'damaged in record' in damaged(raw, flipped(place))


def test_a_file_that_is_cut_off_is_refused(raw):
  assert 'cut off' in damaged(raw, lambda content: content[:-1])


def test_a_missing_record_is_found(raw):
  def without_first(content):
    first = 16 + int.from_bytes(content[:8], 'little')
    return content[first:]

  assert 'examples, expected' in damaged(raw, without_first)


def test_a_missing_file_is_refused(raw):
  path = built_lib.files(built_lib.find(raw, NAME), 'test')[0]
  path.unlink()
  assert f'{path} is missing' in refused(built_lib.find, raw, NAME)


def test_a_missing_package_of_checksums_is_told(monkeypatch, raw):
  monkeypatch.setitem(sys.modules, 'google_crc32c', None)
  built = built_lib.find(raw, NAME)
  sentence = refused(list, built_lib.examples(built, 'train'))
  assert 'google-crc32c' in sentence
  assert "pip install 'jaxperf[data]'" in sentence


def test_a_missing_package_is_told(monkeypatch):
  monkeypatch.setitem(sys.modules, 'importlib_resources', None)
  sentence = refused(built_lib.library)
  assert 'importlib_resources' in sentence
  assert "pip install 'jaxperf[data]'" in sentence


@pytest.mark.parametrize('part', [(0, 3), (2, 5), (4, None), (3, 3)])
def test_a_part_of_the_examples_is_had_by_itself(built, part):
  for one in (built, built_lib.find(FOLDER / 'tfds', NAME)):
    whole = list(built_lib.examples(one, 'train'))[slice(*part)]
    found = list(built_lib.examples(one, 'train', *part))
    assert len(found) == len(whole)
    for example, expected in zip(found, whole):
      same(example, expected)
