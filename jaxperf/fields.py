# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Checks what a file says against the fields of a dataclass."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

from jaxperf import errors

# Type of a field -> what to say of it, and whether a value is of it.
_ANY = ('anything', lambda value: True)
_TYPES = {
  'str': ('a text', lambda value: isinstance(value, str)),
  'bool': ('true or false', lambda value: isinstance(value, bool)),
  'int': ('a whole number', lambda value: type(value) is int),
  'float': ('a number', lambda value: type(value) in (int, float)),
  'tuple[float, float]': (
    'two numbers',
    lambda value: (
      isinstance(value, (list, tuple))
      and [type(x) in (int, float) for x in value] == [True, True]
    ),
  ),
}


def check(
  kind: type,
  values: Mapping[str, Any],
  positive: Collection[str] = (),
  where: str = '',
) -> None:
  """Refuses unknown and missing fields, and values of another type.

  Args:
    kind: a dataclass whose annotations are texts.
    values: by field.
    positive: fields that must be finite and more than 0.
    where: what the sentence begins with.

  Raises:
    ValueError: names the field, what it is, and what is expected.
  """
  known = {field.name: field for field in dataclasses.fields(kind)}
  for key in values:
    if key not in known:
      near = errors.nearest(key, known)
      raise ValueError(f'{where}unknown key {key!r}{near}')
  for key, field in known.items():
    if key not in values:
      if field.default is dataclasses.MISSING:
        raise ValueError(f'{where}{key} is missing')
      continue
    value = values[key]
    expected, fits = _TYPES.get(str(field.type).partition(' |')[0], _ANY)
    if not fits(value):
      raise ValueError(
        f'{where}{key} is {errors.shown(value)}, expected {expected}'
      )
    if key in positive and not 0 < value < math.inf:
      raise ValueError(
        f'{where}{key} is {errors.shown(value)}, expected more than 0'
      )
