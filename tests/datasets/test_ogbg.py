# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Molecules from the archive to flat arrays, against the builder's examples."""

import hashlib
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
from tests import molecules
from workloads.ogbg import check, prepare, raw, storage

ROOT = pathlib.Path(__file__).parents[2]
EXPECTED = molecules.expected()
SECONDS = 1.0  # That the preparation of the miniature takes.
LISTS = {'train': 'train', 'validation': 'valid', 'test': 'test'}


@pytest.fixture(scope='module')
def from_folder(tmp_path_factory):
  """Prepared from what a builder has made, in TFRecord files."""
  path = tmp_path_factory.mktemp('folder')
  molecules.prepared(path, molecules.BUILT)
  return path


def column(text: bytes) -> list[int]:
  """Numbers of a file with one in each line."""
  return [int(line) for line in text.split()]


@pytest.mark.parity
@pytest.mark.parametrize('split', storage.SPLITS)
@pytest.mark.parametrize('source', ['molecule_data', 'from_folder'])
def test_arrays_are_those_of_the_builder(split, source, request, parity):
  folder = request.getfixturevalue(source)
  found, wanted = storage.open_splits(folder)(split), molecules.arrays()
  labels = np.where(found.labels == 2, np.nan, found.labels)
  for key, array in (
    ('num_nodes', found.n_node),
    ('num_edges', found.n_bond),
    ('node_feat', found.nodes),
    ('edge_feat', found.bond_features),
    ('edge_index', found.bonds),
  ):
    parity.equal(key, array, wanted[f'{split}_{key}'])
  parity.close('labels', labels, wanted[f'{split}_labels'])
  assert found.nodes.dtype == found.labels.dtype == np.uint8
  assert found.bonds.dtype == np.int16
  without = (found.labels == 2).all(axis=1).sum()
  assert without == EXPECTED[split]['graphs_without_label']


@pytest.mark.parametrize('split', storage.SPLITS)
def test_rows_are_those_of_the_archive(molecule_data, from_folder, split):
  texts = molecules.members()
  found = storage.open_splits(molecule_data)(split)
  listed = texts[f'pcba/split/scaffold/{LISTS[split]}.csv.gz']
  assert sorted(found.row) == sorted(column(listed))
  sizes = np.array(column(texts['pcba/raw/num-node-list.csv.gz']))
  np.testing.assert_array_equal(sizes[found.row], found.n_node)
  lines = texts['pcba/raw/graph-label.csv.gz'].decode().splitlines()
  for row, labels in zip(found.row, found.labels):
    values = [2 if not x else float(x) for x in lines[row].split(',')]
    np.testing.assert_array_equal(labels, values)
  unknown = storage.open_splits(from_folder)(split).row
  np.testing.assert_array_equal(unknown, -1)


def test_the_manifest_describes_every_file(molecule_data):
  folder = molecule_data / 'ogbg'
  manifest = prepared.load(folder, storage.VERSION)
  described = {file.name: file for file in manifest.files}
  for split, expected in EXPECTED.items():
    file = described[f'{split}.npz']
    content = (folder / file.name).read_bytes()
    assert file.bytes == len(content)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert manifest.counts[split] == expected['graphs']
    found = {**file.counts, 'nodes': file.counts['atoms']}
    for key in ('graphs', 'nodes', 'bonds', 'known_labels', 'positive_labels'):
      assert found[key] == expected[key]
  largest = max(molecules.split(name).n_node.max() for name in EXPECTED)
  assert manifest.counts['atoms in the largest molecule'] == largest
  assert set(manifest.tools) == {'tensorflow_datasets'}


def test_nothing_but_the_data_is_left(molecule_data):
  names = {path.name for path in (molecule_data / 'ogbg').iterdir()}
  wanted = {f'{split}.npz' for split in storage.SPLITS}
  assert names == wanted | {'manifest.json', 'journals'}


