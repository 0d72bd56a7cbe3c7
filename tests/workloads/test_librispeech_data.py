# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of prepared speech: order, memory, resuming, parts, training."""

import dataclasses
import gc
import itertools
import operator
import pathlib
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jaxperf import data as data_lib
from jaxperf import mesh
from tests import real_data, speech_files
from workloads.librispeech import (
  check,
  conformer,
  ctc,
  data,
  streams,
  utterances,
)
from workloads.librispeech import workload as workload_lib

BATCH = 5
COUNTS = {split: len(speech_files.ids(split)) for split in speech_files.SPLITS}
PER_EPOCH = COUNTS['train'] // BATCH
TARGET = f'{__name__}:small'
SPLITS = tuple(COUNTS)


@pytest.fixture(scope='module')
def stream(speech_data):
  spec = data.LIBRISPEECH.sizes
  found, _ = streams.prepared(
    lambda *arguments: data.element_spec(spec, *arguments), speech_data
  )
  return found


def copied(batch):
  return jax.tree.map(np.array, batch)


def take(stream, count, **options):
  options = {'seed': 3, 'batch_size': BATCH} | options
  taken = itertools.islice(stream.train(**options), count)
  return [(copied(batch), cursor) for batch, cursor in taken]


def equal(one, other):
  jax.tree.map(np.testing.assert_array_equal, one, other)


def together(parts):
  return jax.tree.map(lambda *rows: np.concatenate(rows), *parts)


def test_an_epoch_is_a_permutation_of_the_utterances(stream):
  (whole,) = stream.evaluation('train', COUNTS['train'])
  whole = copied({key: whole[key] for key in ('inputs', 'targets')})
  for epoch in range(2):
    pcg = np.random.Generator(np.random.PCG64([3, 1, epoch]))
    order = pcg.permutation(COUNTS['train'])[: PER_EPOCH * BATCH]
    batches = take(stream, PER_EPOCH, cursor=epoch * PER_EPOCH or None)
    found = together([batch for batch, _ in batches])
    equal(found, jax.tree.map(operator.itemgetter(order), whole))


@pytest.mark.parametrize('cursor', [1, 2, 5])
def test_a_cursor_gives_the_tail_of_the_stream(stream, cursor):
  whole, tail = take(stream, cursor + 2), take(stream, 2, cursor=cursor)
  for (one, taken), (other, again) in zip(whole[cursor:], tail, strict=True):
    assert taken == again
    equal(one, other)


@pytest.mark.parametrize('hosts', [2, 4])
def test_parts_of_hosts_make_the_whole(stream, hosts):
  rows = [(2 * host, 2 * host + 2) for host in range(hosts)]
  parts = [take(stream, 3, batch_size=2 * hosts, rows=part) for part in rows]
  whole = take(stream, 3, batch_size=2 * hosts)
  for (batch, cursor), *found in zip(whole, *parts, strict=True):
    assert {taken for _, taken in found} == {cursor}
    equal(batch, together([part for part, _ in found]))


@pytest.mark.parametrize('split', SPLITS)
def test_parts_of_an_evaluation_make_the_whole(stream, split):
  parts = [
    map(copied, stream.evaluation(split, 8, rows=rows))
    for rows in ((0, 3), (3, 4), (4, 8))
  ]
  count = 0
  for batch, *found in zip(stream.evaluation(split, 8), *parts, strict=True):
    assert data_lib.spec_of(batch) == stream.element_spec(8, split)
    equal(copied(batch), together(found))
    count += int(batch['weights'].sum())
  assert count == COUNTS[split]


def test_batches_are_as_announced(stream):
  ((batch, _),) = take(stream, 1)
  assert data_lib.spec_of(batch) == stream.element_spec(BATCH)


def test_a_batch_that_no_epoch_holds_is_refused(stream):
  with pytest.raises(ValueError, match='exceeds'):
    take(stream, 1, batch_size=COUNTS['train'] + 1)


def test_batches_that_are_kept_stay_what_they_are(stream):
  wanted = take(stream, 8)
  kept = list(itertools.islice(stream.train(3, BATCH), 8))
  rows = []  # Parts of batches that are not kept themselves.
  for batch, _ in itertools.islice(stream.train(3, BATCH), 8):
    rows.append([batch['inputs'][0][1], batch['inputs'][1][1:][0]])
    del batch
  gc.collect()
  for (one, _), (other, _), (audio, paddings) in zip(wanted, kept, rows):
    equal(one, other)
    equal([audio, paddings], [one['inputs'][0][1], one['inputs'][1][1]])


@pytest.mark.parametrize('devices', [1, 8])
def test_what_is_on_devices_stays_what_it_is(stream, devices):
  wanted = take(stream, 6, batch_size=8)
  placed = [
    mesh.place_batch(batch, mesh.make_mesh(jax.devices()[:devices]))
    for batch, _ in itertools.islice(stream.train(3, 8), 6)
  ]
  gc.collect()
  for (one, _), other in zip(wanted, placed, strict=True):
    equal(one, jax.tree.map(np.asarray, other))


def test_memory_is_used_again_and_not_to_be_written(stream):
  places = set()
  for batch, _ in itertools.islice(stream.train(3, BATCH), 12):
    places.add(batch['inputs'][0].ctypes.data)
    with pytest.raises(ValueError, match='read-only'):
      batch['inputs'][0][0, 0] = 1
    del batch
  assert len(places) <= 2


