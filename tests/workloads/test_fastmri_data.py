# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of prepared scans: order, masks, resuming, parts, training."""

import dataclasses
import itertools
import pathlib
import subprocess
import sys
import time

import flax.linen as nn
import numpy as np
import pytest

from tests import mri_scans, real_data
from tests.workloads import published
from workloads.fastmri import check, data, slices
from workloads.fastmri import workload as workload_lib

EXPECTED = mri_scans.expected()
NUM_SLICES = EXPECTED['num_slices']
BATCH = 3
TARGET = f'{__name__}:small'
PER_EPOCH = NUM_SLICES['train'] // BATCH
SPLITS = ('validation', 'test', 'train')


@pytest.fixture(scope='module')
def stream(mri_data):
  return data.prepared(mri_data)


def equal(one, other):
  assert one.keys() == other.keys()
  for name in one:
    np.testing.assert_array_equal(one[name], other[name], strict=True)


def take(stream, count, **options):
  options = {'seed': 3, 'batch_size': BATCH} | options
  return list(itertools.islice(stream.train(**options), count))


def together(parts):
  return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def test_an_epoch_is_a_permutation_of_masked_slices(mri_data, stream):
  train, count = slices.open_splits(mri_data).train, NUM_SLICES['train']
  word = np.random.SeedSequence([3, 3]).generate_state(1, np.uint64)[0] >> 1
  seeds = [(int(word), i) for i in range(count)]
  wanted = slices.read(train, range(count), seeds)
  for epoch in range(2):
    pcg = np.random.Generator(np.random.PCG64([3, 1, epoch]))
    order = pcg.permutation(count)[: PER_EPOCH * BATCH]
    batches = take(stream, PER_EPOCH, cursor=epoch * PER_EPOCH or None)
    found = together([batch for batch, _ in batches])
    equal(found, {key: array[order] for key, array in wanted.items()})


def test_the_evaluation_of_training_has_masks_of_its_own(mri_data, stream):
  train, count = slices.open_splits(mri_data).train, NUM_SLICES['train']
  indices = data.eval_train(count)
  wanted = slices.read(train, indices, [(1, index) for index in indices])
  batches = list(stream.evaluation('train', BATCH))
  found = together(batches)
  weights = found.pop('weights')
  assert weights.sum() == len(indices)
  equal({key: x[weights > 0] for key, x in found.items()}, wanted)
  assert all((x[weights == 0] == 0).all() for x in found.values())


@pytest.mark.parametrize('cursor', [1, 2, 3, 7])
def test_a_cursor_gives_the_tail_of_the_stream(stream, cursor):
  whole, tail = take(stream, cursor + 3), take(stream, 3, cursor=cursor)
  for (one, taken), (other, again) in zip(whole[cursor:], tail, strict=True):
    assert taken == again
    equal(one, other)


@pytest.mark.parametrize('hosts', [2, 4])
def test_parts_of_hosts_make_the_whole(stream, hosts):
  batch_size = min(NUM_SLICES['train'], 8) // hosts * hosts
  size = batch_size // hosts
  parts = [
    take(
      stream,
      3,
      batch_size=batch_size,
      rows=(host * size, (host + 1) * size),
    )
    for host in range(hosts)
  ]
  whole = take(stream, 3, batch_size=batch_size)
  for (batch, cursor), *found in zip(whole, *parts, strict=True):
    assert {taken for _, taken in found} == {cursor}
    equal(batch, together([part for part, _ in found]))


@pytest.mark.parametrize('split', SPLITS)
def test_parts_of_an_evaluation_make_the_whole(stream, split):
  parts = [
    stream.evaluation(split, 32, rows=(start, start + 8))
    for start in range(0, 32, 8)
  ]
  for batch, *found in zip(stream.evaluation(split, 32), *parts, strict=True):
    published.compare_batch(batch, stream.element_spec(32, split))
    equal(batch, together(found))


def test_batches_are_as_announced(stream):
  for batch, _ in take(stream, 1):
    published.compare_batch(batch, stream.element_spec(BATCH))


