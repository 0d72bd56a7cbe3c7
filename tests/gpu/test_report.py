# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tests.gpu import report


def test_a_machine_without_the_platform_is_refused(tmp_path, capsys):
  assert report.main([str(tmp_path / 'report.md'), '--platform=tpu']) == 2
  assert 'JAX finds no tpu here' in capsys.readouterr().err
  assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_every_part_is_in_the_report(tmp_path, monkeypatch):
  monkeypatch.delenv('JAXPERF_DATA', raising=False)
  monkeypatch.setenv('XLA_FLAGS', '--xla_force_host_platform_device_count=2')
  path = tmp_path / 'new' / 'report.md'
  words = ['--platform=cpu', '--workloads=mini_clicks']
  words += ['--submissions=baselines.adamw']
  parity = ['--parity', 'tests/workloads/test_word_errors.py']
  assert report.main([str(path), *words, *parity]) == 0
  text = path.read_text()
  for title in ('Tests', 'Parity', 'Differences', 'Steps', 'Updates', 'Input'):
    assert f'## {title}' in text
  (row,) = json.loads(path.with_suffix('.steps.json').read_text())['steps']
  # An eighth of the workload's batch of 128 for each device.
  assert (row['batch_size'], row['devices']) == (32, 2)
