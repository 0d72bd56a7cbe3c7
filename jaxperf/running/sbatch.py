# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Job arrays for SLURM: what is submitted, as plain scripts.

Needs nothing but `sbatch`. A script is what a person would write: it runs one
line of a list, which is never rewritten, and asks to be queued again if its
trial has saved its state and can go on, or was lost.
"""

from __future__ import annotations

import hashlib
import pathlib
import re
import secrets
import shlex
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jaxperf.running import launch

# So long before the time limit, and before preemption, trials save and end.
_WARNING_S = 120
_MOST_RESTARTS = 50
_SCRIPT = """\
{shebang}
{options}

# Array tasks are lines of this list; on a shared disk it may appear late.
list={list}
for _ in {{1..60}}; do [[ -e $list ]] && break; sleep 1; done
trial=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$list")
{check}{setup}
# Steps do not take this over from the job by themselves.
if [[ ${{SLURM_CPUS_PER_TASK:-}} ]]; then
  export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
fi
export GLIBC_TUNABLES=${{GLIBC_TUNABLES:-{tunables}}} JAXPERF_PEERS=slurm

# A cancel, a requeue and the end of a grace period tell this script too; a
# warning before them tells the trial alone, which then saves and ends.
told=0
trap 'told=1' TERM
srun --kill-on-bad-exit=1 --unbuffered{label} \\
  {command} "$trial" \\
  >> {results}/"$trial"/trial.log 2>&1 &
while true; do wait $!; code=$?; kill -0 $! 2> /dev/null || break; done

# 0 ended, 1 failed, 2 a wrong setting, 76 somebody else runs it, 126 and 127 no
# such program; all others: it can go on.
if ((told == 0 && ${{SLURM_RESTART_COUNT:-0}} < {restarts})); then
  case $code in
    0 | 1 | 2 | 76 | 126 | 127) ;;
    *) scontrol requeue "$SLURM_JOB_ID" && sleep 60 ;;
  esac
fi
exit $code
"""


class Array(NamedTuple):
  """A job array that is ready to be submitted.

  Attributes:
    name: of the job.
    tasks: one a line of the list.
    list: file with the trials' folders below the results folder.
    script: file for `sbatch`.
  """

  name: str
  tasks: Sequence[launch.Task]
  list: pathlib.Path
  script: pathlib.Path


def folder(results: pathlib.Path) -> pathlib.Path:
  """Where scripts, lists and logs are: beside the results, not among them.

  >>> str(folder(pathlib.Path('/data/quick')))
  '/data/quick.launch'
  """
  results = results.absolute()
  return results.with_name(f'{results.name}.launch')


def prefix(results: pathlib.Path) -> str:
  """How the names of all jobs for a results folder begin.

  >>> prefix(pathlib.Path('/data/quick'))
  'jaxperf-quick-333a44'
  """
  digest = hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:6]
  words = re.sub(r'[^\w.+-]+', '_', results.resolve().name)
  return f'jaxperf-{words}-{digest}'


def write(
  results: pathlib.Path,
  tasks: Sequence[launch.Task],
  max_parallel: int,
  largest: int,
) -> list[Array]:
  """Writes the arrays of some tasks, one for each kind of resources.

  Args:
    results: folder of the experiment.
    tasks: to be submitted.
    max_parallel: tasks of an array that run at the same time.
    largest: tasks in an array, at most.
  """
  place = folder(results)
  place.mkdir(parents=True, exist_ok=True)
  made = []
  for part in _parts(tasks, largest):
    stamp = time.strftime('%Y%m%d-%H%M%S')
    token = f'{stamp}-{secrets.token_hex(2)}'
    name = f'{prefix(results)}-{token}'
    array = Array(name, part, place / f'{token}.txt', place / f'{token}.sh')
    array.list.write_text(''.join(f'{task.command[-1]}\n' for task in part))
    array.script.write_text(_script(results, array, max_parallel))
    made.append(array)
  return made


def _parts(
  tasks: Sequence[launch.Task], largest: int
) -> Iterator[Sequence[launch.Task]]:
  """Tasks that ask for the same, in the order in which they come."""
  kinds: dict[tuple, list[launch.Task]] = {}
  for task in tasks:
    kinds.setdefault((task.resources, task.limit_s), []).append(task)
  for alike in kinds.values():
    for start in range(0, len(alike), largest):
      yield alike[start : start + largest]


def _script(results: pathlib.Path, array: Array, max_parallel: int) -> str:
  """The text of a job script."""
  first = array.tasks[0]
  resources = first.resources
  *command, _ = first.command
  python = command[0]
  check = (
    f'if [[ ! -x {shlex.quote(python)} ]]; then\n'
    f'  echo "jaxperf: $HOSTNAME has no {python}" >&2\n'
    '  exit 2\nfi\n'
  )
  return _SCRIPT.format(
    shebang='#!/bin/bash',
    options='\n'.join(_options(results, array, max_parallel)),
    list=shlex.quote(str(array.list)),
    check=check if python.startswith('/') else '',
    setup=resources.slurm_setup.rstrip() + '\n'
    if resources.slurm_setup
    else '',
    tunables=launch.HUGE_PAGES['GLIBC_TUNABLES'],
    label=' --label' if resources.processes > 1 else '',
    command=shlex.join(command),
    results=shlex.quote(str(results.absolute())),
    restarts=_MOST_RESTARTS,
  )


def _options(
  results: pathlib.Path, array: Array, max_parallel: int
) -> Iterator[str]:
  """The lines that `sbatch` reads; those of the config come last, and win."""
  first = array.tasks[0]
  logs = str(folder(results)).replace('%', '%%')
  options = {
    'job-name': array.name,
    'array': f'0-{len(array.tasks) - 1}%{max_parallel}',
    'requeue': '',
    'open-mode': 'append',
    'signal': f'TERM@{_WARNING_S}',
    'nodes': first.resources.nodes,
    'ntasks-per-node': first.resources.processes_per_node,
    'output': f'{logs}/%A_%a.log',
    'chdir': pathlib.Path.cwd(),
  }
  if first.limit_s is not None:
    options['time'] = _duration(first.limit_s)
  for name, value in (options | dict(first.resources.slurm)).items():
    quoted = f'"{value}"' if ' ' in str(value) else value
    yield f'#SBATCH --{name}' + (f'={quoted}' if value != '' else '')


def _duration(seconds: float) -> str:
  """A time limit, in whole minutes.

  >>> _duration(90_061)
  '1-01:02:00'
  """
  minutes = -(-int(seconds) // 60)
  days, rest = divmod(minutes, 24 * 60)
  return f'{days}-{rest // 60:02}:{rest % 60:02}:00'
