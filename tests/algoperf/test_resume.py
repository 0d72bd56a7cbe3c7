# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Killed and started again, a trial of an AlgoPerf file ends the same.

Run as a script this file trains: `python test_resume.py NAME FOLDER`.
"""

import dataclasses
import pathlib
import sys

import jax
import pytest

from jaxperf.trial import run, trial
from tests.algoperf import test_trajectories
from tests.trial import test_resume

# Path, ruleset and tuning point; the first's state holds a function, the
# second's numbers and weights that are turned around for an evaluation.
FILES = {
  'nadamw': (test_trajectories.NADAMW, 'external', test_trajectories.POINTS[0]),
  'schedule_free': (test_trajectories.SCHEDULE_FREE, 'self', {}),
}


def _trial(name: str) -> trial.Trial:
  made = test_trajectories.file_trial(
    *FILES[name],
    workload=test_resume.WORKLOAD,
    devices=jax.devices()[:1],
    **test_resume.LIMITS,
  )
  return dataclasses.replace(made, **test_resume.OFTEN)


@pytest.mark.slow
@pytest.mark.parametrize('name', FILES)
def test_a_killed_file_ends_with_the_same_numbers(tmp_path, name):
  test_resume.check_kills([__file__, name], _trial(name), tmp_path, kills=4)


if __name__ == '__main__':
  run.run(_trial(sys.argv[1]), pathlib.Path(sys.argv[2]))
