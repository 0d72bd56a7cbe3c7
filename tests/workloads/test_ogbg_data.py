# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of prepared molecules: packing, order, resuming, parts, training."""

import dataclasses
import itertools
import subprocess
import sys
import time

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxperf import data as data_lib
from tests import molecules, real_data
from workloads.ogbg import check, data, graphs, packing, storage
from workloads.ogbg import workload as workload_lib

EXPECTED = molecules.expected()
NUM_GRAPHS = molecules.published()
BATCH = 32
TARGET = f'{__name__}:small'
KEYS = ('nodes', 'edges', 'senders', 'receivers', 'n_node', 'n_edge')
LABELS = ('targets', 'weights')


@pytest.fixture(scope='module')
def stream(molecule_data):
  return data.prepared(molecule_data)


def equal(one, other):
  jax.tree.map(
    lambda x, y: np.testing.assert_array_equal(x, y, strict=True), one, other
  )


def take(stream, count, **options):
  options = {'seed': 3, 'batch_size': BATCH} | options
  return list(itertools.islice(stream.train(**options), count))


def together(parts):
  return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)


def shards(batches):
  """The shards of batches, a dict of arrays each."""
  return [
    {
      **{key: getattr(batch['inputs'], key)[i] for key in KEYS},
      **{key: batch[key][i] for key in LABELS},
    }
    for batch in batches
    for i in range(packing.NUM_SHARDS)
  ]


def joined(parts):
  """Shards as one graph: nodes are counted through."""
  whole = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
  for key in ('senders', 'receivers'):
    starts = np.cumsum([0] + [len(part['nodes']) for part in parts[:-1]])
    whole[key] = np.concatenate(
      [part[key] + start for part, start in zip(parts, starts)]
    )
  return whole


@pytest.mark.parity
@pytest.mark.parametrize('split', storage.SPLITS)
def test_shards_are_the_batches_of_the_benchmark(stream, split, parity):
  wanted = molecules.arrays()
  names = {
    key.removesuffix('_count')
    for key in wanted
    if key.startswith(f'{split}_B') and key.endswith('_count')
  }
  assert len(names) >= 5
  for name in names:
    batch, number = (int(x[1:]) for x in name.split('_')[1:])
    size = batch // number
    batches = stream.evaluation(split, size * packing.NUM_SHARDS)
    found = shards(batches)
    count = int(wanted[f'{name}_count'])
    for index in range(count):
      group = joined(found[index * number : (index + 1) * number])
      for key in (*KEYS, *LABELS):
        expected = wanted[f'{name}_{index}_{key}']
        parity.equal(f'{name} {index} {key}', group[key], expected)
    # What the benchmark drops, as its groups are not complete.
    real = sum(part['weights'].sum() for part in found)
    assert real == EXPECTED[split]['known_labels']


def batch_of(molecules_, order):
  """A whole split in this order in one batch, by the benchmark's packing."""
  size = len(order)
  ordered = packing.ordered(molecules_, order)
  bounds = packing.bounds(ordered, 0, size)
  assert bounds[1] == size
  return packing.batch(molecules_, ordered, bounds, size)


def graphs_in(batches):
  """The real graphs in batches: nodes and targets of each, as bytes."""
  found = []
  for shard in shards(batches):
    ends = np.cumsum(shard['n_node'])
    real = int((shard['n_node'] > 0).sum()) - 1
    parts = np.split(shard['nodes'], ends[:-1])[:real]
    found += [
      (nodes.tobytes(), shard['targets'][i].tobytes())
      for i, nodes in enumerate(parts)
    ]
  return found


def test_epochs_are_permutations_one_after_the_other(stream):
  train, count = molecules.split('train'), NUM_GRAPHS['train']
  batches = []
  for batch, taken in stream.train(3, BATCH):
    batches.append(batch)
    if taken >= 3 * count:
      break
  found = graphs_in(batches)
  assert len(found) == taken
  for epoch in range(3):
    pcg = np.random.Generator(np.random.PCG64([3, 1, epoch]))
    wanted = graphs_in([batch_of(train, pcg.permutation(count))])
    assert found[epoch * count : (epoch + 1) * count] == wanted


def test_the_evaluation_of_training_is_its_first_graphs():
  train = molecules.split('train')
  stream = data.graph_data(lambda split: train, 128, 10)
  found = graphs_in(stream.evaluation('train', BATCH))
  assert found == graphs_in([batch_of(train, np.arange(10))])


@pytest.mark.parametrize('batches', [1, 2, 5])
def test_a_cursor_gives_the_tail_of_the_stream(stream, batches):
  whole = take(stream, batches + 3)
  tail = take(stream, 3, cursor=whole[batches - 1][1])
  for (one, taken), (other, again) in zip(whole[batches:], tail, strict=True):
    assert taken == again
    equal(one, other)


