# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sentence pairs in rows: those of the benchmark's own pipeline, exactly."""

import numpy as np
import pytest

from tests import sentence_pairs
from workloads.wmt import packing, streams, tokens

LENGTH, EVAL_BATCH = tokens.MAX_LENGTH, 16
CASES = ('short', 'full', 'random', 'mixed')


def equal(one, other):
  assert one.keys() == other.keys()
  for name in one:
    np.testing.assert_array_equal(one[name], other[name], strict=True)


@pytest.mark.parametrize('case', CASES)
def test_made_up_pairs_are_packed_as_in_the_benchmark(case):
  pairs = sentence_pairs.pairs(f'case_{case}')
  index = packing.index(pairs, np.arange(len(pairs)), LENGTH)
  wanted = {
    name: sentence_pairs.arrays()[f'case_{case}_packed_{name}']
    for name in packing.PACKED_NAMES
  }
  assert index.count == len(wanted['targets'])
  found = packing.packed(pairs, index, LENGTH, 0, index.count)
  equal({name: found[name] for name in wanted}, wanted)
  first, last = index.count // 3, index.count // 3 + 2
  part = packing.packed(pairs, index, LENGTH, first, last)
  equal(part, {name: array[first:last] for name, array in found.items()})


def test_rows_of_the_training_split_are_those_of_the_benchmark():
  pairs = sentence_pairs.pairs('train')
  wanted = {
    name: sentence_pairs.arrays()[f'packed_{name}']
    for name in (*packing.PACKED_NAMES, 'weights')
  }
  count = len(wanted['targets'])
  # Without end: the benchmark's groups run across the end of an epoch.
  kept = packing.short(pairs, LENGTH)
  index = packing.index(pairs, np.tile(kept, count), LENGTH)
  found = packing.packed(pairs, index, LENGTH, 0, count)
  np.testing.assert_array_equal(
    found.pop('weights'), wanted.pop('weights') != 0
  )
  equal(found, wanted)


@pytest.mark.parametrize('split', ['validation', 'test'])
def test_evaluation_batches_are_those_of_the_benchmark(split):
  pairs, wanted = sentence_pairs.pairs(split), sentence_pairs.arrays()
  kept = packing.short(pairs, LENGTH)
  batches = list(streams.evaluation(pairs, kept, LENGTH, EVAL_BATCH))
  for i, batch in enumerate(batches):
    for side in packing.SIDES:
      expected = wanted[f'{split}_batch{i}_{side}']
      np.testing.assert_array_equal(batch[side], expected, strict=True)
    weights = wanted[f'{split}_batch{i}_weights'] != 0
    np.testing.assert_array_equal(batch['weights'], weights)
  assert f'{split}_batch{len(batches)}_inputs' not in wanted
