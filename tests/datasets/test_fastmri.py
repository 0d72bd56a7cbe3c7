# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Scans, from raw volumes to slices, against the benchmark's own slices."""

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
from tests import mri_scans
from workloads.fastmri import data, sampling, slices

ROOT = pathlib.Path(__file__).parents[2]
EXPECTED = mri_scans.expected()
NUM_SLICES = EXPECTED['num_slices']


@pytest.fixture(scope='module')
def splits(mri_data):
  return slices.open_splits(mri_data)


@pytest.fixture(scope='module')
def raw(tmp_path_factory):
  return mri_scans.unpacked(tmp_path_factory.mktemp('raw'))


@pytest.fixture(scope='module')
def few(raw, tmp_path_factory):
  """Prepared data of few volumes."""
  path = tmp_path_factory.mktemp('few')
  mri_scans.prepared(path, raw, few=True)
  return path


def same(folder, other):
  first, second = (mri_scans.contents(p / 'fastmri') for p in (folder, other))
  return first == second


def statistics(images):
  flat = images.reshape(len(images), -1).astype(np.float64)
  return np.stack([flat.sum(1), (flat**2).sum(1), np.abs(flat).max(1)], axis=1)


def compare(parity, batch, split, step):
  """Images of a split with the reference's pixels and sums."""
  wanted = mri_scans.arrays()
  for key in ('inputs', 'targets'):
    name = f'{split}/{key}'
    pixels = batch[key][:, ::step, ::step]
    parity.close(name, pixels, wanted[f'{name}_s{step}'], atol=1e-5)
    parity.close(
      f'{name} sums',
      statistics(batch[key]),
      wanted[f'{name}_stats'],
      atol=0.5,
      rtol=1e-5,
    )


def test_masks_of_training_are_those_of_the_benchmark():
  masks = sampling.column_masks(
    EXPECTED['train_widths'], EXPECTED['train_seeds']
  )
  for index, mask in enumerate(masks):
    bits = np.packbits(mask.astype(bool))
    wanted = mri_scans.arrays()[f'train/mask{index}']
    np.testing.assert_array_equal(bits, wanted)


@pytest.mark.parity
def test_training_slices_are_those_of_the_benchmark(splits, parity):
  seeds = EXPECTED['train_seeds']
  batch = slices.read(splits.train, range(len(seeds)), seeds)
  compare(parity, batch, 'train', 8)
  wanted = mri_scans.arrays()['train/mean_std_volume_max']
  for column, key in enumerate(('mean', 'std')):
    parity.close(key, batch[key], wanted[:, column], rtol=2e-5)
  parity.equal('volume_max', batch['volume_max'], wanted[:, 2])


@pytest.mark.parity
@pytest.mark.parametrize('split', ['validation', 'test'])
def test_evaluation_batches_are_those_of_the_benchmark(mri_data, split, parity):
  wanted, size = mri_scans.arrays(), EXPECTED['batch_size']
  batches = list(data.prepared(mri_data).evaluation(split, size))
  batch = {
    key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]
  }
  compare(parity, batch, split, 32)
  for key in ('mean', 'std', 'volume_max', 'weights'):
    rtol = 2e-5 if key in ('mean', 'std') else 0
    found = batch[key].reshape(-1, size)
    parity.close(key, found, wanted[f'{split}/{key}'], rtol=rtol)
  if f'{split}/inputs_full0' in wanted:
    for key in ('inputs', 'targets'):
      full = wanted[f'{split}/{key}_full0']
      parity.close(f'first {key}', batch[key][0], full, atol=1e-5)
  for key, (shape, _) in EXPECTED['keys_of_last_batch'][split].items():
    assert batches[-1][key].shape == tuple(shape)
    assert batches[-1][key].dtype == np.float32


def test_volumes_and_splits_are_those_of_the_raw_files(mri_data, splits):
  manifest = prepared.load(mri_data / 'fastmri', slices.VERSION)
  found = {split: manifest.counts[split] for split in NUM_SLICES}
  assert found == NUM_SLICES
  rows = [*mri_scans.volumes('train'), *mri_scans.volumes('val')]
  assert manifest.counts['volumes without max'] == sum(not r[5] for r in rows)
  read = [
    volume
    for split in (splits.train, splits.validation, splits.test)
    for volume in split.volumes
  ]
  assert [(v.name, v.slices, v.width) for v in read] == [
    (row[0], row[1], row[3]) for row in rows
  ]
  maxima = [np.float32(volume.volume_max) for volume in read]
  assert maxima == [np.float32(row[4]) for row in rows]


def test_the_manifest_describes_every_file(few):
  for file in prepared.load(few / 'fastmri').files:
    content = (few / 'fastmri' / file.name).read_bytes()
    assert file.bytes == len(content)
    assert file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize('width', [320, 321, 367, 372])
