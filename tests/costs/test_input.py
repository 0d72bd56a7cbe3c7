# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json

from tests import command


def test_the_input_is_timed_beside_what_is_needed(tmp_path):
  arguments = ('bench', 'input', '--repeats=1', f'--data-dir={tmp_path}')
  done = command.jaxperf(*arguments, '--workloads=mini_clicks', '--format=json')
  (row,) = json.loads(done.stdout)['input']
  assert row['examples_per_s'] > 0
  spec_bytes = 4 * (39 + 1)
  assert row['bytes_per_s'] / row['examples_per_s'] == spec_bytes
  assert row['needed_examples_per_s'] is None  # Its rules count steps.
  done = command.jaxperf(*arguments)
  assert done.returncode == 2
  assert 'holds no prepared data' in done.stderr