@pytest.mark.parametrize('hosts', [2, 4, 8])
def test_parts_of_hosts_make_the_whole(stream, hosts):
  size = packing.NUM_SHARDS // hosts
  rows = [(host * size, (host + 1) * size) for host in range(hosts)]
  parts = [take(stream, 3, rows=part) for part in rows]
  for (batch, cursor), *found in zip(take(stream, 3), *parts, strict=True):
    assert {taken for _, taken in found} == {cursor}
    equal(batch, together([part for part, _ in found]))
  for split in storage.SPLITS:
    parts = [stream.evaluation(split, BATCH, rows=part) for part in rows]
    whole = stream.evaluation(split, BATCH)
    for batch, *found in zip(whole, *parts, strict=True):
      assert data_lib.spec_of(batch) == stream.element_spec(BATCH, split)
      equal(batch, together(found))


def test_batches_are_as_announced(stream):
  for batch, _ in take(stream, 2):
    assert data_lib.spec_of(batch) == stream.element_spec(BATCH)


def test_the_original_data_has_its_numbers():
  about = workload_lib.FULL.description
  found = (about.num_train, about.num_validation, about.num_test)
  assert found == tuple(check.PUBLISHED.values())


@pytest.fixture(scope='module')
def original():
  """As many training graphs as the original data has, few different ones."""
  few, count = molecules.split('train'), check.PUBLISHED['train']
  times = -(-count // len(few))
  many = graphs.joined([few] * times)
  return dataclasses.replace(
    many, n_node=many.n_node[:count], n_bond=many.n_bond[:count]
  )


def test_a_batch_of_a_late_epoch_is_had_at_once(original):
  began = time.perf_counter()
  cursor = 20 * len(original) + 123_457
  batch, taken = next(data.training(original, 0, 512, cursor))
  assert time.perf_counter() - began < 2
  assert 0 < taken - cursor <= 512
  order = np.random.Generator(np.random.PCG64([0, 1, 20]))
  first = order.permutation(len(original))[123_457]
  assert batch['inputs'].n_node[0, 0] == original.n_node[first]


class Sums(nn.Module):
  """A linear function of the sums of nodes; compiles at once."""

  @nn.compact
  def __call__(self, graphs, *, train, dropout_rate=0.0):
    count = len(graphs.n_node)
    owners = jnp.repeat(
      jnp.arange(count), graphs.n_node, total_repeat_length=len(graphs.nodes)
    )
    sums = jax.ops.segment_sum(graphs.nodes, owners, count)
    return nn.Dense(storage.NUM_TASKS)(sums / 100)


def small(folder):
  """The workload with a small model, on prepared data."""
  settings = dataclasses.replace(
    workload_lib.FULL,
    model=Sums(),
    batch_size=BATCH,
    eval_batch_size=64,
  )
  return workload_lib.build('ogbg', settings, data=folder)


def test_killed_and_started_again_training_ends_the_same(
  molecule_data, tmp_path
):
  real_data.check_killed(TARGET, molecule_data, tmp_path)


def test_every_graph_and_label_is_evaluated_once(stream):
  for split in storage.SPLITS:
    batches = list(stream.evaluation(split, BATCH))
    assert len(graphs_in(batches)) == NUM_GRAPHS[split]
    weights = sum(batch['weights'].sum() for batch in batches)
    assert weights == EXPECTED[split]['known_labels']


def test_devices_do_not_change_the_batches(molecule_data):
  real_data.check_devices(TARGET, molecule_data)


def test_processes_do_not_change_the_batches(molecule_data, tmp_path):
  real_data.check_two_processes(TARGET, molecule_data, tmp_path)


def test_memory_stays_flat_over_epochs(molecule_data):
  script = f"""
import pathlib, resource
from workloads.ogbg import data
stream = data.prepared(pathlib.Path({str(molecule_data)!r})).train(0, {BATCH})
for epoch in range(1, 5):
  while next(stream)[1] < epoch * {100 * NUM_GRAPHS['train']}:
    pass
  print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  _, first, *_, last = map(int, out.stdout.split())
  assert last - first < 4_000  # KiB.


def test_training_and_a_mini_run_need_no_package_for_raw_data(molecule_data):
  script = f"""
import pathlib, sys
import jaxperf, workloads
next(workloads.build('mini_molecules').data.train(0, 64))
data = workloads.build('ogbg', data=pathlib.Path({str(molecule_data)!r})).data
next(data.train(0, {BATCH}))
next(data.evaluation('validation', {BATCH}))
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'array_record', 'importlib_resources')) or
  m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == '[]'
