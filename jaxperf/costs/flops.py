# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Floating-point operations of a traced function.

XLA's own count takes the body of a loop once, however often it runs, so that
recurrent networks and microbatches would look cheap. This one follows loops.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from jax.extend import core


def count(jaxpr: core.Jaxpr) -> int:
  """Operations of all matrix products and convolutions, over all devices.

  A multiplication and an addition are two. Nothing else is counted, elementwise
  work and matrix decompositions included. A `while` loop whose length is
  unknown counts once, of the branches of a condition the largest.
  """
  total = 0
  for equation in jaxpr.eqns:
    name, parameters = equation.primitive.name, equation.params
    if name == 'dot_general':
      total += _matrix_product(equation)
    elif name == 'conv_general_dilated':
      total += _convolution(equation)
    elif name == 'cond':
      total += max(count(branch.jaxpr) for branch in parameters['branches'])
    else:
      inner = sum(count(x) for x in _inner(list(parameters.values())))
      total += inner * _times(name, parameters)
  return total


def _times(name: str, parameters: dict[str, Any]) -> int:
  """How often the functions inside an equation run."""
  if name == 'scan':
    return parameters['length']
  return parameters['mesh'].size if name == 'shard_map' else 1


def _inner(values: list[Any]) -> list[core.Jaxpr]:
  """The functions among the parameters of an equation."""
  found = []
  for value in values:
    if isinstance(value, core.ClosedJaxpr):
      found.append(value.jaxpr)
    elif isinstance(value, core.Jaxpr):
      found.append(value)
    elif isinstance(value, (tuple, list)):
      found += _inner(list(value))
  return found


def _matrix_product(equation: core.JaxprEqn) -> int:
  """Two for each pair of numbers that meet."""
  (contracted, _), _ = equation.params['dimension_numbers']
  shape = equation.invars[0].aval.shape
  return (
    2
    * equation.outvars[0].aval.size
    * math.prod(shape[axis] for axis in contracted)
  )


def _convolution(equation: core.JaxprEqn) -> int:
  """Two for each pair of numbers that meet; padding meets nothing."""
  inputs, kernel = (x.aval.shape for x in equation.invars)
  outputs = equation.outvars[0].aval.shape
  parameters = equation.params
  numbers = parameters['dimension_numbers']
  pairs = outputs[numbers.out_spec[0]] * outputs[numbers.out_spec[1]]
  pairs *= kernel[numbers.rhs_spec[1]]
  for i, axis in enumerate(numbers.lhs_spec[2:]):
    position = (
      np.arange(outputs[numbers.out_spec[2 + i]])[:, None]
      * parameters['window_strides'][i]
      + np.arange(kernel[numbers.rhs_spec[2 + i]])
      * parameters['rhs_dilation'][i]
      - parameters['padding'][i][0]
    )
    dilation = parameters['lhs_dilation'][i]
    inside = (position >= 0) & (position <= (inputs[axis] - 1) * dilation)
    pairs *= int(np.sum(inside & (position % dilation == 0)))
  return 2 * pairs


def of_function(function, *arguments) -> int:
  """`count` of a function, traced for arguments that may be abstract."""
  return count(jax.make_jaxpr(function)(*arguments).jaxpr)
