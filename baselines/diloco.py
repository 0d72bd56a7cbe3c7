# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Single-worker DiLoCo: AdamW, pulled to slow weights from time to time.

Self-tuning. The slow weights move by Nesterov momentum on the difference that
the fast ones have travelled, and are the ones to evaluate.

References:
  Douillard et al., `DiLoCo: Distributed Low-Communication Training of Language
  Models <https://arxiv.org/abs/2311.08105>`_, 2023
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from baselines.parts import batch_sizes, checks, leafwise
from jaxperf import submission, tuning


class DilocoState(NamedTuple):
  """Number of updates, inner state, slow weights and their momentum."""

  count: jax.Array
  inner: optax.OptState
  slow: optax.Params
  buffer: optax.Updates


def diloco(
  inner: optax.GradientTransformation,
  sync_every: int,
  outer_learning_rate: float,
  outer_momentum: float,
) -> optax.GradientTransformationExtraArgs:
  r"""Wraps the fast rule `inner`; `eval_params` gives the slow weights φ.

  After every `sync_every`-th update, with :math:`\Delta = \varphi - \theta`,

  .. math::
    b \leftarrow \mu b + \Delta, \quad
    \varphi \leftarrow \varphi - \rho (\Delta + \mu b), \quad
    \theta \leftarrow \varphi

  Args:
    inner: updates θ; its state is kept over synchronisations.
    sync_every: updates between synchronisations.
    outer_learning_rate: ρ.
    outer_momentum: μ.

  Raises:
    ValueError: if an argument is out of its range.
  """
  checks.validate(
    sync_every=sync_every,
    outer_learning_rate=outer_learning_rate,
    outer_momentum=outer_momentum,
  )
  inner = optax.with_extra_args_support(inner)

  def init(params):
    return DilocoState(
      count=jnp.zeros([], jnp.int32),
      inner=inner.init(params),
      slow=jax.tree.map(jnp.copy, params),
      buffer=optax.tree.zeros_like(params),
    )

  def update(updates, state, params, **extra_args):
    step, inner_state = inner.update(updates, state.inner, params, **extra_args)
    count = optax.safe_increment(state.count)
    due = count % sync_every == 0

    def leaf(step, p, slow, buffer):
      travelled = slow - (p + step)
      buffer = outer_momentum * buffer + travelled
      outer = travelled + outer_momentum * buffer
      slow = slow - outer_learning_rate * outer
      return slow - p, slow, buffer

    step, slow, buffer = jax.lax.cond(
      due,
      lambda: leafwise.map_leaves(leaf, step, params, state.slow, state.buffer),
      lambda: (step, state.slow, state.buffer),
    )
    return step, DilocoState(count, inner_state, slow, buffer)

  return optax.GradientTransformationExtraArgs(init, update)


def eval_params(opt_state, params, model_state):
  """The slow weights."""
  del params
  return opt_state.slow, model_state


def _optimizer(hps, run):
  checks.validate(**vars(hps))
  adamw = optax.adamw(
    optax.cosine_decay_schedule(hps.learning_rate, run.step_hint),
    b1=hps.beta1,
    b2=hps.beta2,
    eps=1e-8,
    weight_decay=hps.weight_decay,
  )
  return diloco(
    adamw, hps.sync_every, hps.outer_learning_rate, hps.outer_momentum
  )


# The second version.
self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(
    learning_rate=0.000955,
    beta1=0.99,
    beta2=0.995,
    weight_decay=0.2424,
    sync_every=75,
    outer_learning_rate=0.3006,
    outer_momentum=0.7675,
    dropout_rate=0.0,
  ),
  batch_size=batch_sizes.BASELINE,
  eval_params=eval_params,
)
v1 = dataclasses.replace(
  self_tuning,
  tuning=tuning.SelfTuning(
    learning_rate=0.001,
    beta1=0.9,
    beta2=0.995,
    weight_decay=0.2,
    sync_every=50,
    outer_learning_rate=0.4,
    outer_momentum=0.75,
    dropout_rate=0.0,
  ),
)