def original(folder):
  """Training utterances in the number of the original data, few on the disk."""
  there = utterances.open_splits(folder).train
  count = check.PUBLISHED.kept['train']
  return there._replace(kept=np.resize(there.kept, count))


def test_a_batch_of_a_late_epoch_is_had_at_once(speech_data):
  speech = original(speech_data)
  began = time.perf_counter()
  cursor = 20 * (len(speech.kept) // 256) + 700
  batch, taken = next(streams.training(speech, 0, 256, cursor, (0, 16)))
  assert time.perf_counter() - began < 2
  assert taken == cursor + 1
  assert batch['inputs'][0].shape == (16, 320_000)
  indices = streams.eval_train(len(speech.kept))
  assert len(set(indices.tolist())) == data.LIBRISPEECH.num_eval_train


def small(folder):
  """A linear model of pieces of the first two seconds, with the loss."""
  made = workload_lib.build(
    'librispeech_conformer', conformer.FULL, data=folder
  )

  def init(key):
    return {'kernel': 1e-4 * jax.random.normal(key, (640, 32))}, {}

  def apply(params, model_state, batch, key, *, train, **_):
    audio, paddings = (x[:, :32_000] for x in batch['inputs'])
    logits = audio.reshape(len(audio), -1, 640) @ params['kernel']
    return (logits, paddings[:, ::640]), model_state

  def loss(outputs, batch, **_):
    labels, paddings = batch['targets']
    few = {'targets': (labels[:, :8] % 32, paddings[:, :8])}
    return ctc.loss(outputs, {**batch, **few})

  def evaluate(params, model_state, batch, key):
    outputs, _ = apply(params, model_state, batch, key, train=False)
    summed, count, _ = loss(outputs, batch)
    return {'loss': summed, 'count': count}, {}

  return made._replace(
    init=init,
    apply=apply,
    loss=loss,
    evaluate=evaluate,
    finish=lambda sums, rows: {'loss': float(sums['loss'] / sums['count'])},
    param_kinds=lambda params: dict.fromkeys(params, 'weight'),
    default_batch_size=8,
    eval_batch_size=8,
    metric_names=('loss',),
  )


def test_killed_and_started_again_training_ends_the_same(speech_data, tmp_path):
  real_data.check_killed(TARGET, speech_data, tmp_path)


def whole(folder):
  """The workload with a small Conformer; its loss is a metric, too."""
  config = conformer.Config(
    width=16, channels=4, num_blocks=1, num_heads=2, feed_forward=16
  )
  settings = dataclasses.replace(
    conformer.FULL,
    model=conformer.Conformer(config),
    batch_size=2,
    eval_batch_size=8,
  )
  made = workload_lib.build('librispeech_conformer', settings, data=folder)

  def finish(sums, rows):
    metrics = made.finish(sums, rows)
    return metrics | {'loss': metrics['ctc_loss']}

  return made._replace(finish=finish, metric_names=(*made.metric_names, 'loss'))


@pytest.mark.slow
def test_the_whole_workload_killed_and_started_again_ends_the_same(
  speech_data, tmp_path
):
  real_data.check_killed(f'{__name__}:whole', speech_data, tmp_path)


def test_devices_do_not_change_the_batches(speech_data):
  real_data.check_devices(TARGET, speech_data)


def test_processes_do_not_change_the_batches(speech_data, tmp_path):
  real_data.check_two_processes(TARGET, speech_data, tmp_path)


def test_words_are_those_of_the_transcripts(speech_data):
  workload = workload_lib.build('x', conformer.FULL, data=speech_data)
  for split in SPLITS:
    labels = [
      (row * (1 - padding)).astype(np.int32)
      for batch in workload.data.evaluation(split, BATCH)
      for row, padding in zip(*batch['targets'])
    ][: COUNTS[split]]
    rows = {'spoken': np.stack(labels), 'recognised': np.stack(labels)}
    sums = {'ctc_loss': 0.0, 'num_labels': 1.0}
    assert workload.finish(sums, rows)['wer'] == 0
    rows['recognised'] = np.zeros_like(rows['spoken'])
    assert workload.finish(sums, rows)['true_wer'] == 1
  assert list(workload.data.identity()) == ['tokenizer']


def test_memory_stays_flat_over_epochs(speech_data):
  script = f"""
import pathlib, resource
from workloads.librispeech import streams
data, _ = streams.prepared(None, pathlib.Path({str(speech_data)!r}))
stream = data.train(0, {BATCH}, None)
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
  take(stream, 1)
  before = len(list(pathlib.Path('/proc/self/fd').iterdir()))
  take(stream, 3)
  assert len(list(pathlib.Path('/proc/self/fd').iterdir())) <= before


def test_training_needs_no_package_for_raw_data(speech_data):
  script = f"""
import pathlib, sys
import jaxperf, workloads
next(workloads.build('mini_speech_conformer', data='fake').data.train(0, 8))
assert 'sentencepiece' not in sys.modules
folder = pathlib.Path({str(speech_data)!r})
data = workloads.build('librispeech_deepspeech_tanh', data=folder).data
data.check()
next(data.train(0, {BATCH}, None))
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'soundfile', 'pyarrow', 'h5py')) or m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == '[]'
