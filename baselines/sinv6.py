# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Sinv6: a learned optimizer, whose weights the user supplies.

A self-tuning submission of the 2024 competition. A small recurrent network sees
the training loss and the time, and sets one learning rate; the rule below it is
Adam without corrections, scaled to each parameter's size.

The weights come from a Flax msgpack file, named by the environment variable
`JAXPERF_SINV6_WEIGHTS`.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import serialization

from baselines.parts import batch_sizes, leafwise
from jaxperf import submission, tuning

_VARIABLE = 'JAXPERF_SINV6_WEIGHTS'
_HIDDEN = 64
_SCALES = 10  # Of time, in the loss buffer.
_FEATURES = 18
_TIMES = (0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1)
_SHAPES = {
  ('lstm_init_state', 'hidden'): (1, _HIDDEN),
  ('lstm_init_state', 'cell'): (1, _HIDDEN),
  ('rnn_params', 'linear_1', 'w'): (_FEATURES, _HIDDEN),
  ('rnn_params', 'linear_1', 'b'): (_HIDDEN,),
  ('rnn_params', 'linear_2', 'w'): (_FEATURES, _HIDDEN),
  ('rnn_params', 'linear_2', 'b'): (_HIDDEN,),
  ('rnn_params', 'rnn/linear', 'w'): (2 * _HIDDEN, 4 * _HIDDEN),
  ('rnn_params', 'rnn/linear', 'b'): (4 * _HIDDEN,),
  ('rnn_params', 'step_size', 'w'): (_HIDDEN, 1),
  ('rnn_params', 'step_size', 'b'): (1,),
}


class LossBuffer(NamedTuple):
  """Number of losses, their averages over ten times, and the least of each."""

  count: jax.Array
  means: jax.Array
  minima: jax.Array


class Sinv6State(NamedTuple):
  """Loss buffer, recurrent state, averages of g and g^2."""

  losses: LossBuffer
  hidden: jax.Array
  cell: jax.Array
  m: optax.Updates
  v: optax.Updates


def sinv6(
  weights: Any, num_steps: float
) -> optax.GradientTransformationExtraArgs:
  r"""The learned optimizer; `update` needs `value`, the mean training loss.

  With the rate η of the network and g clipped to ±1000,

  .. math::
    m &\leftarrow 0.9 m + 0.1 g, \quad v \leftarrow 0.999 v + 0.001 g^2 \\
    \theta &\leftarrow \theta - \eta \frac{m}{10^{-8} + \sqrt{v + 10^{-10}}}
      \sqrt{\overline{\theta^2} + 10^{-9}}

  Args:
    weights: of the network, see `read_weights`.
    num_steps: steps that the network is told the training will take.
  """
  weights = jax.tree.map(jnp.asarray, weights)
  decays = np.exp(-1 / np.logspace(1, np.log10(num_steps), _SCALES))
  decays = decays.astype(np.float32)

  def init(params):
    start = weights['lstm_init_state']
    losses = LossBuffer(
      jnp.zeros([], jnp.int32),
      jnp.zeros(_SCALES),
      jnp.full(_SCALES, 999999999999.0),
    )
    return Sinv6State(
      losses=losses,
      hidden=jnp.copy(start['hidden']),
      cell=jnp.copy(start['cell']),
      m=optax.tree.zeros_like(params),
      v=optax.tree.zeros_like(params),
    )

  def update(updates, state, params, *, value, **extra_args):
    del extra_args
    time = state.losses.count / int(num_steps)
    losses = _add_loss(state.losses, value, decays)
    features = jnp.concatenate(
      [
        jnp.tanh(10 * (time - np.asarray(_TIMES))),
        _loss_features(losses, decays),
      ]
    )
    rate, hidden, cell = _controller(
      weights['rnn_params'], features[None], state.hidden, state.cell
    )

    def leaf(g, p, m, v):
      g = jnp.clip(g, -1000, 1000)
      m = 0.9 * m + 0.1 * g
      v = 0.999 * v + 0.001 * jnp.square(g)
      size = jnp.sqrt(jnp.mean(jnp.square(p)) + 1e-9)
      return -rate * m / (1e-8 + jnp.sqrt(v + 1e-10)) * size, m, v

    step, m, v = leafwise.map_leaves(leaf, updates, params, state.m, state.v)
    return step, Sinv6State(losses, hidden, cell, m, v)

  return optax.GradientTransformationExtraArgs(init, update)


