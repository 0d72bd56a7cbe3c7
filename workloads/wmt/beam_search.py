# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Beam search with a length penalty, for any model that decodes step by step.

Shapes: B sentences, K beams, V vocabulary, T length of the sequences.

References:
  Wu et al., Google's neural machine translation system, 2016, section 7.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

_LOWEST = -1e7  # Score of a slot without a finished sequence.


class Beams(NamedTuple):
  """Hypotheses of each sentence, best last.

  Attributes:
    sequences: (B, K, T) int32; starts with the start symbol 0, is zero after
      the end symbol.
    scores: (B, K) float32; near -1e7 in a slot without a finished sequence.
    has_ended: (B, K), whether the sequence has its end symbol.
  """

  sequences: jax.Array
  scores: jax.Array
  has_ended: jax.Array


class _State(NamedTuple):
  index: jax.Array  # Position of the last token of the live sequences.
  live: Beams
  finished: Beams
  cache: Any


def beam_search(
  step: Callable[[jax.Array, Any, jax.Array], tuple[jax.Array, Any]],
  cache: Any,
  *,
  shape: tuple[int, int, int],
  end_id: int = 2,
  alpha: float = 0.6,
) -> Beams:
  """The K best sequences of each sentence by log p / penalty.

  penalty(n) = ((5 + n) / 6)^alpha for a sequence of n tokens. The search ends
  when no live sequence of any sentence can still beat its finished ones.

  Args:
    step: `(tokens (B, K), cache, index) -> logits (B, K, V), cache`: what
      follows `tokens`, which stand at position `index`.
    cache: initial tree of arrays (B, K, ...) that follow their beams.
    shape: (B, K, T).
    end_id: token that finishes a sequence.
    alpha: exponent of the penalty; larger favours longer sequences.

  Returns:
    The finished sequences, or the live ones of a sentence that has none.
  """
  batch, beams, length = shape
  empty = Beams(
    jnp.zeros(shape, jnp.int32),
    jnp.full((batch, beams), _LOWEST),
    jnp.zeros((batch, beams), bool),
  )
  state = _State(
    index=jnp.zeros((), jnp.int32),
    live=empty._replace(scores=empty.scores.at[:, 0].set(0.0)),
    finished=empty,
    cache=cache,
  )

  def is_running(state):
    best_possible = state.live.scores[:, -1:] / _penalty(length, alpha)
    worst = state.finished.scores.min(axis=1, keepdims=True)
    worst = jnp.where(state.finished.has_ended, worst, _LOWEST)
    return (state.index < length - 1) & ~jnp.all(worst > best_possible)

  state = jax.lax.while_loop(
    is_running, lambda state: _advance(step, state, end_id, alpha), state
  )
  return _finished_or_live(state.finished, state.live)


def _finished_or_live(finished: Beams, live: Beams) -> Beams:
  """For each sentence its finished sequences, or the live ones if none is."""
  any_ended = finished.has_ended.any(axis=1)
  return jax.vmap(
    lambda choice, *trees: jax.tree.map(
      lambda done, going: jnp.where(choice, done, going), *trees
    )
  )(any_ended, finished, live)


def _advance(step, state: _State, end_id: int, alpha: float) -> _State:
  """Appends one token to every live sequence."""
  beams = state.live.scores.shape[1]
  tokens = jax.lax.dynamic_index_in_dim(
    state.live.sequences, state.index, 2, keepdims=False
  )
  logits, cache = step(tokens, state.cache, state.index)
  scores, source, token = _extensions(logits, state.live.scores, 2 * beams)
  sequences = jax.lax.dynamic_update_index_in_dim(
    _take(state.live.sequences, source), token, state.index + 1, 2
  )
  ended = token == end_id
  live = Beams(sequences, scores + _LOWEST * ended, ended)
  final_scores = scores / _penalty(state.index + 1, alpha)
  new = Beams(sequences, final_scores + _LOWEST * ~ended, ended)
  pool = jax.tree.map(
    lambda *x: jnp.concatenate(x, axis=1), state.finished, new
  )
  kept = _best(live.scores, beams)
  return _State(
    index=state.index + 1,
    live=_take(live, kept),
    finished=_take(pool, _best(pool.scores, beams)),
    cache=_take(cache, _take(source, kept)),
  )


def _extensions(logits, scores, count):
  """The best one-token extensions: scores, beams and tokens (B, count)."""
  batch, _, vocab = logits.shape
  candidates = jax.nn.log_softmax(logits) + scores[..., None]
  scores, flat = jax.lax.top_k(candidates.reshape(batch, -1), count)
  return scores, flat // vocab, flat % vocab


def _best(scores, count):
  """Indices (B, count) of the largest scores, the largest last."""
  return jnp.flip(jax.lax.top_k(scores, count)[1], axis=1)


def _take(tree, indices):
  """Reorders the beams: axis 1 of arrays (B, K, ...) by indices (B, J)."""
  return jax.tree.map(lambda x: jax.vmap(lambda a, i: a[i])(x, indices), tree)


def _penalty(length, alpha):
  return ((5.0 + length) / 6.0) ** alpha