def test_a_batch_that_no_epoch_holds_is_refused(stream):
  with pytest.raises(ValueError, match='exceeds'):
    take(stream, 1, batch_size=NUM_SLICES['train'] + 1)


def test_the_original_data_has_its_numbers():
  about, counts = workload_lib.FULL.description, check.PUBLISHED.slices
  assert counts == {
    'train': about.num_train,
    'validation': about.num_validation,
    'test': about.num_test,
  }
  indices = data.eval_train(about.num_train)
  assert len(set(indices)) == about.num_eval_train
  assert indices[1000] == 1000 * about.num_train // about.num_eval_train


def original(mri_data):
  """Training slices in the number of the original data, few on the disk."""
  there = slices.open_splits(mri_data).train.volumes
  parts = check.PUBLISHED
  mean = parts.slices['train'] // parts.volumes['train']
  rest = parts.slices['train'] - mean * parts.volumes['train']
  volumes = [
    there[number % len(there)]._replace(slices=mean + (number < rest))
    for number in range(parts.volumes['train'])
  ]
  return slices.joined(volumes)


def test_a_batch_of_a_late_epoch_is_had_at_once(mri_data, monkeypatch):
  train = original(mri_data)
  assert train.num_slices == check.PUBLISHED.slices['train']
  real = slices.Volume.read
  monkeypatch.setattr(  # Only the first slice of each volume is there.
    slices.Volume, 'read', lambda volume, _, *arrays: real(volume, 0, *arrays)
  )
  began = time.perf_counter()
  cursor = 20 * (train.num_slices // 32) + 700
  batch, taken = next(data.training(train, 0, 32, cursor, None))
  assert time.perf_counter() - began < 2
  assert taken == cursor + 1
  assert batch['inputs'].shape == (32, 320, 320)


class Filter(nn.Module):
  """One convolution; compiles at once."""

  @nn.compact
  def __call__(self, images, *, train, dropout_rate=0.0):
    return nn.Conv(1, (3, 3))(images[..., None])[..., 0]


def small(folder):
  """The workload with a small model, on prepared data."""
  settings = dataclasses.replace(
    workload_lib.FULL,
    model=Filter(),
    batch_size=8,
    eval_batch_size=8,
  )
  return workload_lib.build('fastmri', settings, data=folder)


def test_killed_and_started_again_training_ends_the_same(mri_data, tmp_path):
  real_data.check_killed(TARGET, mri_data, tmp_path)


def test_every_slice_is_evaluated_once(stream):
  for split in SPLITS:
    weights = [batch['weights'] for batch in stream.evaluation(split, 8)]
    assert np.sum(weights) == NUM_SLICES[split]


def test_devices_do_not_change_the_batches(mri_data):
  real_data.check_devices(TARGET, mri_data)


def test_processes_do_not_change_the_batches(mri_data, tmp_path):
  real_data.check_two_processes(TARGET, mri_data, tmp_path)


def test_memory_stays_flat_over_epochs(mri_data):
  script = f"""
import pathlib, resource
from workloads.fastmri import data
stream = data.prepared(pathlib.Path({str(mri_data)!r})).train(0, {BATCH}, None)
for epoch in range(4):
  for _ in range({PER_EPOCH} * 10):
    next(stream)
  print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  _, first, *_, last = map(int, out.stdout.split())
  assert last - first < 4_000  # KiB.


def test_reading_keeps_no_file_open(stream):
  before = len(list(pathlib.Path('/proc/self/fd').iterdir()))
  kept = take(stream, 3)
  assert len(list(pathlib.Path('/proc/self/fd').iterdir())) <= before
  assert len(kept) == 3


def test_training_and_a_mini_run_need_no_package_for_raw_data(mri_data):
  script = f"""
import pathlib, sys
import jaxperf, workloads
next(workloads.build('mini_mri', data='fake').data.train(0, 8, None))
data = workloads.build('fastmri', data=pathlib.Path({str(mri_data)!r})).data
next(data.train(0, {BATCH}, None))
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'pyarrow', 'h5py')) or m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == '[]'
