# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The launcher contract, and what the processes of trials are given."""

import json
import pathlib
import sys
import time

import pytest

from jaxperf import errors
from jaxperf.running import config as config_lib
from jaxperf.running import launch
from jaxperf.running.launch import local

_SHOW = 'import json, os; print(json.dumps(dict(os.environ)))'


def _config(**values):
  return config_lib.make_config({'submissions': ('baselines.sam',)} | values)


def _python(folder, code):
  folder.mkdir(parents=True, exist_ok=True)
  return launch.Task(folder, [sys.executable, '-c', code])


def _environments(folder, places):
  """Of as many processes at a time as there are places."""
  launcher = local.Local(places)
  folders = [folder / str(number) for number in range(places)]
  launcher.start([_python(each, _SHOW) for each in folders])
  assert len(launcher.running) == places
  while launcher.running:
    launcher.ended()
  return [json.loads((each / 'trial.log').read_text()) for each in folders]


def test_tasks_wait_for_places_and_tell_how_they_ended(tmp_path):
  launcher = launch.make(_config(max_parallel=2))
  tasks = [
    _python(tmp_path / str(status), f'raise SystemExit({status})')
    for status in (0, 3, 75)
  ]
  launcher.start(tasks)
  assert [running.task for running in launcher.running] == tasks[:2]
  assert [running.place for running in launcher.running] == [
    'place 1 of 2',
    'place 2 of 2',
  ]
  assert launcher.waiting == 1
  ended = []
  while launcher.running or launcher.waiting:
    ended += launcher.ended()
  assert {(each.task.folder.name, each.status) for each in ended} == {
    ('0', 0),
    ('3', 3),
    ('75', launch.STOPPED),
  }


def test_stop_ends_what_runs_and_drops_what_waits(tmp_path):
  launcher = local.Local(1)
  sleep = 'import time; print("up", flush=True); time.sleep(60)'
  launcher.start([_python(tmp_path / name, sleep) for name in 'ab'])
  while (tmp_path / 'a/trial.log').read_text() != 'up\n':
    assert not launcher.ended()
  launcher.stop()
  assert (list(launcher.running), launcher.waiting) == ([], 0)
  assert not (tmp_path / 'b/trial.log').exists()


def test_a_launcher_that_there_is_not_is_refused():
  with pytest.raises(errors.UserError, match="did you mean 'local'"):
    launch.make(_config(launcher='locall'))


def test_large_blocks_get_huge_pages_unless_the_user_says_otherwise(
  tmp_path, monkeypatch
):
  monkeypatch.delenv('GLIBC_TUNABLES', raising=False)
  (given,) = _environments(tmp_path / 'a', 1)
  assert given['GLIBC_TUNABLES'] == 'glibc.malloc.hugetlb=1'
  monkeypatch.setenv('GLIBC_TUNABLES', 'glibc.malloc.arena_max=1')
  (given,) = _environments(tmp_path / 'b', 1)
  assert given['GLIBC_TUNABLES'] == 'glibc.malloc.arena_max=1'


@pytest.mark.parametrize(
  ('devices', 'places', 'shares'),
  [
    ('0,1,2,3', 2, ['0,1', '2,3']),
    ('0,1', 3, ['0', '1', '1']),
    ('3,5', 1, ['3,5']),
  ],
)
def test_places_share_the_visible_devices(
  devices, places, shares, tmp_path, monkeypatch
):
  monkeypatch.setenv('CUDA_VISIBLE_DEVICES', devices)
  given = _environments(tmp_path, places)
  assert [each['CUDA_VISIBLE_DEVICES'] for each in given] == shares


def test_what_a_trial_leaves_behind_ends_with_it(tmp_path):
  code = (
    'import subprocess, sys; child = subprocess.Popen([sys.executable, "-c", '
    '"import time; time.sleep(600)"]); print(child.pid, flush=True)'
  )
  launcher = local.Local(1)
  launcher.start([_python(tmp_path / 'a', code)])
  while launcher.running:
    launcher.ended()
  pid = int((tmp_path / 'a/trial.log').read_text())
  deadline = time.monotonic() + 20
  while _runs(pid) and time.monotonic() < deadline:
    time.sleep(0.05)
  assert not _runs(pid)


def _runs(pid):
  """Whether there is such a process, other than one waiting to be reaped."""
  try:
    status = pathlib.Path(f'/proc/{pid}/stat').read_text()
  except FileNotFoundError:
    return False
  return status.rpartition(')')[2].split()[0] != 'Z'


@pytest.mark.parametrize(
  ('kills', 'expected'), [((3, 4), True), ((3, 3), False)]
)
def test_a_kill_for_want_of_memory_is_told_from_others(
  tmp_path, monkeypatch, kills, expected
):
  counts = iter(kills)
  monkeypatch.setattr(local, '_memory_kills', lambda: next(counts))
  launcher = local.Local(1)
  launcher.start(
    [_python(tmp_path / 'a', 'import os; os.kill(os.getpid(), 9)')]
  )
  ended = []
  while not ended:
    ended = launcher.ended()
  assert (ended[0].status, ended[0].out_of_memory) == (-9, expected)


def test_a_folder_that_was_moved_is_not_made_again(tmp_path):
  launcher = local.Local(1)
  task = launch.Task(tmp_path / 'gone' / 'trial_1', [sys.executable, '-c', ''])
  with pytest.raises(errors.UserError, match='is gone: if it was moved'):
    launcher.start([task])
  assert not (tmp_path / 'gone').exists()
