# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from jaxperf.costs import updates
from tests import command


def test_updates_are_timed_and_failures_are_told(monkeypatch):
  monkeypatch.delenv('JAXPERF_SINV6_WEIGHTS', raising=False)
  done = command.jaxperf(
    *('bench', 'optimizers', '--workloads=mini_clicks'),
    '--submissions=baselines.adamw,baselines.heavy_ball,baselines.sinv6',
    *('--repeats=3', '--format=json'),
  )
  content = json.loads(done.stdout)
  adamw, heavy_ball, sinv6 = content['optimizers']
  # Two averages and one, in float32; counters are shared by all parameters.
  assert adamw['state_bytes'] == pytest.approx(8, abs=0.01)
  assert heavy_ball['state_bytes'] == pytest.approx(4, abs=0.01)
  for row in (adamw, heavy_ball):
    assert row['error'] is None
    assert len(row['ratios']) == 3
    assert sorted(row['ratios'])[1] == row['ratio'] > 0
  assert 'needs its trained weights' in sinv6['error']


@pytest.mark.parametrize(
  'spec', ['baselines.sam', 'baselines.schedule_free_adamw_v2']
)
def test_algorithms_that_evaluate_the_model_are_timed_without_it(spec):
  row = updates.measure('mini_clicks', spec, 1)
  assert row['update_s'] > 0
  assert row['state_bytes'] == pytest.approx(8, abs=0.01)


@pytest.mark.parametrize(
  ('option', 'message'),
  [
    ('--submissions=optax.adamv', "optax has no 'adamv'"),
    ('--submissions=baselines.nadam', "did you mean 'baselines.nadamw'?"),
    ('--workloads=wnt', "did you mean 'wmt'?"),
    ('--batch-size=8', 'bench steps'),
  ],
)
def test_what_does_not_exist_is_refused_before_anything_is_measured(
  option, message
):
  done = command.jaxperf('bench', 'optimizers', option)
  assert done.returncode == 2
  assert message in done.stderr
  assert not done.stdout
