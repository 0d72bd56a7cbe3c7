# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What can be chosen, for people and for programs."""

import json

import pytest

import workloads
from jaxperf import rules
from jaxperf.cli import listing


@pytest.fixture(scope='module')
def listed():
  return json.loads(listing.show('workloads', 'json'))


def test_json_has_the_facts_and_goal_of_every_workload(listed):
  assert [row['name'] for row in listed] == list(workloads.TABLE)
  texts = ('task', 'dataset', 'model', 'loss', 'metric', 'direction')
  for row in listed:
    assert all(isinstance(row[key], str) and row[key] for key in texts)
  by_name = {row['name']: row for row in listed}
  goal = rules.load('v0.6').workloads['ogbg']
  ogbg = by_name['ogbg']
  assert ogbg['parameters'] == 3_554_176  # The published count.
  assert (ogbg['metric'], ogbg['direction']) == (goal.metric, 'maximize')
  assert ogbg['validation_target'] == goal.validation_target
  assert ogbg['test_target'] == goal.test_target


def test_the_table_fits_a_hundred_columns_and_names_all_workloads():
  lines = listing.show('workloads', 'table').split('\n')
  assert max(map(len, lines)) <= 100
  first_words = [line.split()[0] for line in lines if line]
  assert [w for w in first_words if w in workloads.TABLE] == list(
    workloads.TABLE
  )
  assert any('wer' in line and 'Conformer' in line for line in lines)
