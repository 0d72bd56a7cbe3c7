# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A few real training steps, to see whether anything becomes non-finite."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jaxperf import mesh
from jaxperf.running import build, jobs
from jaxperf.running import config as config_lib
from jaxperf.trial import batches as batches_lib
from jaxperf.trial import compiled, trial
from jaxperf.trial import step as step_lib

PyTree = Any
STEPS = 5


def run(config: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
  """Trains for `STEPS` steps, or until something is not finite.

  Args:
    config: fields of an `experiment.Config`.
    item: fields of a `job.Job`.

  Returns:
    `workload`, the `losses` (None for one that is not finite, or that a driver
    does not tell), and `non_finite`: the first array that is not (the loss,
    parameters, running statistics, weights to judge), or None. Optimizer state
    may hold infinities.
  """
  training = build.make_training(
    config_lib.make_config(config), jobs.Job(**item)
  )
  state = compiled.initial_state(training)
  functions = compiled.compile_functions(training, state)
  batches = batches_lib.Prefetcher(
    training.workload.data.train(training.seed, training.run.batch_size, None),
    lambda batch: mesh.place_batch(batch, training.run.mesh),
  )
  losses, found = [], None
  for step in range(STEPS):
    batch = _next_batch(training, batches, state, step)
    state, scalars = functions.step(state, batch)
    loss = float(scalars.get('loss', math.nan))
    losses.append(loss if math.isfinite(loss) else None)
    watched = {'loss': scalars.get('loss', 0.0), 'params': state.params}
    watched['model_state'] = state.model_state
    if functions.eval_params is not None:
      watched['eval_params'], *_ = functions.eval_params(
        state.opt_state, state.params, state.model_state
      )
    if functions.prepare is not None:
      state = functions.prepare(state)
      watched['prepare_for_eval'] = state.params
    if found := _non_finite(watched):
      break
  batches.close()
  return {
    'workload': training.workload.name,
    'losses': losses,
    'non_finite': found,
  }


def _next_batch(
  training: trial.Training,
  batches: Iterator[PyTree],
  state: step_lib.TrainState,
  step: int,
) -> PyTree:
  """The batch that the submission takes."""
  if training.submission.select_data is None:
    return next(batches)
  key = jax.random.fold_in(jax.random.key(training.seed), step)
  return training.submission.select_data(
    batches, state.opt_state, state.params, key
  )


def _non_finite(tree: PyTree) -> str | None:
  """The path of the first array that is not finite, or None."""
  for path, x in jax.tree.leaves_with_path(tree):
    if not jnp.isfinite(x).all():
      return jax.tree_util.keystr(path, simple=True, separator='/')
  return None
