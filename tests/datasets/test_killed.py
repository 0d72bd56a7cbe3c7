# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Killed at any instant and started again, preparation gives the same bytes.

Run as a script this file prepares: `python test_killed.py FOLDER WORKERS`.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from tests import click_logs

ROOT = pathlib.Path(__file__).parents[2]


def _start(folder: pathlib.Path, workers: int) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, __file__, str(folder), str(workers)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    stdout=subprocess.DEVNULL,
  )


def _files(folder: pathlib.Path) -> int:
  """Shards that are there."""
  return len(list(folder.glob('criteo1tb/day_*.npy')))


def _kill_after(folder, workers, files: int, rng: random.Random) -> None:
  """Starts the preparation and kills it once there are so many files."""
  process = _start(folder, workers)
  while _files(folder) < files and process.poll() is None:
    time.sleep(0.001)
  time.sleep(rng.random() * 0.02)  # While a file is written, or renamed.
  process.send_signal(signal.SIGKILL)
  process.wait()


@pytest.mark.parametrize(
  ('kills', 'workers'),
  [(3, 2)]
  + [pytest.param(20, workers, marks=pytest.mark.slow) for workers in (1, 3)],
)
def test_killed_at_random_instants_it_ends_with_the_same_bytes(
  tmp_path, kills, workers
):
  whole, killed = tmp_path / 'whole', tmp_path / 'killed'
  click_logs.prepared(whole)
  total, rng = _files(whole), random.Random(kills)
  for files in sorted(rng.randrange(total) for _ in range(kills)):
    _kill_after(killed, workers, files, rng)
  assert _start(killed, workers).wait() == 0
  assert click_logs.contents(killed / 'criteo1tb') == (
    click_logs.contents(whole / 'criteo1tb')
  )


def test_finished_files_are_not_made_again(tmp_path):
  click_logs.prepared(tmp_path)
  folder = tmp_path / 'criteo1tb'
  times = {path: path.stat().st_mtime_ns for path in folder.glob('day_*.npy')}
  gone = sorted(times)[-3]
  gone.unlink()
  click_logs.prepared(tmp_path)
  changed = [p for p, t in times.items() if p.stat().st_mtime_ns != t]
  assert sorted(changed) == sorted(times)[-3:]


def test_a_dead_worker_is_told_in_one_sentence(tmp_path):
  process = _start_killable(tmp_path)
  assert process.returncode == 1
  assert 'ended with status -9' in process.stderr


def _start_killable(folder):
  """Prepares with a data set whose second unit kills its process."""
  script = f"""
import dataclasses, pathlib
from jaxperf.datasets import prepare
from tests import click_logs
from tests.datasets import test_killed
if __name__ == '__main__':
  dataset = dataclasses.replace(
    click_logs.dataset(), prepare=test_killed.killed
  )
  prepare.run(dataset, click_logs.RAW, pathlib.Path({str(folder)!r}), 2)
"""
  path = folder / 'script.py'
  path.write_text(script)
  return subprocess.run(
    [sys.executable, str(path)],
    env=os.environ | {'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
  )


def killed(unit, folder, journal, report):
  """A preparation that dies as if it had no memory."""
  os.kill(os.getpid(), signal.SIGKILL)


if __name__ == '__main__':
  click_logs.prepared(pathlib.Path(sys.argv[1]), workers=int(sys.argv[2]))
