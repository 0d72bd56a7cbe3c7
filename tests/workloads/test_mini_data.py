# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The mini data: what ships is what is documented; damage is named."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
import sklearn.metrics

from jaxperf import errors
from workloads.criteo1tb import data as criteo1tb
from workloads.fastmri import data as fastmri
from workloads.imagenet import data as imagenet
from workloads.librispeech import data as librispeech
from workloads.mini_data import clicks as clicks_lib
from workloads.mini_data import files
from workloads.mini_data import images as images_lib
from workloads.mini_data import molecules as molecules_lib
from workloads.ogbg import data as ogbg

SETS = ('clicks', 'images', 'molecules', 'mri', 'speech', 'translation')


@pytest.fixture(scope='module')
def clicks():
  return clicks_lib.splits()


@pytest.fixture(scope='module')
def molecules():
  return molecules_lib.splits()


def test_the_manifest_describes_exactly_the_files_that_ship():
  packed = {path.name for path in files.FOLDER.glob('*.xz')}
  assert packed == {f'{name}.xz' for name in SETS}
  assert set(files.manifest()) == set(SETS)


@pytest.mark.parametrize('name', SETS)
def test_a_file_has_the_hash_of_the_manifest_a_licence_and_sources(name):
  entry = files.manifest()[name]
  content = (files.FOLDER / entry['file']).read_bytes()
  assert hashlib.sha256(content).hexdigest() == entry['sha256']
  assert len(content) == entry['bytes']
  assert entry['licence']
  assert entry['made']
  for source in entry['sources']:
    assert len(source['sha256']) == 64
  assert f'\n{entry["file"]} -- ' in (files.FOLDER / 'NOTICE').read_text()


def _arrays(value):
  """All arrays in nested containers and objects."""
  if isinstance(value, np.ndarray):
    yield value
  elif isinstance(value, dict):
    for part in value.values():
      yield from _arrays(part)
  elif isinstance(value, (list, tuple)):
    for part in value:
      yield from _arrays(part)
  elif hasattr(value, '__dict__'):
    yield from _arrays(vars(value))


def _graphs():
  found = ogbg._mini_graphs()
  for graphs in found.values():  # They keep what they compute.
    assert len(graphs.first_node) == len(graphs.first_bond) == len(graphs) + 1
  return found


@pytest.mark.parametrize(
  'kept',
  [
    criteo1tb._mini_arrays,
    lambda: imagenet._mini_split('validation'),
    lambda: fastmri._mini_split('validation'),
    librispeech._commands,
    _graphs,
  ],
)
def test_what_is_kept_between_evaluations_cannot_be_written_into(kept):
  found = list(_arrays(kept()))
  assert len(found) >= 2
  assert not any(array.flags.writeable for array in found)
  with pytest.raises(ValueError, match='read-only'):
    found[0][:] = 0


def test_all_files_together_stay_below_eight_megabytes():
  total = sum(path.stat().st_size for path in files.FOLDER.glob('*.xz'))
  assert total < 8_000_000


def test_loading_needs_numpy_and_the_standard_library_only():
  heavy = ('jax', 'pandas', 'scipy', 'sklearn', 'sentencepiece', 'rdkit')
  code = (
    'import sys\n'
    'from workloads.mini_data import images, molecules, translation\n'
    'images.splits(), molecules.splits(), translation.splits()\n'
    f'print([name for name in {heavy} if name in sys.modules])'
  )
  printed = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, check=True
  ).stdout
  assert printed == '[]\n'


def test_a_damaged_file_is_named_with_the_command_that_rebuilds_it(tmp_path):
  content = bytearray((files.FOLDER / 'mri.xz').read_bytes())
  content[1000] ^= 1
  (tmp_path / 'mri.xz').write_bytes(content)
  with pytest.raises(errors.UserError) as caught:
    files.read('mri', tmp_path)
  assert str(tmp_path / 'mri.xz') in str(caught.value)
  assert 'python -m calibration.data.build mri' in str(caught.value)


def test_a_missing_file_is_named_with_the_command_that_rebuilds_it(tmp_path):
  with pytest.raises(errors.UserError, match=r'clicks\.xz cannot be read') as e:
    files.read('clicks', tmp_path)
  assert 'python -m calibration.data.build clicks' in str(e.value)


