# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Claims: one process runs a trial, whatever locks and clocks do."""

import errno
import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from jaxperf.records import claims, files, status

ELSEWHERE = {
  'process': {
    'pid': 1,
    'host': 'another',
    'boot': 'its own',
    'processes': 'pid:[1]',
    'began': 5,
  },
  'job': '17_3',
  'since': '2026-01-01 00:00:00+00:00',
  'token': 'theirs',
}


def claim_elsewhere(folder, age=0.0):
  """A claim of a process on another host, touched so long ago."""
  path = folder / claims.FILE
  path.write_text(json.dumps(ELSEWHERE))
  then = time.time() - age
  os.utime(path, (then, then))


def names(folder):
  return sorted(path.name for path in folder.iterdir())


def test_a_claim_says_who_has_it_and_goes_with_its_release(tmp_path):
  claim = claims.Claim(tmp_path)
  holder = claims.owner(tmp_path)
  assert holder.process['pid'] == os.getpid()
  assert str(holder).startswith(f'process {os.getpid()} on {holder.host} since')
  claim.check()
  claim.release()
  assert claims.owner(tmp_path) is None
  assert names(tmp_path) == ['lock']


def test_a_claim_of_a_dead_process_of_this_host_is_void_at_once(tmp_path):
  code = (
    'import pathlib, sys, os; from jaxperf.records import claims\n'
    'claims.Claim(pathlib.Path(sys.argv[1])); os._exit(9)'
  )
  done = subprocess.run([sys.executable, '-c', code, tmp_path])
  assert done.returncode == 9
  assert claims.read(tmp_path) is not None
  assert claims.owner(tmp_path) is None
  begun = time.monotonic()
  claims.Claim(tmp_path).release()
  assert time.monotonic() - begun < 5


def test_a_number_of_a_process_that_is_used_again_is_no_claim(tmp_path):
  claim = claims.Claim(tmp_path)
  content = files.read_json(tmp_path / claims.FILE)
  claim.release()
  content['process']['began'] -= 1  # An earlier process had our number.
  files.write_json(tmp_path / claims.FILE, content)
  assert claims.owner(tmp_path) is None


def test_a_claim_of_another_host_is_void_once_it_is_silent(tmp_path):
  claim_elsewhere(tmp_path, claims.STALE_S - 20)
  assert claims.owner(tmp_path).job == '17_3'
  assert 'process 1 on another, job 17_3, since' in str(claims.owner(tmp_path))
  claim_elsewhere(tmp_path, claims.STALE_S + 20)
  assert claims.owner(tmp_path) is None
  claim = claims.Claim(tmp_path)
  assert claims.read(tmp_path).process['pid'] == os.getpid()
  claim.release()


def test_a_living_claim_of_another_host_is_respected(tmp_path):
  claim_elsewhere(tmp_path, age=5)
  begun = time.time()
  beats = subprocess.Popen(
    [
      *(sys.executable, '-c'),
      'import os, sys, time\nwhile True: time.sleep(1); os.utime(sys.argv[1])',
      str(tmp_path / claims.FILE),
    ]
  )
  try:
    with pytest.raises(claims.TakenError, match='is being run by process 1 on'):
      claims.Claim(tmp_path)
  finally:
    beats.kill()
    beats.wait()
  assert time.time() - begun < 20
  assert claims.read(tmp_path).token == 'theirs'


