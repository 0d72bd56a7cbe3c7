# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Several processes, on one host or more, that run one trial together.

JAX's own look at the scheduler is off: it gives each process one device of its
host, and starts where a shell merely inherited variables.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from typing import NamedTuple

import jax

from jaxperf import errors

_HEARTBEAT_S = 30  # Without a sign of a peer for so long, all give up.
_CONNECT_S = 600
_PORTS = (20_000, 20_000)  # The first, and how many.


class Peers(NamedTuple):
  """A process among the others of its trial.

  Attributes:
    coordinator: `HOST:PORT` of process 0.
    count: how many there are.
    number: which one this is.
    on_host: how many of them share this host.
    on_host_number: which one of those this is.
  """

  coordinator: str
  count: int
  number: int
  on_host: int = 1
  on_host_number: int = 0

  @property
  def first(self) -> bool:
    """Whether it is the one that writes."""
    return self.number == 0

  def say(self, stage: str) -> None:
    """Prints what this process does now."""
    print(
      f'process {self.number} of {self.count} on {socket.gethostname()}: '
      f'{stage}',
      flush=True,
    )


def find(
  coordinator: str | None = None,
  count: int | None = None,
  number: int | None = None,
  variables: Mapping[str, str] | None = None,
) -> Peers | None:
  """The peers of this process; None if it is alone.

  Args:
    coordinator: `HOST:PORT` of process 0, as the command line has it. What is
      left out comes from `JAXPERF_COORDINATOR`, `JAXPERF_NUM_PROCESSES` and
      `JAXPERF_PROCESS_ID`, or, in a step of several tasks that `srun` started,
      from SLURM.
    count: of processes.
    number: of this one.
    variables: the environment; None for that of this process.

  Raises:
    UserError: if something of it is missing.
  """
  known = os.environ if variables is None else variables
  coordinator = coordinator or known.get('JAXPERF_COORDINATOR')
  count = _whole('JAXPERF_NUM_PROCESSES', count, known)
  number = _whole('JAXPERF_PROCESS_ID', number, known)
  if (coordinator, count, number) == (None, None, None):
    return _of_slurm(known)
  if count in (None, 1):
    return None
  if coordinator is None or number is None or not 0 <= number < count:
    raise errors.UserError(
      f'this is process {number} of {count} with process 0 at {coordinator}: '
      'expected --coordinator=HOST:PORT --num-processes=N --process-id=0..N-1, '
      'or JAXPERF_COORDINATOR, JAXPERF_NUM_PROCESSES, JAXPERF_PROCESS_ID'
    )
  return Peers(coordinator, count, number)


def first_host(nodes: str) -> str:
  """The first name of a list of hosts as SLURM writes it.

  >>> first_host('gpu[007-009,12],cpu1'), first_host('a,b'), first_host('n-1')
  ('gpu007', 'a', 'n-1')
  """
  match = re.match(r'([^\[,]*)(?:\[([^\]]*)\])?([^,]*)', nodes)
  before, numbers, after = match.groups()
  first = re.split('[-,]', numbers)[0] if numbers else ''
  return before + first + after


def join(peers: Peers) -> None:
  """Connects this process with the others; waits for them.

  Raises:
    UserError: if they do not come; names those that are missing, as far as the
      service of process 0 says it.
  """
  peers.say(f'connecting to {peers.coordinator}')
  # It would put its own handler over ours, and swallow SIGTERM.
  jax.config.update('jax_enable_preemption_service', False)
  try:
    jax.distributed.initialize(
      peers.coordinator,
      peers.count,
      peers.number,
      local_device_ids=_own_devices(peers),
      cluster_detection_method='deactivate',
      initialization_timeout=_CONNECT_S,
      heartbeat_timeout_seconds=_HEARTBEAT_S,
    )
  except RuntimeError as error:
    raise errors.UserError(
      f'process {peers.number} of {peers.count} could not join the others at '
      f'{peers.coordinator} ({errors.first_line(error)})'
    ) from error
  peers.say('devices')
  here, all_devices = jax.local_device_count(), jax.device_count()
  peers.say(f'{here} of {all_devices} devices')


def _whole(
  name: str, given: int | None, variables: Mapping[str, str]
) -> int | None:
  """A number from the command line, or else from a variable."""
  text = variables.get(name)
  if given is not None or not text:
    return given
  if not text.isdecimal():
    raise errors.UserError(f'{name} is {text!r}, expected a whole number')
  return int(text)


def _of_slurm(variables: Mapping[str, str]) -> Peers | None:
  """The peers in a step of several tasks, if this process is one of them."""
  count = int(variables.get('SLURM_STEP_NUM_TASKS', 1))
  # A shell within a step hands its variables on; a task knows its own number.
  is_task = variables.get('SLURM_TASK_PID') == str(os.getpid())
  if count == 1 or not (is_task or variables.get('JAXPERF_PEERS') == 'slurm'):
    return None
  first, many = _PORTS
  port = first + int(variables['SLURM_JOB_ID']) % many
  host = first_host(variables['SLURM_STEP_NODELIST'])
  number = int(variables['SLURM_PROCID'])
  shares = _tasks_per_node(variables['SLURM_STEP_TASKS_PER_NODE'])
  on_host = shares[int(variables['SLURM_NODEID'])]
  return Peers(
    f'{host}:{port}', count, number, on_host, int(variables['SLURM_LOCALID'])
  )


def _tasks_per_node(text: str) -> list[int]:
  """How many tasks each node has: `2(x3),1` is 2, 2, 2, 1."""
  found = []
  for part in text.split(','):
    count, times = re.fullmatch(r'(\d+)(?:\(x(\d+)\))?', part).groups()
    found += [int(count)] * int(times or 1)
  return found


def _own_devices(peers: Peers) -> list[int] | None:
  """The share of its host's GPUs where processes share it; None for all."""
  visible = os.environ.get('CUDA_VISIBLE_DEVICES', '')
  devices = [device for device in visible.split(',') if device]
  if peers.on_host == 1 or not devices:
    return None
  share = len(devices) // peers.on_host
  if not share or len(devices) % peers.on_host:
    raise errors.UserError(
      f'{peers.on_host} processes share {len(devices)} devices on '
      f'{socket.gethostname()}: choose processes_per_node so that each gets as '
      'many'
    )
  begin = peers.on_host_number * share
  return list(range(begin, begin + share))
