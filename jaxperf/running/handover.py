# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The missing trials as text that a shell or SLURM runs elsewhere."""

from __future__ import annotations

import os
import pathlib
import shlex
from collections.abc import Iterator, Sequence

from jaxperf.running import launch, sbatch

# Of the environment, what numbers, times and data depend on.
_VARIABLES = ('JAX', 'XLA_', 'NVIDIA_TF32')
_LARGEST = 1001  # Tasks of an array, by SLURM's own default.


def text(
  form: str, results: pathlib.Path, tasks: Sequence[launch.Task], config
) -> str:
  """The tasks in a form: `commands` or `slurm`.

  `commands` is a line a process, with the current folder and the variables that
  matter. `slurm` is the script that `launcher=slurm` would submit, one after
  another where trials ask for different resources; the lists of trials that
  they read are written.

  Args:
    form: as above.
    results: folder of the experiment.
    tasks: that are missing.
    config: a `config.Config`.
  """
  if form == 'slurm':
    arrays = sbatch.write(results, tasks, config.max_parallel, _LARGEST)
    return '\n'.join(array.script.read_text() for array in arrays)
  return ''.join(f'{line}\n' for task in tasks for line in _lines(task))


def _lines(task: launch.Task) -> Iterator[str]:
  """The command lines of a trial's processes."""
  variables = launch.HUGE_PAGES | {
    name: value
    for name, value in sorted(os.environ.items())
    if name.startswith(_VARIABLES)
  }
  words = [f'{name}={shlex.quote(value)}' for name, value in variables.items()]
  command = shlex.join(task.command)
  start = f'cd {shlex.quote(os.getcwd())} && {" ".join(words)} {command}'
  count = task.resources.processes
  for number in range(count):
    if count == 1:
      yield start
    else:  # Where process 0 is, only who starts it knows.
      where = '--coordinator="${JAXPERF_COORDINATOR:?HOST:PORT of process 0}"'
      yield f'{start} {where} --num-processes={count} --process-id={number}'