def test_a_starting_process_waits_for_a_claim_to_go_stale(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(claims, 'STALE_S', 4.0)
  claim_elsewhere(tmp_path, age=2)
  begun = time.monotonic()
  claims.Claim(tmp_path).release()
  assert 1 < time.monotonic() - begun < 10


def test_the_clock_of_this_host_does_not_matter(tmp_path, monkeypatch):
  """Ages are differences of two stamps of the disk."""
  claim_elsewhere(tmp_path)
  (tmp_path / 'progress.json').write_text('{}')
  wrong = time.time() + 3600
  monkeypatch.setattr(time, 'time', lambda: wrong)
  assert claims.owner(tmp_path) is not None
  found = status.read_trial(tmp_path, '.', files.now(tmp_path))
  assert found.silent_s < 60


def test_who_was_taken_over_stops_before_it_writes(tmp_path):
  claim = claims.Claim(tmp_path)
  claim_elsewhere(tmp_path)
  with pytest.raises(claims.TakenError, match='was taken over by process 1 on'):
    claim.check()
  claim.release()
  assert claims.read(tmp_path).token == 'theirs'


def test_who_cannot_touch_its_claim_stops(tmp_path, monkeypatch):
  monkeypatch.setattr(claims, '_TOUCH_S', 0.05)
  monkeypatch.setattr(claims, '_UNREACHABLE_S', 0.5)

  def fail(path):
    raise OSError(errno.EIO, 'Input/output error')

  claim = claims.Claim(tmp_path)
  monkeypatch.setattr(os, 'utime', fail)
  time.sleep(1.0)
  with pytest.raises(claims.LostError, match='could not be reached'):
    claim.check()
  monkeypatch.undo()
  claim.release()


@pytest.mark.parametrize('number', claims._NO_LOCKS)
def test_a_disk_without_locks_is_no_obstacle(tmp_path, monkeypatch, number):
  def fail(*_):
    raise OSError(number, os.strerror(number))

  monkeypatch.setattr(fcntl, 'flock', fail)
  claim = claims.Claim(tmp_path)
  with pytest.raises(claims.TakenError, match='is being run by process'):
    claims.Claim(tmp_path)
  claim.release()


def test_a_disk_without_hard_links_is_no_obstacle(tmp_path, monkeypatch):
  def fail(*_):
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))

  monkeypatch.setattr(os, 'link', fail)
  claim = claims.Claim(tmp_path)
  (tmp_path / 'lock').unlink()  # As if it were local to the other host.
  with pytest.raises(claims.TakenError):
    claims.Claim(tmp_path)
  claim.release()


def test_looking_never_stands_in_the_way_of_a_start(tmp_path):
  (tmp_path / 'progress.json').write_text('{}')
  stop = multiprocessing.get_context('spawn').Event()
  looker = multiprocessing.get_context('spawn').Process(
    target=_look, args=(tmp_path, stop)
  )
  looker.start()
  try:
    for _ in range(100):
      claims.Claim(tmp_path).release()
  finally:
    stop.set()
    looker.join()


def _look(folder, stop):
  while not stop.is_set():
    status.read_trial(folder, '.', files.now(folder))


def _fight(folder, wins):
  for _ in range(60):
    try:
      claim = claims.Claim(folder)
    except claims.TakenError:
      continue
    with open(folder / 'inside', 'x'):  # Raises if another one is inside.
      pass
    os.unlink(folder / 'inside')
    wins.put(os.getpid())
    claim.release()


def test_of_many_that_try_one_has_it(tmp_path, monkeypatch):
  context = multiprocessing.get_context('spawn')
  wins = context.Queue()
  fighters = [
    context.Process(target=_fight, args=(tmp_path, wins)) for _ in range(3)
  ]
  for each in fighters:
    each.start()
  got = 0
  while any(each.is_alive() for each in fighters) or not wins.empty():
    while not wins.empty():
      wins.get()
      got += 1
    time.sleep(0.01)
  assert [each.exitcode for each in fighters] == [0] * 3
  assert got > 10


def _write(folder, count):
  for number in range(count):
    files.write_json(folder / 'x.json', {'number': number, 'fill': 'x' * 4000})


def test_writers_of_one_file_do_not_disturb_each_other(tmp_path, monkeypatch):
  """Also where process ids are the same, as in containers."""
  context = multiprocessing.get_context('spawn')
  writers = [
    context.Process(target=_same_pid, args=(tmp_path, 500)) for _ in range(2)
  ]
  for each in writers:
    each.start()
  read = 0
  while any(each.is_alive() for each in writers):
    content = files.read_json(tmp_path / 'x.json')
    read += content is not None and len(content['fill']) == 4000
  assert [each.exitcode for each in writers] == [0, 0]
  assert read > 10
  assert names(tmp_path) == ['x.json']


def _same_pid(folder, count):
  os.getpid = lambda: 1
  _write(folder, count)


def test_what_killed_writers_left_is_tidied_up(tmp_path):
  old = files.temporary(tmp_path / 'x.json')
  new = files.temporary(tmp_path / 'x.json')
  for path in (old, new):
    path.touch()
  os.utime(old, (1, 1))
  claims.Claim(tmp_path).release()
  assert not old.exists()
  assert new.exists()