def _add_loss(losses, loss, decays):
  """The buffer after one more loss, capped at twice the largest average."""
  count = losses.count + 1
  correction = 1 - decays**count
  cap = jnp.max(losses.means / correction)
  cap = jnp.where(losses.count == 0, loss, cap)
  loss = jnp.minimum(2 * jnp.abs(cap), loss)
  means = losses.means * decays + loss * (1 - decays)
  minima = jnp.minimum(losses.minima, means / correction)
  return LossBuffer(count, means, minima)


def _loss_features(losses, decays):
  """Each average against the next slower one, both above the least; (9,)."""
  means = losses.means / (1 - decays**losses.count)
  least = losses.minima[:-1]
  ratio = (means[:-1] - least) / jnp.maximum(1e-8, means[1:] - least)
  return jnp.where(losses.count <= 2, 0.0, jnp.clip(ratio - 1, -1, 1))


def _controller(weights, features, hidden, cell):
  """One step of the network: the rate, and its next state."""

  def linear(name, x):
    return x @ weights[name]['w'] + weights[name]['b']

  # All parameters would see the same features, so one row stands for all, and
  # the maximum over rows is that row.
  z = linear('linear_2', features) + jax.nn.relu(linear('linear_1', features))
  gates = linear('rnn/linear', jnp.concatenate([z, hidden], -1))
  i, g, f, o = jnp.split(gates, 4, -1)
  cell = jax.nn.sigmoid(f + 1) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
  hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
  size = jnp.clip(linear('step_size', hidden), 1e-5, 1000)
  return 0.001 * size[0, 0], hidden, cell


def read_weights(path: str | pathlib.Path) -> Any:
  """The network's weights from a Flax msgpack file.

  Raises:
    ValueError: if a weight is missing or has another shape.
  """
  weights = serialization.msgpack_restore(pathlib.Path(path).read_bytes())
  for keys, shape in _SHAPES.items():
    node = weights
    for key in keys:
      node = node.get(key) if isinstance(node, dict) else None
    found = None if node is None else np.shape(node)
    if found != shape:
      raise ValueError(
        f'{path}: {keys} has shape {found}, expected {shape}; the file must '
        'hold the trained Sinv6 network as a Flax msgpack dictionary'
      )
  return weights


def random_weights(seed: int) -> dict:
  """Untrained weights, for tests of the mechanics only."""
  rng = np.random.default_rng(seed)
  weights: dict = {}
  for keys, shape in _SHAPES.items():
    node = weights
    for key in keys[:-1]:
      node = node.setdefault(key, {})
    node[keys[-1]] = 0.1 * rng.standard_normal(shape).astype(np.float32)
  return weights


def _optimizer(hps, run):
  path = os.environ.get(_VARIABLE)
  if not path:
    raise ValueError(
      f'sinv6 needs its trained weights, which do not come with jaxperf: set '
      f'{_VARIABLE} to the path of their Flax msgpack file'
    )
  return sinv6(read_weights(path), hps.horizon_factor * run.step_hint)


self_tuning = submission.Submission(
  optimizer=_optimizer,
  tuning=tuning.SelfTuning(horizon_factor=1.0),
  batch_size=batch_sizes.PLAIN,
)
three_quarters = dataclasses.replace(
  self_tuning, tuning=tuning.SelfTuning(horizon_factor=0.75)
)
