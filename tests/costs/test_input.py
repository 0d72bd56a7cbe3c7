# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tests import command, imagenet_archives


def test_the_input_is_timed_beside_what_is_needed(tmp_path):
  arguments = ('bench', 'input', '--repeats=1', f'--data-dir={tmp_path}')
  done = command.jaxperf(
    *(*arguments, '--workloads=mini_clicks', '--format=json'), '--batch-size=64'
  )
  (row,) = json.loads(done.stdout)['input']
  assert row['batch_size'] == 64
  assert row['examples_per_s'] > 0
  spec_bytes = 4 * (39 + 1)
  assert row['batch_bytes_per_s'] / row['examples_per_s'] == pytest.approx(
    spec_bytes
  )
  assert row['needed_examples_per_s'] is None  # Its rules count steps.
  assert row['stored_bytes_per_example'] is None  # It brings its data along.
  done = command.jaxperf(*arguments)
  assert done.returncode == 2
  assert 'holds no prepared data' in done.stderr


def test_processes_that_decode_are_counted_and_their_cpu_time_too():
  """What a batch of images takes is spent there, not in this process."""
  folder = imagenet_archives.data_dir()
  done = command.jaxperf(
    *('bench', 'input', '--workloads=imagenet_vit', f'--data-dir={folder}'),
    *('--batch-size=8', '--workers=1,2', '--repeats=3', '--format=json'),
  )
  rows = json.loads(done.stdout)['input']
  assert [row['workers'] for row in rows] == [1, 2]
  for row in rows:
    # 167,999 steps of 1,024 images in 64,292 s; 16 cores have 6.0 ms for each.
    needed = pytest.approx(167_999 * 1_024 / 64_292)
    assert row['needed_examples_per_s'] == needed
    assert row['needed_cpu_s_per_example'] == pytest.approx(5.98e-3, rel=0.01)
    busy = row['cpu_s_per_example'] * row['examples_per_s']
    assert 0.3 < busy < 4
  stored = sum(
    path.stat().st_size
    for path in (folder / 'imagenet').iterdir()
    if path.suffix in ('.array_record', '.npy')
  )
  images = sum(
    len(split['file_names'])
    for split in imagenet_archives.expected()['splits'].values()
  )
  assert rows[0]['stored_bytes_per_example'] == stored / images
