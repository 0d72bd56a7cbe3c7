# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of prepared click logs: order, resuming, parts, evaluation."""

import collections
import itertools
import math

import numpy as np
import pytest

from jaxperf import data as data_lib
from tests import click_logs
from workloads.criteo1tb import check, data, shards
from workloads.criteo1tb import workload as workload_lib

EXPECTED = click_logs.expected()
ROWS = EXPECTED['rows']
BATCH = 32
SPLITS = ('validation', 'test', 'train')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp('data')
  click_logs.prepared(path)
  return path


@pytest.fixture(scope='module')
def stream(folder):
  return data.prepared(folder)


def _joined(batch):
  return np.concatenate([batch['targets'][:, None], batch['inputs']], axis=1)


def equal(one, other):
  assert one.keys() == other.keys()
  for name in one:
    np.testing.assert_array_equal(one[name], other[name], strict=True)


def take(stream, count, **options):
  options = {'seed': 3, 'batch_size': BATCH} | options
  return list(itertools.islice(stream.train(**options), count))


def canonical(folder):
  """All training rows in canonical order."""
  train = shards.open_splits(folder).train
  return _joined(shards.Reader(train).read(0, train.num_rows))


def test_an_epoch_takes_each_row_once_but_the_remainder(folder, stream):
  there = collections.Counter(row.tobytes() for row in canonical(folder))
  per_epoch = ROWS['train'] // BATCH
  for epoch in range(2):
    batches = take(stream, per_epoch, cursor=epoch * per_epoch or None)
    taken = collections.Counter(
      row.tobytes() for batch, _ in batches for row in _joined(batch)
    )
    assert taken.total() == per_epoch * BATCH
    assert taken <= there


def test_rows_of_a_file_stay_in_order_and_files_do_not(folder, stream):
  splits = shards.open_splits(folder)
  order = data_lib.epoch_order(3, 0, len(splits.train))
  assert (order != np.arange(len(order))).any()
  pcg = np.random.Generator(np.random.PCG64([3, 1, 0]))
  np.testing.assert_array_equal(order, pcg.permutation(len(order)))
  rows = np.concatenate([np.load(splits.train.paths[i]) for i in order])
  batches = take(stream, ROWS['train'] // BATCH)
  found = np.concatenate([_joined(batch) for batch, _ in batches])
  np.testing.assert_array_equal(found, rows[: len(found)])


@pytest.mark.parametrize('cursor', [1, 5, 11, 12, 30])
def test_a_cursor_gives_the_tail_of_the_stream(stream, cursor):
  whole, tail = take(stream, cursor + 15), take(stream, 15, cursor=cursor)
  for (one, taken), (other, again) in zip(whole[cursor:], tail, strict=True):
    assert taken == again
    equal(one, other)


@pytest.mark.parametrize('hosts', [2, 4])
def test_parts_of_hosts_make_the_whole(stream, hosts):
  size = BATCH // hosts
  parts = [
    take(stream, 20, rows=(host * size, (host + 1) * size))
    for host in range(hosts)
  ]
  for (batch, cursor), *found in zip(take(stream, 20), *parts, strict=True):
    assert {taken for _, taken in found} == {cursor}
    equal(batch, _together([part for part, _ in found]))


def _together(parts):
  return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


@pytest.mark.parametrize('split', SPLITS)
def test_parts_of_an_evaluation_make_the_whole(stream, split):
  size = 16
  parts = [
    stream.evaluation(split, 64, rows=(start, start + size))
    for start in range(0, 64, size)
  ]
  for batch, *found in zip(stream.evaluation(split, 64), *parts, strict=True):
    equal(batch, _together(found))


@pytest.mark.parametrize('split', ['validation', 'test'])
def test_evaluation_batches_are_those_of_the_benchmark(stream, split):
  arrays, size = click_logs.arrays(), EXPECTED['batch_size']
  batches = list(stream.evaluation(split, size))
  assert len(batches) == math.ceil(ROWS[split] / size)
  for index, batch in enumerate(batches):
    wanted = f'{split}/{index}'
    inputs, targets = arrays[f'{wanted}/inputs'], arrays[f'{wanted}/targets']
    np.testing.assert_array_equal(batch['inputs'][:, 13:], inputs[:, 13:])
    np.testing.assert_allclose(batch['inputs'], inputs, rtol=1e-6)
    np.testing.assert_array_equal(batch['targets'], targets)
    weights = arrays.get(f'{wanted}/weights', np.ones(size))
    np.testing.assert_array_equal(batch['weights'], weights)
  assert sum(b['weights'].sum() for b in batches) == ROWS[split]


@pytest.mark.parametrize(('blocks', 'rows'), [(5, 7), (2, 60), (1, 9)])
def test_eval_train_is_blocks_at_equal_distances(folder, blocks, rows):
  train = shards.open_splits(folder).train
  pieces = shards.eval_train(train, blocks, rows)
  found = _joined(shards.Reader(pieces).read(0, pieces.num_rows))
  room, gaps = ROWS['train'] - rows, max(blocks - 1, 1)
  starts = [j * room // gaps for j in range(blocks)]
  wanted = np.concatenate([canonical(folder)[s : s + rows] for s in starts])
  np.testing.assert_array_equal(found, wanted)


def test_eval_train_does_not_depend_on_the_batch_size(stream):
  found = []
  for size in (64, 50):
    batches = list(stream.evaluation('train', size))
    rows = np.concatenate([_joined(b) for b in batches])
    found.append(rows[np.concatenate([b['weights'] for b in batches]) > 0])
  np.testing.assert_array_equal(found[0], found[1])


def published():
  """The training files of the original data, in name and number."""
  size = check.PUBLISHED.lines_per_file
  return shards.joined(
    [
      (shards.shard_name(day, start // size), 0, min(size, rows - start))
      for day, rows in enumerate(check.PUBLISHED.rows_per_day[:-1])
      for start in range(0, rows, size)
    ]
  )


def test_the_original_data_has_its_numbers():
  train, last = published(), check.PUBLISHED.rows_per_day[-1]
  about = workload_lib.FULL.description
  assert (len(train), train.num_rows) == (849, about.num_train)
  size = check.PUBLISHED.lines_per_file
  num_test = shards.num_test_shards(math.ceil(last / size)) * size
  assert num_test == about.num_test
  assert last - num_test == about.num_validation
  assert shards.eval_train(train).num_rows == about.num_eval_train


def test_a_batch_anywhere_in_the_original_data_is_found_by_search():
  train, batch = published(), workload_lib.FULL.batch_size
  per_epoch = train.num_rows // batch
  assert per_epoch == 16_003
  order = data_lib.epoch_order(0, 20, len(train))
  shuffled = train.reordered(order)
  start = (per_epoch - 1) * batch
  parts = shuffled.between(start, start + batch)
  assert sum(stop - first for _, first, stop in parts) == batch
  before = list(shuffled.paths).index(parts[0][0])
  sizes = np.diff(train.ends, prepend=0)[order]
  assert sizes[:before].sum() + parts[0][1] == start
