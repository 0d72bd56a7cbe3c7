# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import itertools

import numpy as np
import pytest

from jaxperf import data
from jaxperf.trial import batches as batches_lib


def _take(stream, count):
  return list(itertools.islice(stream, count))


def test_an_epoch_visits_each_example_once_in_another_order():
  batches = _take(data.shuffled_indices(0, 20, 5), 8)
  first = np.concatenate([index for index, _ in batches[:4]])
  second = np.concatenate([index for index, _ in batches[4:]])
  assert sorted(first) == sorted(second) == list(range(20))
  assert list(first) != list(second)


@pytest.mark.parametrize('taken', [0, 3, 4, 7, 11])
def test_a_cursor_restores_the_stream_exactly(taken):
  whole = _take(data.shuffled_indices(5, 23, 5), 15)
  cursor = whole[taken - 1][1] if taken else None
  rest = _take(data.shuffled_indices(5, 23, 5, cursor), 15 - taken)
  for (index, at), (other, at_other) in zip(whole[taken:], rest):
    np.testing.assert_array_equal(index, other)
    assert at == at_other


def test_streams_depend_on_the_seed_and_zero_is_a_seed():
  one, _ = next(data.shuffled_indices(0, 100, 50))
  two, _ = next(data.shuffled_indices(1, 100, 50))
  again, _ = next(data.shuffled_indices(0, 100, 50))
  assert list(one) != list(two)
  np.testing.assert_array_equal(one, again)


def test_a_batch_larger_than_the_data_is_refused():
  with pytest.raises(ValueError, match='exceeds the 3'):
    next(data.shuffled_indices(0, 3, 4))


def test_padding_has_weight_zero():
  arrays = {'inputs': np.ones((5, 2)), 'targets': np.arange(5)}
  batches = list(data.array_evaluation(arrays, 4))
  assert [b['inputs'].shape for b in batches] == [(4, 2), (4, 2)]
  assert batches[0]['weights'].tolist() == [1, 1, 1, 1]
  assert batches[1]['weights'].tolist() == [1, 0, 0, 0]
  assert batches[1]['targets'].tolist() == [4, 0, 0, 0]


def test_the_prefetcher_keeps_order_and_knows_its_position():
  stream = (({'x': i}, i + 1) for i in itertools.count())
  batches = batches_lib.Prefetcher(stream, lambda b: b, cursor=0)
  assert batches.cursor == 0
  for i in range(10):
    assert next(batches) == {'x': i}
    assert batches.cursor == i + 1
  batches.close()


def test_an_error_in_the_stream_reaches_the_consumer():
  def stream():
    yield {'x': 0}, 1
    raise OSError('the disk is gone')

  batches = batches_lib.Prefetcher(stream(), lambda b: b)
  next(batches)
  for _ in range(2):
    with pytest.raises(OSError, match='the disk is gone'):
      next(batches)
  batches.close()


def test_a_training_stream_that_ends_is_an_error():
  batches = batches_lib.Prefetcher(iter([({'x': 0}, 1)]), lambda b: b)
  next(batches)
  with pytest.raises(RuntimeError, match='stream of training batches ended'):
    next(batches)
  batches.close()
