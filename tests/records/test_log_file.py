# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A log has a limit, and keeps its beginning and its end."""

import subprocess
import sys

from jaxperf.records import log_file


def test_the_middle_of_a_long_file_goes(tmp_path):
  path = tmp_path / 'trial.log'
  with path.open('ab') as file:
    file.write(b'a' * 1000 + b'b' * 1000)
    file.flush()
    log_file.trim(file.fileno(), 2000)
    assert path.stat().st_size == 2000
    log_file.trim(file.fileno(), 300)
    assert path.read_bytes() == (
      b'a' * 150 + b'\n... 1700 bytes left out ...\n' + b'b' * 150
    )
    file.write(b'and on\n')
  assert path.read_bytes().endswith(b'bbband on\n')


def test_what_is_no_file_stays_as_it_is():
  code = 'from jaxperf.records import log_file; log_file.trim(1, 0); print(1)'
  done = subprocess.run([sys.executable, '-c', code], capture_output=True)
  assert done.stdout == b'1\n'
