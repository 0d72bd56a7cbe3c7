# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The loop over time of LSTM layers, and its derivative.

Shapes: F frames, 2 directions, B utterances, H units, G = 4 H gates.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp


@jax.custom_jvp
def hidden_states(inputs: jax.Array, kernels: jax.Array) -> jax.Array:
  """Hidden states of standard LSTM cells that start from zero.

  c ← σ(f) c + σ(i) tanh(g); h ← σ(o) tanh(c), where (i, f, g, o) = input + h W.

  Args:
    inputs: what the gates get from outside, biases included, (F, 2, B, G).
    kernels: recurrent weights W, (2, H, G).

  Returns:
    (F, 2, B, H).
  """
  return _states(inputs, kernels)[0]


@hidden_states.defjvp
def _hidden_states_jvp(primals, tangents):
  """The derivative, with h ∂W of all frames in one product before the loop.

  Differentiated as it stands, the backward loop would add to the gradient of W
  at each frame, and devices that share a batch would exchange it as often. This
  way the loop yields the gradient of the gates, and one product that of W.
  """
  inputs, kernels = primals
  inputs_dot, kernels_dot = tangents
  h, c, gates = _states(inputs, kernels)
  i, f, g, o = _activations(gates)
  squashed = jnp.tanh(c)
  slopes = jnp.concatenate(
    [
      g * i * (1 - i),
      _previous(c) * f * (1 - f),
      i * (1 - jnp.square(g)),
      squashed * o * (1 - o),
    ],
    axis=-1,
  )
  slopes_h_by_c = o * (1 - jnp.square(squashed))
  inputs_dot += jnp.einsum('fsbh,shg->fsbg', _previous(h), kernels_dot)

  def step(carry, frame):
    c_dot, h_dot = carry
    inputs_dot, slopes, slope_h_by_c, f = frame
    gates_dot = inputs_dot + jnp.einsum('sbh,shg->sbg', h_dot, kernels)
    by_i, by_f, by_g, by_o = jnp.split(slopes * gates_dot, 4, axis=-1)
    c_dot = f * c_dot + by_i + by_f + by_g
    h_dot = slope_h_by_c * c_dot + by_o
    return (c_dot, h_dot), h_dot

  start = jnp.zeros_like(h[0])
  frames = inputs_dot, slopes, slopes_h_by_c, f
  return h, jax.lax.scan(step, (start, start), frames)[1]


def _states(inputs, kernels):
  """Hidden states h and c (F, 2, B, H), and gates (F, 2, B, G)."""

  def step(carry, inputs_2xBxG):
    c, h = carry
    gates = inputs_2xBxG + jnp.einsum('sbh,shg->sbg', h, kernels)
    i, f, g, o = _activations(gates)
    c = f * c + i * g
    h = o * jnp.tanh(c)
    return (c, h), (h, c, gates)

  start = jnp.zeros((*inputs.shape[1:3], kernels.shape[1]))
  return jax.lax.scan(step, (start, start), inputs)[1]


def _activations(gates):
  """What the gates (..., G) let through, four of (..., H)."""
  i, f, g, o = jnp.split(gates, 4, axis=-1)
  return nn.sigmoid(i), nn.sigmoid(f), jnp.tanh(g), nn.sigmoid(o)


def _previous(states):
  """The state before each frame; zero before the first."""
  return jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])
