# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Which processes run a trial together, and what ends one that hangs."""

import os
import threading
import time

import pytest

from jaxperf import errors
from jaxperf.running import peers
from jaxperf.trial import watchdog

STEP = {
  'SLURM_STEP_NUM_TASKS': '5',
  'SLURM_STEP_TASKS_PER_NODE': '2(x2),1',
  'SLURM_STEP_NODELIST': 'gpu[003-004,7]',
  'SLURM_PROCID': '3',
  'SLURM_LOCALID': '1',
  'SLURM_NODEID': '1',
  'SLURM_JOB_ID': '41234',
  'SLURM_TASK_PID': str(os.getpid()),
}


def test_a_step_of_several_tasks_knows_its_peers():
  found = peers.find(variables=STEP)
  assert found == peers.Peers('gpu003:21234', 5, 3, 2, 1)
  assert not found.first
  last = STEP | {'SLURM_PROCID': '4', 'SLURM_LOCALID': '0', 'SLURM_NODEID': '2'}
  assert peers.find(variables=last)[2:] == (4, 1, 0)


def test_a_shell_that_inherited_variables_is_alone():
  inherited = STEP | {'SLURM_TASK_PID': '1'}
  assert peers.find(variables=inherited) is None
  # But for a container that our script started in a step.
  assert peers.find(variables=inherited | {'JAXPERF_PEERS': 'slurm'}).count == 5
  assert peers.find(variables={}) is None
  alone = STEP | {'SLURM_STEP_NUM_TASKS': '1'}
  assert peers.find(variables=alone) is None


def test_the_command_line_goes_before_variables():
  variables = STEP | {
    'JAXPERF_COORDINATOR': 'a:1',
    'JAXPERF_NUM_PROCESSES': '2',
    'JAXPERF_PROCESS_ID': '1',
  }
  assert peers.find(variables=variables) == peers.Peers('a:1', 2, 1)
  assert peers.find('b:2', 3, 2, variables) == peers.Peers('b:2', 3, 2)


@pytest.mark.parametrize(
  ('given', 'variables'),
  [
    (('a:1', 2, 2), {}),
    (('a:1', 2, None), {}),
    ((None, 2, 0), {}),
    (('a:1', None, None), {'JAXPERF_NUM_PROCESSES': 'two'}),
  ],
)
def test_what_is_missing_is_said(given, variables):
  with pytest.raises(errors.UserError, match='expected'):
    peers.find(*given, variables=variables)


@pytest.mark.parametrize(
  ('visible', 'on_host', 'number', 'expected'),
  [
    ('0,1,2,3', 2, 1, [2, 3]),
    ('0,1,2,3', 1, 0, None),  # One process has all of its host.
    ('', 2, 1, None),
    ('4,5', 2, 0, [0]),
  ],
)
def test_processes_of_a_host_share_its_devices(
  visible, on_host, number, expected, monkeypatch
):
  monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
  found = peers.Peers('a:1', 4, 1, on_host, number)
  assert peers._own_devices(found) == expected


def test_devices_that_cannot_be_shared_equally_are_refused(monkeypatch):
  monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '0,1,2')
  with pytest.raises(errors.UserError, match='choose processes_per_node'):
    peers._own_devices(peers.Peers('a:1', 2, 0, 2, 0))


def test_a_process_that_hangs_is_ended_and_one_that_works_is_not(capsys):
  ended, steps = threading.Event(), iter(range(10**9))
  working = watchdog.Watchdog(
    lambda: next(steps), 0.3, 75, lambda status: ended.set()
  )
  time.sleep(1)
  assert not ended.is_set()
  working.close()
  statuses = []
  watchdog.Watchdog(lambda: 'train', 0.3, 75, statuses.append)
  deadline = time.monotonic() + 10
  while not statuses and time.monotonic() < deadline:
    time.sleep(0.05)
  assert statuses == [75]
  assert 'nothing has advanced for 0 s' in capsys.readouterr().out
