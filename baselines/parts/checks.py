# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Allowed ranges of hyperparameters, checked before anything is compiled."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

_Range = tuple[str, Callable[[float], bool]]
_NON_NEGATIVE: _Range = ('[0, inf)', lambda x: 0 <= x < float('inf'))
_POSITIVE: _Range = ('(0, inf)', lambda x: 0 < x < float('inf'))
_BELOW_ONE: _Range = ('[0, 1)', lambda x: 0 <= x < 1)
_INSIDE: _Range = ('(0, 1)', lambda x: 0 < x < 1)
_ABOVE_ZERO: _Range = ('(0, 1]', lambda x: 0 < x <= 1)
_COUNT: _Range = ('1, 2, 3, ...', lambda x: x >= 1 and x == int(x))

_RANGES: dict[str, _Range] = {
  **dict.fromkeys(
    (
      'learning_rate',
      'outer_learning_rate',
      'weight_decay',
      'eps',
      'alpha',
      'l2',
      'end_factor',
    ),
    _NON_NEGATIVE,
  ),
  **dict.fromkeys(
    ('power', 'rho', 'd0', 'grad_clip', 'multiplier', 'xi', 'converge'),
    _POSITIVE,
  ),
  **dict.fromkeys(
    (
      'b1',
      'b2',
      'b3',
      'beta1',
      'beta2',
      'beta3',
      'momentum',
      'outer_momentum',
      'decay',
      'label_smoothing',
      'dropout_rate',
      'aux_dropout_rate',
      'warmup_factor',
    ),
    _BELOW_ONE,
  ),
  'interpolation': _INSIDE,
  **dict.fromkeys(
    ('one_minus_beta1', 'one_minus_beta2', 'one_minus_momentum'), _ABOVE_ZERO
  ),
  **dict.fromkeys(('decay_steps_factor', 'horizon_factor'), _ABOVE_ZERO),
  **dict.fromkeys(
    (
      'block_size',
      'precondition_every',
      'sync_every',
      'cycles',
      'queue_length',
      'snapshot_every',
    ),
    _COUNT,
  ),
}


def validate(**fields: Any) -> None:
  """Checks fields by name; schedules, None, text and tracers pass.

  Raises:
    ValueError: naming the field and its allowed range.

  >>> validate(learning_rate=-1e-3)
  Traceback (most recent call last):
  ValueError: learning_rate is -0.001, allowed is [0, inf)
  """
  for name, value in fields.items():
    if name not in _RANGES or not isinstance(value, numbers.Real):
      continue
    text, allowed = _RANGES[name]
    if not allowed(value):
      raise ValueError(f'{name} is {value}, allowed is {text}')
