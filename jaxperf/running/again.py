# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Judges trials again, and trains them again; each in a process of its own.

`judge` loads rules and workload, and never the code of a submission.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jaxperf import errors, mesh
from jaxperf.records import identity as recorded
from jaxperf.records import layout
from jaxperf.running import build, identity, worker
from jaxperf.running import folder as folder_lib
from jaxperf.trial import evaluation, judged
from jaxperf.trial import run as run_lib


def judge(folder: str, workload: str, names: Sequence[str]) -> dict[str, Any]:
  """Judges the weights that trials have kept.

  Args:
    folder: results folder.
    workload: of all the trials.
    names: of the trials' folders below it.

  Returns:
    Name -> `rows`, pairs of the row that was kept with the weights and of the
    metrics now, whether this is the `same` machine with the same versions, and
    what reading the weights raised, `error`.
  """
  root = pathlib.Path(folder)
  config = folder_lib.read_config(root)
  posed = build.problem(config, workload)
  devices = mesh.make_mesh()
  evaluator = evaluation.Evaluator(posed.workload, devices)
  shapes = jax.eval_shape(posed.workload.init, jax.random.key(0))
  sharding = mesh.replicated(devices)
  like = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding),
    dict(zip(('params', 'model_state'), shapes)),
  )
  here = identity.surroundings()
  found = {}
  for name in names:
    made_by = recorded.read(root / name)
    answer = {'rows': [], 'error': None, 'same': _same(made_by, here)}
    key = jax.random.key(folder_lib.read_job(root, name).seed)
    try:
      for kept in judged.read(root / name, like):
        metrics = evaluator(kept.params, kept.model_state, key)
        answer['rows'].append([dict(kept.row), metrics])
    # Whatever a damaged file makes the libraries raise.
    except Exception as error:
      answer['error'] = errors.first_line(error)
    found[name] = answer
  return found


def train(folder: str, name: str, place: str) -> dict[str, Any]:
  """Runs a trial again.

  It evaluates after the same steps, whatever the clock says.

  Args:
    folder: results folder.
    name: of the trial's folder below it.
    place: folder for its records.

  Returns:
    `rows` of its evaluations, and whether this is the `same` machine with the
    same versions.

  Raises:
    UserError: if its submission or its settings have changed since.
  """
  root = pathlib.Path(folder)
  config, job = folder_lib.read_config(root), folder_lib.read_job(root, name)
  trial = worker.make_trial(config, job)
  identity.check(root / name, trial.identity)
  steps = [int(row['global_step']) for row in rows(root / name)]
  trial = dataclasses.replace(
    trial, eval_steps=steps, keep_state=False, checkpoint_every_s=math.inf
  )
  run_lib.run(trial, pathlib.Path(place))
  same = _same(recorded.read(root / name), trial.identity)
  return {'rows': rows(pathlib.Path(place)), 'same': same}


def rows(trial: pathlib.Path) -> list[dict[str, Any]]:
  """The evaluations of a trial of ours, to the last digit."""
  path = trial / layout.EVALUATIONS
  if not path.is_file():
    return []
  with path.open(encoding='utf-8', newline='') as file:
    return [
      {name: float(value or 'nan') for name, value in row.items()}
      for row in csv.DictReader(file)
    ]


def _same(made_by: Sequence[Mapping], here: Mapping) -> bool:
  """Whether a trial was made by what is here, apart from its submission."""
  parts = recorded.SURROUNDINGS
  return bool(made_by) and all(
    {part: made.get(part) for part in parts}
    == {part: here[part] for part in parts}
    for made in made_by
  )
