# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Which sinks there are, and how a config names them."""

import sys

import pytest

from jaxperf import errors
from jaxperf.records import sinks
from jaxperf.running import config as config_lib


@pytest.mark.parametrize('text', ['tensorboards:logs', 'tensorboard', ':logs'])
def test_a_sink_that_cannot_be_is_refused(text):
  with pytest.raises(errors.UserError, match='expected NAME:TARGET'):
    sinks.load([text])


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
  monkeypatch.setitem(sys.modules, 'clu', None)
  with pytest.raises(errors.UserError, match=r'jaxperf\[tensorboard\]'):
    sinks.load(['tensorboard:logs'])


def test_the_key_tensorboard_is_short_for_a_sink():
  config = config_lib.make_config(
    {
      'submissions': ('baselines.sam',),
      'sinks': 'tensorboard:a',
      'tensorboard': 'b',
    }
  )
  assert config.all_sinks == ('tensorboard:a', 'tensorboard:b')
