# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of prepared ImageNet: order, cursors, parts, processes."""

import itertools
import signal
import time
import weakref

import numpy as np
import pytest

import workloads
from jaxperf import cores, errors
from jaxperf import data as data_lib
from tests import imagenet_archives
from workloads.imagenet import augment, examples, jpeg, pool, records, streams

EXPECTED, ARRAYS = imagenet_archives.expected(), imagenet_archives.arrays()
TRAIN = EXPECTED['splits']['train']
RESNET, VIT = 'imagenet_resnet', 'imagenet_vit'
BATCH = EXPECTED['batch_size']


def stream(name=RESNET):
  return workloads.build(name, data=imagenet_archives.data_dir()).data


@pytest.fixture(scope='module', autouse=True)
def processes():
  """One process for all tests of this file."""
  chosen = pytest.MonkeyPatch()
  chosen.setenv(cores.ENVIRONMENT, '1')
  batches = stream().train(0, 1)
  next(batches)
  yield
  batches.close()
  chosen.undo()


def take(name, count, **options):
  options = {'seed': 3, 'batch_size': BATCH} | options
  return list(itertools.islice(stream(name).train(**options), count))


def equal(one, other):
  assert one.keys() == other.keys()
  for name in one:
    np.testing.assert_array_equal(one[name], other[name], strict=True)


def joined(parts):
  return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}


@pytest.mark.parametrize('name', [RESNET, VIT])
@pytest.mark.parametrize('split', [None, 'train', 'validation', 'test'])
def test_batches_have_the_promised_shapes(name, split):
  source = stream(name)
  if split is None:
    batch, _ = next(source.train(0, BATCH))
  else:
    *_, batch = source.evaluation(split, BATCH)
  assert data_lib.spec_of(batch) == source.element_spec(BATCH, split)


def test_an_epoch_takes_each_image_once_but_the_remainder():
  count = len(TRAIN['labels'])
  per_epoch = count // BATCH
  for epoch in range(2):
    order = data_lib.epoch_order(3, epoch, count)
    labels = np.array(TRAIN['labels'])[order][: per_epoch * BATCH]
    batches = take(RESNET, per_epoch, cursor=epoch * per_epoch or None)
    found = np.concatenate([batch['targets'] for batch, _ in batches])
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize('name', [RESNET, VIT])
def test_a_cursor_gives_the_tail_of_the_stream(name):
  whole = take(name, 7)
  for (batch, cursor), (again, same) in zip(whole[3:], take(name, 4, cursor=3)):
    equal(batch, again)
    assert cursor == same


