# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A few real training steps, to see whether anything becomes non-finite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxperf import mesh
from jaxperf.running import build
from jaxperf.trial import batches as batches_lib

PyTree = Any
STEPS = 5


def run(
  config: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
  """Trains for `STEPS` steps, or until something is not finite.

  Args:
    config: fields of a `config.Config`.
    jobs: from `jobs.as_json`, one.

  Returns:
    `workload`, the `losses` (None for one that is not finite, or that the step
    does not tell), and `non_finite`: the first array that is not (the loss,
    parameters, running statistics, weights to judge), or None. Optimizer state
    may hold infinities.
  """
  (training,) = build.trainings_from_json(config, jobs)
  state = training.method.initial_state(training)
  functions = training.method.compile(training, state)
  batches = batches_lib.Prefetcher(
    training.workload.data.train(training.seed, training.run.batch_size, None),
    lambda batch: mesh.place_batch(batch, training.run.mesh),
  )
  losses, found = [], None
  for step in range(STEPS):
    batch = functions.next_batch(batches, state, step)
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


def _non_finite(tree: PyTree) -> str | None:
  """The path of the first array that is not finite, or None."""
  for path, x in jax.tree.leaves_with_path(tree):
    if not jnp.isfinite(x).all():
      return jax.tree_util.keystr(path, simple=True, separator='/')
  return None
