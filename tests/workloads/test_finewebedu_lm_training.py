# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training a small language model on prepared web pages."""

import pathlib

import numpy as np
import pytest

from jaxperf import errors
from tests import real_data, web_pages
from workloads.finewebedu_lm import data as data_lib
from workloads.finewebedu_lm import model as model_lib
from workloads.finewebedu_lm import workload as workload_lib

TARGET = f'{__name__}:small'
_CONFIG = model_lib.Config(
  vocab_size=512, width=32, mlp_width=64, num_heads=2, depth=2, max_length=24
)


def small(data_dir: pathlib.Path):
  """A small model on the data in a folder."""
  settings = workload_lib.Settings(
    workload_lib.FULL.description,
    model_lib.LanguageModel(_CONFIG),
    batch_size=16,
    eval_batch_size=64,
    data=workload_lib.FULL.data,
  )
  return workload_lib.build('small', settings, data=data_dir)


@pytest.fixture(scope='module')
def pages(tmp_path_factory):
  """The folder of all prepared data."""
  path = tmp_path_factory.mktemp('pages')
  web_pages.prepared(path / 'data', *web_pages.write(path))
  return path / 'data'


def test_killed_and_started_again_it_ends_the_same(pages, tmp_path):
  real_data.check_killed(TARGET, pages, tmp_path)


def test_the_number_of_devices_changes_nothing(pages):
  real_data.check_devices(TARGET, pages)


def test_two_processes_read_their_rows(pages, tmp_path):
  real_data.check_two_processes(TARGET, pages, tmp_path)


def test_an_evaluation_covers_the_benchmarks_windows(pages, monkeypatch):
  monkeypatch.setitem(data_lib.EVALUATED, 'validation', 40)
  data = small(pages).data
  weights = [b['weights'] for b in data.evaluation('validation', 64)]
  assert sum(w[:, 0].sum() for w in weights) == 40
  covered = sum(b['weights'][:, 0].sum() for b in data.evaluation('train', 64))
  assert covered == min(10_240, _windows(data))


def _windows(data):
  """How many windows an epoch of training has."""
  count, batches = 0, data.train(0, 16)
  while True:
    batch, _ = next(batches)
    count += int(batch['weights'][:, 0].sum())
    if batch['weights'][-1, 0] == 0:
      return count


def test_clean_and_benchmark_are_told_apart(pages):
  data = [
    data_lib.prepared(division, 512, 24, pages)
    for division in ('benchmark', 'clean')
  ]
  one, other = (each.identity() for each in data)
  assert one['tokenizer'] == other['tokenizer']
  assert (one['division'], other['division']) == ('benchmark', 'clean')
  first, second = (next(each.evaluation('validation', 8)) for each in data)
  assert not np.array_equal(first['inputs'], second['inputs'])


def test_too_little_text_is_refused(pages):
  data = data_lib.prepared('clean', 512, 10**6, pages)
  with pytest.raises(errors.UserError, match='prepare more text'):
    data.check()
