# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of prepared sentence pairs: order, resuming, parts, training."""

import collections
import dataclasses
import functools
import itertools
import json
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from tests import real_data, sentence_pairs
from tests.workloads import published
from workloads.wmt import (
  blocks,
  check,
  data,
  model,
  packing,
  streams,
  text,
  tokens,
)
from workloads.wmt import workload as workload_lib

TARGET = 'tests.workloads.test_wmt_streams:small'
VOCABULARY = sentence_pairs.expected()['tokenizer']['vocab_size']
KEPT = {
  split: row['kept']
  for split, row in sentence_pairs.expected()['splits'].items()
}
SPLITS = sentence_pairs.SPLITS
BATCH, LENGTH = 8, tokens.MAX_LENGTH
EVAL_BATCH = 16


@pytest.fixture(scope='module')
def train(pair_data):
  return tokens.read(pair_data / 'wmt', 'train')


@pytest.fixture(scope='module')
def stream(pair_data):
  return data.prepared(VOCABULARY, LENGTH, pair_data).data


def equal(one, other):
  assert one.keys() == other.keys()
  for name in one:
    np.testing.assert_array_equal(one[name], other[name], strict=True)


def take(stream, count, **options):
  options = {'seed': 3, 'batch_size': BATCH} | options
  return list(itertools.islice(stream.train(**options), count))


def together(parts):
  return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def rows_in(stream, epoch, **options):
  """All rows of the batches of an epoch."""
  batches = itertools.takewhile(
    lambda item: item[1][0] == epoch,
    stream.train(seed=3, batch_size=BATCH, cursor=(epoch, 0), **options),
  )
  return together([batch for batch, _ in batches])


def pairs_in(rows):
  """The pairs of packed rows: ids of both sides."""
  for row in range(len(rows['targets'])):
    numbers = rows['targets_segmentation'][row]
    for number in range(1, numbers.max() + 1):
      yield tuple(
        tuple(rows[side][row][rows[f'{side}_segmentation'][row] == number])
        for side in packing.SIDES
      )


def known(pairs):
  """How often each pair is there, as packing shows it: without ids 0."""
  found = collections.Counter()
  for i in packing.short(pairs, LENGTH):
    sides = (
      one.ids[one.starts[i] : one.starts[i] + one.nonzero[i]] for one in pairs
    )
    found[tuple(tuple(ids[ids > 0]) for ids in sides)] += 1
  return found


def fill(rows):
  return np.mean(rows['targets'] > 0)


@pytest.mark.parametrize('split', SPLITS)
def test_prepared_pairs_are_evaluated_in_order_once(stream, pair_data, split):
  batches = list(stream.evaluation(split, EVAL_BATCH))
  for batch in batches:
    spec = stream.element_spec(EVAL_BATCH, split)
    published.compare_batch(batch, spec)
  rows = together(batches)
  real = rows['weights'][:, 0] > 0
  assert real.sum() == min(KEPT[split], data.EVALUATED.get(split, KEPT[split]))
  assert not any(array[~real].any() for array in rows.values())
  pairs = tokens.read(pair_data / 'wmt', split)
  for side, one in zip(packing.SIDES, pairs):
    last = np.minimum(np.cumsum(one.lengths), len(one.ids))
    ids = np.split(one.ids, last[:-1])
    for row, wanted in zip(rows[side], ids):
      np.testing.assert_array_equal(row[: len(wanted)], wanted)
      assert not row[len(wanted) :].any()


