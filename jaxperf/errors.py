# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception for mistakes that a user can mend."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
  """Misuse or bad input; the command line prints it and exits with code 2.

  The message is one clear sentence: what was given, what was expected, what
  to do.
  """


def nearest(name: str, known: Iterable[str]) -> str:
  """`': did you mean X?'` for the most similar known name, or nothing.

  >>> nearest('ogb', ['wmt', 'ogbg'])
  ": did you mean 'ogbg'?"
  """
  near = difflib.get_close_matches(name, list(known), 1, cutoff=0.5)
  return f': did you mean {near[0]!r}?' if near else '.'


def first_line(error: BaseException) -> str:
  """An exception's kind and the first line of its message.

  >>> first_line(ValueError('too large\\nby far'))
  'ValueError: too large'
  """
  return f'{type(error).__name__}: {error}'.split('\n')[0][:500]
