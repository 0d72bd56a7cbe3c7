# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception for mistakes that a user can mend."""

import difflib
import pathlib
import re
import traceback
from collections.abc import Iterable
from typing import Any

_TRACEBACK = 'Traceback (most recent call last):'
# Folders of the AlgoPerf repository that its submissions import from.
_BENCHMARK = ('algorithms', 'algoperf', 'algorithmic_efficiency', 'submissions')


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


def shown(value: Any) -> str:
  """A value in a sentence: one line, and not a long one.

  >>> shown('cosine'), len(shown(list(range(100))))
  ("'cosine'", 43)
  """
  text = ' '.join(repr(value).split())
  return text if len(text) <= 40 else f'{text[:40]}...'


def first_line(error: BaseException) -> str:
  """An exception's kind and the first line of its message.

  Of what was raised in a host callback, which comes as the text of its
  traceback, that is what was raised there, and where.

  >>> first_line(ValueError('too large\\nby far'))
  'ValueError: too large'
  """
  message = f'{type(error).__name__}: {error}'
  _, callback, traced = message.partition(_TRACEBACK)
  if callback:
    places = re.findall(r'  File "(.*)", line (\d+)', traced)
    raised = re.findall(r'^\S.*', traced, flags=re.MULTILINE)
    if places and raised:
      file, line = places[-1]
      message = f'{raised[0]} (in a callback, {file}, line {line})'
  return message.split('\n')[0][:500]


def in_code(error: BaseException, folder: pathlib.Path) -> str:
  """What a user's code raised, in one line with its file and line.

  Args:
    error: as it was caught.
    folder: of the user's files; the last of their lines that was active is
      named.
  """
  if isinstance(error, SyntaxError) and error.filename:
    return (
      f'{error.filename}, line {error.lineno} is not valid Python: {error.msg}'
    )
  place = ''
  for frame in traceback.extract_tb(error.__traceback__):
    path = pathlib.Path(frame.filename)
    if path.is_absolute() and path.parent.is_relative_to(folder.resolve()):
      place = f'{frame.filename}, line {frame.lineno}'
  if isinstance(error, ModuleNotFoundError) and error.name:
    top = error.name.partition('.')[0]
    if top in _BENCHMARK:
      return (
        f'{place} imports {error.name}, a module of the AlgoPerf repository '
        'that does not come with jaxperf: put its file beside this one'
      )
    return (
      f'{place} imports {error.name}, which is not installed: pip install '
      f'{top}, or put it beside the file'
    )
  return f'{place}: {first_line(error)}' if place else first_line(error)