def test_half_of_the_transform_may_be_done_first(width):
  rng = np.random.default_rng(width)
  kspace = rng.normal(size=(640, width, 2)).astype(np.float32)
  kspace = kspace.view(np.complex64)[..., 0]
  target, seed = rng.random((320, 320), np.float32), (7, width)
  wanted = sampling.undersampled(kspace, target, seed)
  mask = np.fft.ifftshift(sampling.column_mask(width, seed))
  inputs = np.empty_like(target)
  sampling.magnitude(sampling.hybrid(kspace, 320) * mask, inputs)
  mean, std = sampling.normalise(inputs, target)
  np.testing.assert_allclose(inputs, wanted.inputs, atol=1e-5)
  np.testing.assert_allclose(target, wanted.targets, atol=1e-5)
  np.testing.assert_allclose((mean, std), (wanted.mean, wanted.std), rtol=2e-5)


@pytest.mark.parametrize(
  ('suffix', 'workers'), [('.tar.gz', 1), ('.tar', 2), ('.tar.xz', 1)]
)
def test_archives_and_processes_do_not_change_a_byte(
  few, tmp_path, suffix, workers
):
  raw = mri_scans.packed(mri_scans.unpacked(tmp_path / 'raw'), suffix)
  mri_scans.prepared(tmp_path / 'to', raw, few=True, workers=workers)
  assert same(tmp_path / 'to', few)
  assert 'already' in mri_scans.prepared(tmp_path / 'to', raw, few=True)


def test_folders_of_either_name_do_not_change_a_byte(few, tmp_path):
  raw = mri_scans.unpacked(tmp_path / 'raw', prefix='')
  mri_scans.prepared(tmp_path / 'to', raw, few=True)
  assert same(tmp_path / 'to', few)


def test_finished_volumes_are_not_made_again(raw, tmp_path):
  mri_scans.prepared(tmp_path, raw, few=True)
  times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob('*.npy')}
  gone = sorted(times)[-1]  # A target: its k-space is kept.
  gone.unlink()
  mri_scans.prepared(tmp_path, raw, few=True)
  changed = [p for p, t in times.items() if p.stat().st_mtime_ns != t]
  assert changed == [gone]


def _start(raw, folder, workers: int) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, '-m', 'tests.mri_scans', raw, folder, str(workers)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.DEVNULL,
  )


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(2, 1)]
  + [pytest.param(20, workers, marks=pytest.mark.slow) for workers in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  few, tmp_path, kills, workers
):
  raw = mri_scans.packed(mri_scans.unpacked(tmp_path / 'raw'))
  to, rng = tmp_path / 'to', random.Random(kills)
  total = len(list(few.rglob('*.npy')))
  for files in sorted(rng.randrange(total) for _ in range(kills)):
    process = _start(raw, to, workers)
    while len(list(to.rglob('*.npy'))) < files and process.poll() is None:
      time.sleep(0.001)
    time.sleep(rng.random() * 0.02)  # While a file is written, or renamed.
    process.send_signal(signal.SIGKILL)
    process.wait()
    if prepared.is_complete(to / 'fastmri'):
      assert same(to, few)
      continue
    with pytest.raises(errors.UserError, match=r'not finished|no prepared'):
      prepared.load(to / 'fastmri')
  assert _start(raw, to, workers).wait() == 0
  assert same(to, few)


def checked(folder, deep=False, **changes):
  lines = []
  dataset = mri_scans.dataset(few=True, **changes)
  check_lib.run(dataset, folder / 'fastmri', deep, lines.append)
  return lines


def test_a_check_names_the_first_slices_and_writes_nothing(few):
  before = {p: p.stat().st_mtime_ns for p in few.rglob('*')}
  lines = checked(few, deep=True)
  assert all(line.startswith('ok ') for line in lines), lines
  name = mri_scans.volumes('val')[0][0]
  assert any(f'first validation slice: {name} slice 0' in x for x in lines)
  assert any('first training batch' in line for line in lines)
  assert {p: p.stat().st_mtime_ns for p in few.rglob('*')} == before


def test_a_check_compares_the_counts(few):
  lines = checked(few, volumes={'train': 9, 'val': 9})
  assert any(line.startswith('BAD  volumes') for line in lines)


def test_the_commands_end_with_their_codes(raw, few, tmp_path, capsys):
  prepare = ('data', 'prepare', 'fastmri', f'--raw={raw}', f'--to={tmp_path}')
  assert main.main(prepare) == 2
  assert 'expected 973' in capsys.readouterr().err
  assert not (tmp_path / 'fastmri').exists()
  assert main.main(('data', 'check', 'fastmri', f'--data-dir={few}')) == 1
  expected = "expected {'train': 973, 'val': 199}"
  assert expected in capsys.readouterr().out
  assert main.main(('data', 'list', f'--data-dir={few}')) == 0
  assert 'no redistribution' in capsys.readouterr().out


def test_preparing_in_processes_needs_no_jax():
  script = 'import sys; from workloads.fastmri import prepare; '
  script += 'print([m for m in ("jax", "pandas", "flax") if m in sys.modules])'
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert json.loads(out.stdout) == []
