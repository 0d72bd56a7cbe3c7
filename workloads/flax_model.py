# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""From a linen module to the two functions that the contract asks for."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp


def functions(
  module: nn.Module, shape: tuple[int, ...], dropout: float | None
) -> tuple[Callable, Callable]:
  """The contract's `init` and `apply` of a module that maps `inputs`.

  The module is called as `module(inputs, train=...)`, with `dropout_rate=...`
  where it has dropout. Running statistics are the collection `batch_stats`.

  Args:
    module: of the model.
    shape: of inputs to initialise it with; any size of batch.
    dropout: default rate; None if the module has no dropout.
  """

  def init(key):
    if dropout is not None:  # The benchmark sets a key for dropout aside.
      key, _ = jax.random.split(key)
    variables = module.init(key, jnp.ones(shape), train=False)
    return variables.pop('params'), variables

  def apply(
    params,
    model_state,
    batch,
    key,
    *,
    train,
    update_stats=True,
    dropout_rate=None,
  ):
    options = {}
    if dropout is not None:
      options['dropout_rate'] = (
        dropout if dropout_rate is None else dropout_rate
      )
    outputs, new_state = module.apply(
      {'params': params, **model_state},
      batch['inputs'],
      train=train,
      rngs={'dropout': key} if train and dropout is not None else None,
      mutable=['batch_stats'],
      **options,
    )
    return outputs, new_state if train and update_stats else model_state

  return init, apply
