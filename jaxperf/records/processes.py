# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Which process is which, across hosts, restarts and containers."""

from __future__ import annotations

import os
import pathlib
import socket
from typing import Any


def this() -> dict[str, Any]:
  """What tells this process from all others, on all hosts.

  Returns:
    Its number, its host, the boot and the name space of processes that the
    number belongs to, and when it began, in ticks of the kernel.
  """
  return {
    'pid': os.getpid(),
    'host': socket.gethostname(),
    'boot': _line('/proc/sys/kernel/random/boot_id'),
    'processes': _name_space(),
    'began': _began(os.getpid()),
  }


def lives(process: dict[str, Any]) -> bool | None:
  """Whether a process is there; None if that cannot be seen from here.

  Args:
    process: what `this` said in it.
  """
  here = this()
  if any(process[k] != here[k] for k in ('host', 'boot', 'processes')):
    return None
  if here['began'] is not None:  # As numbers of processes are used again.
    return _began(process['pid']) == process['began']
  try:
    os.kill(process['pid'], 0)
  except ProcessLookupError:
    return False
  except PermissionError:
    pass
  return True


def job() -> str:
  """The scheduler's name for this job."""
  variables = os.environ
  if array := variables.get('SLURM_ARRAY_JOB_ID'):
    return f'{array}_{variables.get("SLURM_ARRAY_TASK_ID")}'
  return variables.get('SLURM_JOB_ID') or variables.get('JOB_NAME', '')


def _began(pid: int) -> int | None:
  """When a process began, in ticks; None if it is gone or only a zombie."""
  try:
    words = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2]
  except (FileNotFoundError, ProcessLookupError):
    return None
  state, *rest = words.split()
  return None if state in 'ZX' else int(rest[18])


def _name_space() -> str:
  """Of the numbers of processes: in containers 1 is not 1."""
  try:
    return os.readlink('/proc/self/ns/pid')
  except OSError:
    return ''


def _line(path: str) -> str:
  try:
    return pathlib.Path(path).read_text().strip()
  except OSError:
    return ''
