# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What names and values hyperparameters can have: what JSON can say."""

from __future__ import annotations

import keyword
import math
import numbers
from collections.abc import Mapping
from typing import Any

_FORMS = ({'feasible_points'}, {'min', 'max'}, {'min', 'max', 'scaling'})


def point(values: Mapping[str, Any]) -> dict[str, Any]:
  """A tuning point as it is recorded, and as its trial gets it.

  Scalars and arrays of numpy and JAX become numbers and lists.

  >>> point({'learning_rate': 0.1, 'betas': (0.9, 0.99)})
  {'learning_rate': 0.1, 'betas': [0.9, 0.99]}

  Raises:
    ValueError: for a name or value that cannot be.
  """
  return {name(key): plain(key, value) for key, value in values.items()}


def name(text: Any) -> str:
  """A name, as submissions take it: `hps.NAME`.

  Raises:
    ValueError: if Python has no such names.
  """
  if (
    not isinstance(text, str)
    or not text.isidentifier()
    or keyword.iskeyword(text)
  ):
    raise ValueError(
      f'{shown(text)} cannot be the name of a hyperparameter, which '
      'submissions take as hps.NAME: expected letters, digits and _'
    )
  return text


def plain(key: str, value: Any) -> Any:
  """A value of numbers, texts, true, false, null and lists of these.

  Args:
    key: name of the hyperparameter.
    value: what it is given.

  Raises:
    ValueError: if it cannot be written as such.
  """
  if hasattr(value, 'tolist'):  # An array or a scalar of numpy or JAX.
    value = value.tolist()
  if isinstance(value, (list, tuple)):
    return [plain(key, part) for part in value]
  if isinstance(value, Mapping):
    if set(value) in _FORMS:
      raise ValueError(
        f'{key!r} is {shown(value)}, which is no value but one of several to '
        'choose from: that belongs in a search space'
      )
    return {name(part): plain(key, value[part]) for part in value}
  if isinstance(value, float) and math.isnan(value):
    raise ValueError(f'{key!r} is not a number (nan)')
  if value is None or isinstance(value, (bool, int, float, str)):
    return value
  raise ValueError(
    f'{key!r} is {shown(value)}, expected a number, a text, true or false, or '
    'a list of these, which can be recorded'
  )


def check_texts(values: Mapping[str, Any]) -> None:
  """Refuses numbers in quotes, which a submission would get as texts.

  Raises:
    ValueError: names the hyperparameter.
  """
  for key, value in values.items():
    for part in value if isinstance(value, (list, tuple)) else [value]:
      try:
        is_number = isinstance(part, str) and bool([float(part)])
      except ValueError:
        continue
      if is_number:
        raise ValueError(
          f'{key!r} has the text {part!r}: write {part} without quotes'
        )


def from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """A JSON object.

  Raises:
    ValueError: if a name is given twice, of which JSON would take the last.
  """
  names = [key for key, _ in pairs]
  for key in names:
    if names.count(key) > 1:
      raise ValueError(f'{key!r} is given {names.count(key)} times')
  return dict(pairs)


def is_number(value: Any) -> bool:
  """Whether a value is a finite number."""
  is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
  try:
    return is_real and math.isfinite(value)
  except OverflowError:  # An integer that is too large for a float.
    return False


def shown(value: Any) -> str:
  """A value in a sentence.

  >>> shown('cosine'), len(shown(list(range(100))))
  ("'cosine'", 43)
  """
  text = ' '.join(repr(value).split())
  return text if len(text) <= 40 else f'{text[:40]}...'