def test_a_python_without_lzma_says_so(monkeypatch):
  monkeypatch.setitem(sys.modules, 'lzma', None)
  with pytest.raises(errors.UserError, match='without the lzma module'):
    images_lib.splits()


@pytest.mark.parametrize('count', [1, 2, 7, 100, 80_000])
def test_spread_visits_every_row_once_and_any_prefix_covers_the_range(count):
  order = files.spread(count)
  assert sorted(order) == list(range(count))
  prefix = np.sort(order[: count // 4])
  assert np.all(np.diff(prefix) <= 12)


def test_images_are_balanced_and_split_as_documented():
  for split, per_class in zip(files.SPLITS, (1_200, 200, 200)):
    images, labels = images_lib.splits()[split]
    assert images.shape == (10 * per_class, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(labels), [per_class] * 10)
    np.testing.assert_array_equal(labels[:10], np.arange(10))


def test_a_linear_model_on_the_images_errs_as_on_the_original_ones():
  # 16.8 % on all 10,000 test images at full depth of grey; here 2,000 of
  # them, so the standard error is 0.8 %.
  images = images_lib.splits()
  features = {s: x.images.reshape(-1, 784) / 255 for s, x in images.items()}
  model = sklearn.linear_model.RidgeClassifier(10.0)
  model.fit(features['train'], images['train'].labels)
  error = 1 - model.score(features['test'], images['test'].labels)
  assert 0.15 < error < 0.19


@pytest.mark.parametrize(
  ('split', 'rows', 'loss'),
  [('validation', 10_000, 0.5877), ('test', 10_000, 0.5300)],
)
def test_the_constant_click_rate_has_the_published_log_loss(
  clicks, split, rows, loss
):
  labels = clicks[split].labels
  assert labels.shape == (rows,)
  rate = np.full(rows, clicks['train'].labels.mean(dtype=np.float64))
  assert sklearn.metrics.log_loss(labels, rate) == pytest.approx(loss, abs=5e-5)


def test_numbers_and_ids_of_clicks_both_help_a_linear_model(clicks):
  def fitted_loss(features):
    model = sklearn.linear_model.LogisticRegression(C=0.1, tol=1e-3)
    model.fit(features(clicks['train']), clicks['train'].labels)
    predicted = model.predict_proba(features(clicks['validation']))
    return sklearn.metrics.log_loss(clicks['validation'].labels, predicted)

  def one_hot(rows):
    ids = rows.categorical
    start_of_row = np.arange(0, ids.size + 1, ids.shape[1])
    return scipy.sparse.csr_array(
      (np.ones(ids.size), ids.ravel(), start_of_row),
      shape=(len(ids), clicks_lib.TABLE_ROWS),
    )

  dense = fitted_loss(lambda rows: rows.dense)
  both = fitted_loss(
    lambda rows: scipy.sparse.hstack([rows.dense, one_hot(rows)], 'csr')
  )
  assert dense == pytest.approx(0.5565, abs=0.001)
  assert both == pytest.approx(0.5071, abs=0.006)


def test_dense_click_columns_are_standardised_on_training_rows(clicks):
  dense = clicks['train'].dense
  assert dense.shape == (80_000, 13)
  assert dense.dtype == np.float32
  np.testing.assert_allclose(dense.mean(axis=0), 0, atol=0.02)
  assert np.all(dense.std(axis=0) < 1.01)


def test_each_click_column_has_its_own_rows_of_the_table(clicks):
  ids = np.concatenate([rows.categorical for rows in clicks.values()])
  assert ids.shape == (100_000, 26)
  assert ids.dtype == np.int32
  assert ids.max() < clicks_lib.TABLE_ROWS
  starts, ends = ids.min(axis=0), ids.max(axis=0)
  assert np.all(ends[:-1] < starts[1:])
  sizes = {
    name: len(np.unique(column))
    for name, column in zip(clicks_lib.PLAIN, ids.T)
  }
  documented = {
    'carrier': 16,
    'origin': 3,
    'dest': 104,
    'month': 12,
    'day': 31,
    'weekday': 7,
    'hour': 19,
    'minute': 60,
    'wind_dir': 38,
    'type': 4,
    'tz': 7,
  }
  assert sizes.items() >= documented.items()


def test_a_hashed_pair_is_the_top_bits_of_the_multiplied_code():
  codes = np.zeros((15, 2), np.uint16)
  origin, dest = (
    clicks_lib.PLAIN.index('origin'),
    clicks_lib.PLAIN.index('dest'),
  )
  codes[origin] = [0, 1]
  codes[dest] = [0, 4]
  rows = clicks_lib.table_rows(codes)
  # The pair (1, 4) of origin and 5 destinations is 1 * 5 + 4 = 9, and
  # 9 * 2654435761 mod 2**32 = 2415085369 = 2303 * 2**20 + 214841.
  # The plain columns take 13 rows for one code, 2 and 5 for these two.
  assert rows[0, 15] == 13 + 2 + 5
  assert rows[1, 15] == 13 + 2 + 5 + 2303


def test_clicks_are_split_by_day_of_the_year():
  codes = files.read('clicks')['categorical']
  month, day = (
    codes[clicks_lib.PLAIN.index(name)].astype(int) for name in ('month', 'day')
  )
  days_before = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
  last_digit = (days_before[month] + day + 1) % 10
  for split, digits in {
    'train': {0, 1, 2, 3, 5, 6, 7, 8},
    'validation': {4},
    'test': {9},
  }.items():
    rows = files.split_slices('clicks')[split]
    assert set(last_digit[rows]) == digits


def test_molecules_have_the_published_counts(molecules):
  sizes = [len(split.n_node) for split in molecules.values()]
  assert sizes == [14_919, 1_864, 1_866]
  n_node = np.concatenate([split.n_node for split in molecules.values()])
  n_bond = np.concatenate([split.n_bond for split in molecules.values()])
  assert n_node.mean() == pytest.approx(20.7, abs=0.05)
  assert n_bond.mean() == pytest.approx(22.1, abs=0.05)
  assert n_node.min() == 4
  assert n_node.max() == 50
  assert n_bond.max() <= 60


def test_one_label_is_measured_and_part_of_the_others_hidden(molecules):
  labels = np.concatenate([split.labels for split in molecules.values()])
  assert molecules_lib.tasks()[-1] == 'bbb_measured'
  assert len(molecules_lib.tasks()) == labels.shape[1] == 65
  measured = labels[:, -1]
  assert np.sum(~np.isnan(measured)) == 3_775
  assert np.nanmean(measured) == pytest.approx(0.647, abs=5e-4)
  hidden = np.isnan(labels[:, :-1]).mean(axis=0)
  assert np.all((hidden > 0.13) & (hidden < 0.17))
  prevalence = np.nanmean(labels[:, :-1], axis=0)
  assert np.median(prevalence) == pytest.approx(0.06, abs=0.005)
  assert set(np.unique(labels[~np.isnan(labels)])) == {0, 1}


def test_bonds_and_hydrogens_add_up_to_the_degree_in_ogb_encoding(molecules):
  split = molecules['validation']
  first_node = np.cumsum(split.n_node) - split.n_node
  assert np.all(
    split.edge_index < np.repeat(split.n_node, split.n_bond)[:, None]
  )
  atoms = split.edge_index + np.repeat(first_node, split.n_bond)[:, None]
  neighbours = np.bincount(atoms.ravel(), minlength=split.n_node.sum())
  degree, hydrogens = split.node_features[:, 2], split.node_features[:, 4]
  np.testing.assert_array_equal(neighbours + hydrogens, degree)


def test_aromatic_bonds_join_aromatic_ring_atoms_in_ogb_encoding(molecules):
  split = molecules['test']
  first_node = np.cumsum(split.n_node) - split.n_node
  atoms = split.edge_index + np.repeat(first_node, split.n_bond)[:, None]
  aromatic = atoms[split.edge_features[:, 0] == 3]
  assert len(aromatic) > 10_000
  assert np.all(split.node_features[aromatic][:, :, 7:] == 1)
  # A neutral carbon atom (number 6, so index 5) outside of aromatic rings has
  # four bonds, hydrogens included.
  order = np.array([1, 2, 3, 1.5])[split.edge_features[:, 0].astype(int)]
  total = np.bincount(atoms.ravel(), np.repeat(order, 2))
  total += split.node_features[:, 4]
  carbon = np.all(split.node_features[:, [0, 3, 5, 7]] == (5, 5, 0, 0), axis=1)
  assert carbon.sum() > 5_000
  assert np.all(total[carbon] == 4)
