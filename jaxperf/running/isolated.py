# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Calls a function in a process of its own.

The number of devices that JAX simulates is fixed when it starts, and memory
that XLA took comes back when its process ends. A crash ends one call only.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from jaxperf import errors
from jaxperf.records import files


def call(
  function: Callable[..., Any],
  arguments: Mapping[str, Any],
  variables: Mapping[str, str] | None = None,
) -> tuple[Any, str | None]:
  """The result of a function in a new process; its prints go to standard error.

  Args:
    function: of a module, by name; what it takes and returns must be JSON.
    arguments: by name.
    variables: changes to the environment.

  Returns:
    The result and None, or None and why there is no result.
  """
  with tempfile.TemporaryDirectory() as folder:
    answer = pathlib.Path(folder, 'answer.json')
    command = (function.__module__, function.__qualname__, str(answer))
    done = subprocess.run(
      [sys.executable, '-P', '-m', 'jaxperf.running.isolated', *command],
      input=json.dumps(arguments),
      stdout=sys.stderr,
      text=True,
      env=os.environ | dict(variables or {}),
    )
    content = files.read_json(answer)
  if content is None:
    return None, f'its process ended with status {done.returncode}' + (
      ' (killed: out of host memory?)' if done.returncode == -9 else ''
    )
  return content['result'], content['error']


def simulated_devices(count: int) -> dict[str, str]:
  """The environment in which JAX sees that many CPU devices."""
  flags = os.environ.get('XLA_FLAGS', '')
  return {
    'JAX_PLATFORMS': 'cpu',
    'XLA_FLAGS': f'{flags} --xla_force_host_platform_device_count={count}',
  }


def _main(module: str, name: str, answer: str) -> None:
  """Answers one call."""
  function = getattr(importlib.import_module(module), name)
  content = {'result': None, 'error': None}
  try:
    content['result'] = function(**json.load(sys.stdin))
  except errors.UserError as error:
    content['error'] = str(error)
  # Whatever a submission raises is the caller's to report.
  except Exception as error:
    traceback.print_exc()
    content['error'] = errors.first_line(error)
  files.write_json(pathlib.Path(answer), content)


if __name__ == '__main__':
  _main(*sys.argv[1:])