def test_an_epoch_shows_every_pair_once(stream, train):
  rows = [rows_in(stream, epoch) for epoch in range(2)]
  wanted = known(train)
  for epoch in range(2):
    index = streams.epoch_index(train, LENGTH, 3, epoch)
    dropped = (index.rows >= index.count // BATCH * BATCH).sum()
    found = collections.Counter(pairs_in(rows[epoch]))
    assert not found - wanted
    assert (wanted - found).total() == dropped
  assert (rows[0]['inputs'][0] != rows[1]['inputs'][0]).any()


def test_rows_are_as_full_as_those_of_the_shuffled_benchmark(stream):
  wanted = sentence_pairs.arrays()
  shuffled = {name: wanted[f'shuffled_{name}'] for name in packing.PACKED_NAMES}
  assert not set(pairs_in(shuffled)) - set(known(sentence_pairs.pairs('train')))
  found = fill(rows_in(stream, 0))
  assert abs(found - fill(shuffled)) < 0.1
  assert abs(found - fill({'targets': wanted['packed_targets']})) < 0.1


def test_a_cursor_gives_the_tail_of_the_stream(stream, train):
  rows = streams.epoch_index(train, LENGTH, 3, 0).count
  count = max(40, rows // BATCH + 20)
  whole = take(stream, count)
  assert whole[-1][1][0] >= 1  # Into the next epoch.
  for start in (1, 2, 7, *range(8, count - 2, 5)):
    # As a checkpoint keeps it: a list.
    cursor = json.loads(json.dumps(whole[start - 1][1]))
    for (one, taken), (other, again) in zip(
      whole[start : start + 2], take(stream, 2, cursor=cursor), strict=True
    ):
      assert list(taken) == list(again)
      equal(one, other)


def test_seeds_differ(stream):
  (one, _), (other, _) = take(stream, 1)[0], take(stream, 1, seed=4)[0]
  assert (one['inputs'] != other['inputs']).any()


@pytest.mark.parametrize('hosts', [2, 4])
def test_parts_of_hosts_make_the_whole(stream, hosts):
  size = BATCH // hosts
  shares = [(host * size, (host + 1) * size) for host in range(hosts)]
  parts = [take(stream, 15, rows=share) for share in shares]
  for (batch, cursor), *found in zip(take(stream, 15), *parts, strict=True):
    assert {taken for _, taken in found} == {cursor}
    equal(batch, together([part for part, _ in found]))
  for split in SPLITS:
    parts = [stream.evaluation(split, BATCH, rows=share) for share in shares]
    whole = stream.evaluation(split, BATCH)
    for batch, *found in zip(whole, *parts, strict=True):
      equal(batch, together(found))


def test_batches_are_as_announced(stream):
  for batch, _ in take(stream, 1):
    published.compare_batch(batch, stream.element_spec(BATCH))


def test_a_batch_that_no_epoch_holds_is_refused(stream):
  with pytest.raises(ValueError, match='exceeds'):
    take(stream, 1, batch_size=KEPT['train'] + 1)


@functools.cache
def original():
  """Pairs in the number of the original data; all their ids are 0."""
  rng = np.random.default_rng(0)
  sides = []
  for _ in packing.SIDES:
    count = check.PUBLISHED.pairs['train']
    lengths = rng.integers(2, 64, count, dtype=np.uint16)
    ids = np.zeros(lengths.sum(dtype=np.int64), tokens.IDS)
    sides.append(packing.side(ids, lengths, lengths))
  return packing.Pairs(*sides)


def test_a_batch_of_a_late_epoch_is_had_at_once():
  pairs = original()
  began = time.process_time()
  batch, cursor = next(streams.training(pairs, LENGTH, 0, 128, (20, 2_000)))
  assert time.process_time() - began < 2
  assert cursor == (20, 2_001)
  assert batch['inputs_segmentation'].shape == (128, LENGTH)


def test_the_next_epoch_is_ready_when_it_begins():
  stream = streams.training(original(), LENGTH, 0, 4096, rows=(0, 8))
  taken, slowest = (0, 0), 0.0
  next(stream)
  while taken[0] == 0:
    began = time.thread_time()
    _, taken = next(stream)
    slowest = max(slowest, time.thread_time() - began)
  began = time.thread_time()
  next(stream)
  assert time.thread_time() - began < slowest + 0.1


def small(folder):
  """The workload on prepared data, with next to no model and no search."""
  config = blocks.Config(vocab_size=VOCABULARY, max_length=LENGTH)
  settings = dataclasses.replace(
    workload_lib.FULL,
    model=model.Transformer(config),
    batch_size=BATCH,
    eval_batch_size=64,
  )
  workload = workload_lib.build('wmt', settings, data=folder)

  def init(key):
    table = jax.random.normal(key, (VOCABULARY, 8))
    return {'shared_embedding': {'embedding': table}}, {}

  def apply(params, model_state, batch, key, *, train, **_):
    table = params['shared_embedding']['embedding']
    return table[batch['inputs']] @ table.T, model_state

  def evaluate(params, model_state, batch, key):
    # Few tokens of each sentence, and a perfect translation: costs little.
    few = {name: x[:, :32] for name, x in batch.items()}
    logits, _ = apply(params, model_state, few, key, train=False)
    rows = {
      'translation': batch['targets'],
      'reference': batch['targets'],
      'valid': batch['weights'][:, 0] > 0,
    }
    return workload_lib.token_sums(logits, few), rows

  return workload._replace(init=init, apply=apply, evaluate=evaluate)


def test_references_are_the_english_sentences(pair_data):
  workload = small(pair_data)
  _, english = zip(*sentence_pairs.sentences('test'))
  pairs = sentence_pairs.pairs('test')
  kept = packing.short(pairs, LENGTH)
  batches = list(workload.data.evaluation('test', EVAL_BATCH))
  ids = together(batches)['targets'][: len(kept)]
  detokenize = data.prepared(VOCABULARY, LENGTH, pair_data).detokenize
  plain = [
    (detokenize(text.sentence(row).tolist()), english[i])
    for row, i in zip(ids, kept)
    if english[i].isascii() and (row[row > 0].size == pairs.targets.lengths[i])
  ]
  assert plain
  assert all(found == ' '.join(wanted.split()) for found, wanted in plain)
  rows = {'translation': ids, 'reference': ids}
  sums = {'loss': 1.0, 'correct': 1.0, 'tokens': 1.0}
  assert workload.finish(sums, rows)['bleu'] == pytest.approx(100)


def test_killed_and_started_again_training_ends_the_same(pair_data, tmp_path):
  real_data.check_killed(TARGET, pair_data, tmp_path)


def test_devices_do_not_change_the_batches(pair_data):
  real_data.check_devices(TARGET, pair_data)


def test_processes_do_not_change_the_batches(pair_data, tmp_path):
  real_data.check_two_processes(TARGET, pair_data, tmp_path)


def test_a_trial_keeps_to_its_tokenizer(stream, pair_data):
  sha256 = tokens.open_tokenizer(pair_data).sha256
  assert stream.identity() == {'tokenizer': sha256}


def test_training_keeps_its_memory_and_needs_no_package_for_raw_data(pair_data):
  script = f"""
import pathlib, resource, sys
from workloads.wmt import data
source = data.prepared({VOCABULARY}, {LENGTH}, pathlib.Path({str(pair_data)!r}))
source.data.check()
stream = source.data.train(0, {BATCH})
for epoch in range(1, 5):
  for _, cursor in stream:
    if cursor[0] == 10 * epoch:
      break
  print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'array_record')) or m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  *sizes, modules = out.stdout.split('\n')[:-1]
  assert modules == '[]'
  assert 'Exception' not in out.stderr  # Though the stream is not at its end.
  assert int(sizes[-1]) - int(sizes[1]) < 4_000  # KiB.