@pytest.mark.parametrize('name', [RESNET, VIT])
@pytest.mark.parametrize('hosts', [2, 3])
def test_parts_of_hosts_make_the_whole(name, hosts):
  ends = [host * BATCH // hosts for host in range(hosts + 1)]
  parts = [take(name, 5, rows=rows) for rows in itertools.pairwise(ends)]
  for (batch, cursor), *others in zip(take(name, 5), *parts):
    equal(batch, joined([part for part, _ in others]))
    assert all(same == cursor for _, same in others)


@pytest.mark.parametrize('split', records.SPLITS)
def test_parts_of_an_evaluation_make_the_whole(split):
  source = stream()
  parts = [
    list(source.evaluation(split, BATCH, rows=rows))
    for rows in ((0, BATCH - 1), (BATCH - 1, BATCH))
  ]
  for batch, *others in zip(source.evaluation(split, BATCH), *parts):
    equal(batch, joined(others))


@pytest.mark.parametrize('split', ['validation', 'test'])
def test_evaluation_batches_are_those_of_the_benchmark(split):
  batches = list(stream().evaluation(split, BATCH))
  for key in ('targets', 'weights'):
    found = np.stack([batch[key] for batch in batches])
    np.testing.assert_array_equal(found, ARRAYS[f'{split}/{key}'])
  inputs = np.concatenate([batch['inputs'] for batch in batches])
  error = np.abs(inputs[:, ::8, ::8] - ARRAYS[f'{split}/inputs_s8'])
  assert error.mean(axis=(1, 2, 3)).max() < 0.003
  weights = np.concatenate([batch['weights'] for batch in batches])
  assert not inputs[weights == 0].any()


def test_eval_train_is_evenly_spread():
  split = records.Split('train', None, np.array([0, 1_281_167]), None)
  found = streams.evaluated(split, 50_176)
  wanted = [j * 1_281_167 // 50_176 for j in (0, 1, 25_000, 50_175)]
  assert found[[0, 1, 25_000, 50_175]].tolist() == wanted
  assert len(found) == 50_176
  labels = [b['targets'] for b in stream().evaluation('train', 7)]
  count = len(TRAIN['labels'])
  assert np.concatenate(labels)[:count].tolist() == TRAIN['labels']


def test_an_image_is_a_function_of_seed_and_position():
  large = take(RESNET, 1, batch_size=8)[0][0]
  small = take(RESNET, 2, batch_size=4)
  equal(large, joined([batch for batch, _ in small]))
  other = take(RESNET, 1, batch_size=8, seed=4)[0][0]
  assert (other['inputs'] != large['inputs']).any()
  again = take(RESNET, 1, batch_size=8, cursor=len(TRAIN['labels']) // 8)
  assert (again[0][0]['inputs'] != large['inputs']).any()


def test_mixed_batches_are_those_of_the_definition():
  split = records.open_splits(imagenet_archives.data_dir())['train']
  reader = records.Reader(split)
  taken = 5
  ((batch, cursor),) = take(VIT, 1, cursor=taken)
  indices, same = next(data_lib.shuffled_indices(3, len(split), BATCH, taken))
  assert cursor == same == taken + 1
  images = np.stack(
    [
      examples.augmented(
        reader.read(index), examples.example_rng(3, taken * BATCH + row)
      )
      for row, index in enumerate(indices)
    ]
  )
  one_hot = np.eye(1000, dtype=np.float32)[split.labels[indices]]
  weight = examples.mixup_weight(3, taken)
  inputs, targets = augment.mixup(images, one_hot, weight)
  np.testing.assert_array_equal(batch['inputs'], inputs)
  np.testing.assert_allclose(batch['targets'], targets, atol=1e-7)
  assert not np.array_equal(take(VIT, 1, cursor=6)[0][0]['targets'], targets)


def test_memory_is_used_again_only_when_nobody_refers_to_it():
  source = stream().train(3, 2)
  kept, copies = [], []
  for batch, _ in itertools.islice(source, 12):
    kept.append(batch['inputs'][1:])  # A view keeps the whole.
    copies.append(batch['inputs'][1:].copy())
  del batch
  for view, copy in zip(kept, copies):
    np.testing.assert_array_equal(view, copy)
  source.close()
  np.testing.assert_array_equal(kept[0], copies[0])


# The processes.


def pool_of():
  return pool._ALIVE.get('pool')


@pytest.fixture
def fresh(monkeypatch):
  """Processes that only this test has."""
  monkeypatch.setattr(pool, '_ALIVE', {})
  return monkeypatch


def test_the_number_of_processes_does_not_change_a_batch(fresh):
  fresh.setenv(cores.ENVIRONMENT, '2')
  many = take(VIT, 4)
  assert len(pool_of()._processes) == 2
  fresh.undo()  # The one process of the other tests.
  assert len(pool_of()._processes) == 1
  for (one, _), (other, _) in zip(many, take(VIT, 4)):
    equal(one, other)


def test_processes_end_with_their_last_stream(fresh):
  fresh.setattr(pool, '_ALIVE', weakref.WeakValueDictionary())
  fresh.setenv(cores.ENVIRONMENT, '1')
  source = stream().train(3, 2)
  next(source)
  processes = pool_of()._processes
  assert [process.poll() for process in processes] == [None]
  source.close()
  assert [process.poll() for process in processes] == [-signal.SIGKILL]
  assert pool_of() is None


def test_a_process_that_dies_is_told_in_one_sentence(fresh):
  fresh.setenv(cores.ENVIRONMENT, '1')
  source = stream().train(3, 2)
  next(source)
  pool_of()._processes[0].kill()
  with pytest.raises(errors.UserError, match='ended with status -9'):
    list(itertools.islice(source, 8))
  fresh.setenv(cores.ENVIRONMENT, 'many')
  pool._ALIVE.clear()
  with pytest.raises(errors.UserError, match='expected a number of workers'):
    next(stream().train(3, 2))


def test_an_image_that_cannot_be_decoded_is_named(fresh, tmp_path):
  split = records.open_splits(imagenet_archives.data_dir())['train']
  reader = records.Reader(split)
  jpegs = [reader.read(index) for index in range(5)]
  jpegs[2] = jpegs[2][: len(jpegs[2]) // 2]
  records.write(tmp_path / records.shard_name('train', 0), jpegs)
  np.save(tmp_path / records.table_name('train'), split.rows())
  bad = records.Split('train', tmp_path, np.array([0, 5]), split.labels[:5])
  name = TRAIN['file_names'][2]
  with pytest.raises(errors.UserError, match=f'image 2 of train, {name}') as e:
    list(streams.evaluation(bad, np.arange(5), 5, None))
  assert 'Premature end' in str(e.value)
  assert '\n' not in str(e.value)


def test_a_late_epoch_of_the_original_size_starts_at_once(tmp_path):
  count, per_shard, batch_size = 1_281_167, records.SHARD_IMAGES, 16
  real = records.open_splits(imagenet_archives.data_dir())['train']
  image = records.Reader(real).read(
    TRAIN['jpeg_bytes'].index(min(TRAIN['jpeg_bytes']))
  )
  # One shard stands for all of them.
  starts = np.append(np.arange(0, count, per_shard), count)
  for shard in range(len(starts) - 1):
    path = tmp_path / records.shard_name('train', shard)
    if shard:
      path.symlink_to(tmp_path / records.shard_name('train', 0))
    else:
      records.write(path, [image] * per_shard)
  split = records.Split(
    'train', tmp_path, starts, np.arange(count, dtype=np.int32)
  )
  taken = 20 * (count // batch_size) + 7
  began = time.perf_counter()
  source = streams.training(split, 3, batch_size, taken, None)
  batch, cursor = next(source)
  seconds = time.perf_counter() - began
  source.close()
  assert cursor == taken + 1
  order = data_lib.epoch_order(3, 20, count)
  wanted = order[7 * batch_size : 8 * batch_size]
  np.testing.assert_array_equal(batch['targets'], wanted)
  assert seconds < 2


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
  with pytest.raises(errors.UserError, match=r"pip install 'jaxperf\[data\]'"):
    jpeg.package('no_such_package.module')
