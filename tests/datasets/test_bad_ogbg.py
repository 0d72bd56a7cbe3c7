# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Bad molecules: what preparing, checking and a run say of them."""

import io
import json
import re
import shutil
import struct
import zipfile

import numpy as np
import pytest

from jaxperf import errors
from jaxperf.datasets import check as check_lib
from tests import molecules
from workloads.ogbg import storage

RAW = 'pcba/raw/{}.csv.gz'
SPLIT = 'pcba/split/scaffold/{}.csv.gz'
SIZES = molecules.published()
ALL = sum(SIZES.values())


def changed(tmp_path, name, change):
  """The sentence on an archive in one file of which lines are changed."""
  content = molecules.members()
  lines = content[name].decode().splitlines()
  content[name] = ''.join(f'{line}\n' for line in change(lines)).encode()
  raw = molecules.packed(tmp_path / 'raw', content)
  return molecules.refused(raw, tmp_path / 'to')


def test_a_half_downloaded_archive_is_refused_with_both_sizes(tmp_path):
  content = (molecules.RAW / 'pcba.zip').read_bytes()
  path = tmp_path / 'raw' / 'pcba.zip'
  path.parent.mkdir()
  path.write_bytes(content[: len(content) // 2])
  made = molecules.prepare.dataset(molecules.archive(), SIZES)
  with pytest.raises(errors.UserError) as caught:
    molecules.prepare_lib.run(made, path.parent, tmp_path / 'to')
  sentence = str(caught.value)
  assert f'{path} has {len(content) // 2:,} bytes' in sentence
  assert f'expected {len(content):,}: download it again' in sentence
  path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
  with pytest.raises(errors.UserError, match='has the SHA-256'):
    molecules.prepare_lib.run(made, path.parent, tmp_path / 'to')
  assert not list((tmp_path / 'to').rglob('*.npz'))


def test_a_folder_without_the_archive_is_told(tmp_path):
  (tmp_path / 'raw').mkdir()
  sentence = molecules.refused(tmp_path / 'raw', tmp_path / 'to')
  assert 'lacks pcba.zip' in sentence
  (tmp_path / 'raw' / 'hiv.zip').write_bytes(b'')
  sentence = molecules.refused(tmp_path / 'raw', tmp_path / 'to')
  assert 'hiv.zip cannot take its place, it is of ogbg-molhiv' in sentence


def test_another_set_of_the_provider_is_refused(tmp_path):
  content = {
    name.replace('pcba/', 'hiv/'): text
    for name, text in molecules.members().items()
  }
  raw = molecules.packed(tmp_path / 'raw', content)
  sentence = molecules.refused(raw, tmp_path / 'to')
  assert 'seems to be ogbg-molhiv' in sentence


def test_other_numbers_of_labels_are_refused(tmp_path):
  sentence = changed(
    tmp_path,
    RAW.format('graph-label'),
    lambda lines: [line.partition(',')[0] for line in lines[:-1]] + ['1.0'],
  )
  assert 'has 1 columns, expected 128' in sentence
  assert 'another data set' in sentence


@pytest.mark.parametrize(
  'name', ['node-feat', 'edge-feat', 'edge', 'graph-label', 'num-edge-list']
)
def test_sums_that_do_not_fit_are_refused_with_both(tmp_path, name):
  count = len(molecules.members()[RAW.format(name)].split(b'\n')) - 1
  sentence = changed(tmp_path, RAW.format(name), lambda lines: lines[:-1])
  assert f'{name}.csv.gz has {count - 1:,} lines, expected {count:,}' in (
    sentence
  )


@pytest.mark.parametrize('value', ['-1', '1000', '99999999999999999999', 'x'])
def test_a_bad_bond_is_refused_with_its_row(tmp_path, value):
  def change(lines):
    lines[5] = f'0,{value}'
    return lines

  sentence = changed(tmp_path, RAW.format('edge'), change)
  assert 'edge.csv.gz' in sentence
  if value in ('-1', '1000'):
    sizes = molecules.members()[RAW.format('num-edge-list')].split()
    ends = np.cumsum([int(size) for size in sizes])
    graph = np.searchsorted(ends, 5, side='right')
    wanted = f'row 5 (from 0), of graph {graph}: column 1 is {value}, expected'
    assert wanted in sentence


@pytest.mark.parametrize(
  ('value', 'shown'), [('0.5', '0.5'), ('2.0', '2'), ('-1', '-1')]
)
def test_other_labels_are_refused_with_row_and_column(tmp_path, value, shown):
  def change(lines):
    cells = lines[7].split(',')
    lines[7] = ','.join([*cells[:3], value, *cells[4:]])
    return lines

  sentence = changed(tmp_path, RAW.format('graph-label'), change)
  assert f'row 7 (from 0), of graph 7: column 3 is {shown}' in sentence


@pytest.mark.parametrize('value', ['-1', '256', '1.5', ''])
@pytest.mark.parametrize('name', ['node-feat', 'edge-feat'])
def test_other_features_are_refused(tmp_path, name, value):
  def change(lines):
    lines[2] = f'{value},' + lines[2].partition(',')[2]
    return lines

  assert f'{name}.csv.gz' in changed(tmp_path, RAW.format(name), change)


@pytest.mark.parametrize('value', ['0', '-3', '40000'])
def test_graphs_of_impossible_sizes_are_refused(tmp_path, value):
  def change(lines):
    lines[0] = str(int(lines[0]) + int(lines[1]) - int(value))
    lines[1] = value
    return lines

  sentence = changed(tmp_path, RAW.format('num-node-list'), change)
  assert 'num-node-list.csv.gz, row ' in sentence
  assert 'expected 1 to' in sentence


def test_lines_with_other_numbers_of_fields_are_refused(tmp_path):
  def change(lines):
    lines[3] += ',1'
    return lines

  sentence = changed(tmp_path, RAW.format('node-feat'), change)
  assert 'node-feat.csv.gz is damaged' in sentence


def test_a_split_of_another_size_is_refused(tmp_path):
  sentence = changed(tmp_path, SPLIT.format('valid'), lambda lines: lines[1:])
  count = SIZES['validation']
  assert f'{count - 1:,} graphs, expected {count:,}' in sentence


@pytest.mark.parametrize('other', ['train', 'valid'])
def test_a_row_in_two_splits_is_refused(tmp_path, other):
  row = molecules.members()[SPLIT.format(other)].split()[-1].decode()

  def change(lines):
    return [row, *lines[1:]]

  sentence = changed(tmp_path, SPLIT.format('valid'), change)
  assert re.search(f'row {row} is in the (validation|train) split', sentence)


def test_a_row_of_no_graph_is_refused(tmp_path):
  sentence = changed(
    tmp_path, SPLIT.format('test'), lambda lines: [str(ALL), *lines[1:]]
  )
  assert f'names row {ALL}, and there are {ALL} graphs' in sentence


@pytest.mark.parametrize('name', [RAW.format('edge'), SPLIT.format('test')])
def test_a_missing_or_damaged_file_of_the_archive_is_refused(tmp_path, name):
  content = molecules.members()
  text = content.pop(name)
  raw = molecules.packed(tmp_path / 'raw', content)
  file = name.rpartition('/')[2]
  assert f'lacks {file}' in molecules.refused(raw, tmp_path / 'to')
  with molecules.zipfile.ZipFile(raw / 'pcba.zip', 'a') as zipped:
    zipped.writestr(name, molecules.gzip.compress(text)[:-12])
  sentence = molecules.refused(raw, tmp_path / 'to')
  assert f'{file} is damaged' in sentence


@pytest.fixture
def built(tmp_path):
  """A copy of a builder's folder, to spoil."""
  folder = tmp_path / 'raw' / 'ogbg_molpcba' / '0.1.3'
  shutil.copytree(molecules.BUILT / 'ogbg_molpcba' / '0.1.3', folder)
  for path in (folder, *folder.iterdir()):
    path.chmod(0o755)
  return folder


def test_a_builder_folder_of_other_counts_is_refused(built, tmp_path):
  raw = built.parents[1]
  sentence = molecules.refused(raw, tmp_path / 'to', train=SIZES['train'] + 1)
  assert f'has {SIZES["train"]:,} graphs, expected' in sentence


def test_a_builder_folder_of_another_version_is_refused(built, tmp_path):
  path = built / 'dataset_info.json'
  info = json.loads(path.read_text())
  path.write_text(json.dumps(info | {'version': '0.1.2'}))
  sentence = molecules.refused(built.parents[1], tmp_path / 'to')
  assert 'holds version 0.1.2' in sentence
  assert 'expected version 0.1.3' in sentence
  path.unlink()
  sentence = molecules.refused(built.parents[1], tmp_path / 'to')
  assert 'was interrupted' in sentence


def test_a_damaged_file_of_a_builder_is_refused(built, tmp_path):
  path = next(built.glob('*-validation.tfrecord-*'))
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 4
  path.write_bytes(content)
  made = molecules.dataset()
  with pytest.raises(errors.UserError, match='is damaged in record'):
    molecules.prepare_lib.run(made, built.parents[1], tmp_path / 'to')
  assert not (tmp_path / 'to' / 'ogbg' / 'validation.npz').exists()


@pytest.fixture
def data(tmp_path, molecule_data):
  """A copy of the prepared data, to spoil."""
  shutil.copytree(molecule_data, tmp_path / 'data')
  return tmp_path / 'data'


def run_refused(data):
  """The sentence with which a run refuses prepared data."""
  with pytest.raises(errors.UserError) as caught:
    storage.open_splits(data)('train')
  assert '\n' not in str(caught.value)
  return str(caught.value)


def _inside_arrays(content):
  """Places in the middle of the stored arrays, which checksums cover."""
  with zipfile.ZipFile(io.BytesIO(content)) as zipped:
    for info in zipped.infolist():
      # Lengths of name and extra field, before the array: APPNOTE 4.3.7.
      lengths = struct.unpack_from('<2H', content, info.header_offset + 26)
      start = info.header_offset + 30 + sum(lengths)
      yield start + info.compress_size // 2


def test_a_run_refuses_what_is_missing_half_there_or_damaged(data, tmp_path):
  path = data / 'ogbg' / 'train.npz'
  content = path.read_bytes()
  assert 'holds no prepared data' in run_refused(tmp_path / 'nothing')
  path.write_bytes(content[:-1])
  assert f'has {len(content) - 1:,} bytes, expected' in run_refused(data)
  for place in _inside_arrays(content):
    flipped = bytearray(content)
    flipped[place] ^= 1
    path.write_bytes(flipped)
    assert 'is damaged' in run_refused(data)
  path.unlink()
  assert 'is missing' in run_refused(data)
  (data / 'ogbg' / 'manifest.json').unlink()
  assert 'is not finished' in run_refused(data)


def checked(data, **counts):
  lines = []
  dataset = molecules.dataset(**counts)
  check_lib.run(dataset, data / 'ogbg', True, lines.append)
  return [line for line in lines if line.startswith('BAD')]


def test_a_check_finds_other_counts_and_bytes(data):
  assert 'expected 1 graphs' in checked(data, test=1)[0]
  path = data / 'ogbg' / 'test.npz'
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  assert 'is damaged' in checked(data)[0]


@pytest.mark.parametrize(
  ('key', 'value', 'sentence'),
  [
    ('labels', 3, 'a label is 3'),
    ('bonds', 999, 'an atom that its graph has not'),
    ('n_node', 1, 'nodes has'),
  ],
)
def test_a_check_looks_at_the_values(data, key, value, sentence):
  path = data / 'ogbg' / 'test.npz'
  with np.load(path) as file:
    arrays = dict(file)
  arrays[key].flat[-1] = value if key != 'n_node' else arrays[key][-1] + value
  np.savez(path, **arrays)
  assert any(sentence in line for line in checked(data))