def test_finished_splits_are_not_made_again(tmp_path):
  molecules.prepared(tmp_path, molecules.BUILT)
  times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.npz')}
  gone = sorted(times)[1]
  gone.unlink()
  molecules.prepared(tmp_path, molecules.BUILT)
  changed = [p for p, t in times.items() if p.stat().st_mtime_ns != t]
  assert changed == [gone]
  assert 'already' in molecules.prepared(tmp_path, molecules.BUILT)


def _start(folder, workers: int) -> subprocess.Popen:
  command = [sys.executable, '-m', 'tests.molecules', molecules.RAW, folder]
  return subprocess.Popen(
    [*command, str(workers)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )


def _kill(folder, workers: int, seconds: float) -> None:
  """Starts the preparation and kills it so long after it has begun to work."""
  lock = folder / 'ogbg' / 'lock'
  lock.unlink(missing_ok=True)
  process = _start(folder, workers)
  while not lock.exists() and process.poll() is None:
    time.sleep(0.001)
  time.sleep(seconds)
  process.send_signal(signal.SIGKILL)
  process.wait()


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(2, 2)] + [pytest.param(20, n, marks=pytest.mark.slow) for n in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  molecule_data, tmp_path, kills, workers
):
  rng = random.Random(kills)
  for _ in range(kills):
    _kill(tmp_path, workers, rng.random() * SECONDS)
    if not (tmp_path / 'ogbg' / 'manifest.json').exists():
      with pytest.raises(errors.UserError, match=r'not finished|no prepared'):
        prepared.load(tmp_path / 'ogbg')
  assert _start(tmp_path, workers).wait() == 0
  assert molecules.contents(tmp_path) == molecules.contents(molecule_data)


def test_a_check_tells_counts_and_first_batches_and_writes_nothing(
  molecule_data,
):
  before = {p: p.stat().st_mtime_ns for p in molecule_data.rglob('*')}
  lines = []
  dataset = molecules.dataset()
  assert check_lib.run(dataset, molecule_data / 'ogbg', True, lines.append)
  text = '\n'.join(lines)
  for split, row in EXPECTED.items():
    assert f'{split}: {row["graphs"]:,} graphs, {row["nodes"]:,} atoms' in text
  for split in ('validation', 'test'):
    row = EXPECTED[split]
    assert f'first {split} batch: {row["graphs"]} graphs in 8 shards' in text
    share = 100 * row['positive_labels'] / row['known_labels']
    assert f'{row["known_labels"]:,} known labels, {share:.1f} %' in text
  assert 'graphs/s' in text
  assert {p: p.stat().st_mtime_ns for p in molecule_data.rglob('*')} == before


def test_the_published_facts():
  assert check.PUBLISHED == {
    'train': 350_343,
    'validation': 43_793,
    'test': 43_793,
  }
  assert prepare.DATASET.raw_bytes == raw.ARCHIVE.bytes == 39_533_472
  assert prepare.DATASET.name == 'ogbg'


def test_the_commands_end_with_their_codes(molecule_data, tmp_path, capsys):
  options = (f'--raw={molecules.RAW}', f'--to={tmp_path}')
  assert main.main(('data', 'prepare', 'ogbg', *options)) == 2
  assert 'expected 39,533,472' in capsys.readouterr().err
  folder = f'--data-dir={molecule_data}'
  assert main.main(('data', 'check', 'ogbg', folder)) == 1
  assert 'expected 350,343 graphs' in capsys.readouterr().out
  assert main.main(('data', 'list', folder)) == 0
  assert 'ogbg' in capsys.readouterr().out


def test_preparing_in_processes_needs_no_jax_and_no_tensorflow():
  script = 'import sys; from workloads.ogbg import prepare; '
  names = '("jax", "pandas", "flax", "tensorflow", "tensorflow_datasets")'
  script += f'print([m for m in {names} if m in sys.modules])'
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert json.loads(out.stdout) == []
