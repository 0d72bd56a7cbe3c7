# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what a compiled program sends between devices from its text."""

from __future__ import annotations

import collections
import functools
import math
import re
from collections.abc import Callable, Iterator

COLLECTIVES = (
  'all-reduce',
  'all-gather',
  'reduce-scatter',
  'all-to-all',
  'collective-permute',
)
_HEADER = re.compile(r'^(ENTRY )?%?([\w.-]+) \(.*\{$')
_INSTRUCTION = re.compile(rf' = (.*?) ({"|".join(COLLECTIVES)})\(')
_CALLED = re.compile(
  r'(?:body|to_apply|calls|true_computation|false_computation)=%?([\w.-]+)'
)
_BRANCHES = re.compile(r'branch_computations=\{([^}]*)\}')
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_ARRAY = re.compile(r'\b(pred|[a-z]+(\d+)\w*)\[([\d,]*)\]')


def collective_bytes(text: str) -> dict[str, int]:
  """Bytes that collectives give each device in one run of a program.

  What is inside a loop counts as often as the loop runs, if XLA knows that.

  Args:
    text: of a compiled, partitioned program: `Compiled.as_text()`.

  Returns:
    Kind of collective -> bytes of its results; kinds without any are left out.
  """
  return _collectives(text, _size)


def collective_counts(text: str) -> dict[str, int]:
  """How many collectives of each kind run; see `collective_bytes`."""
  return _collectives(text, lambda shapes: 1)


def _collectives(text: str, weigh: Callable[[str], int]) -> dict[str, int]:
  """Sums over all runs of all collectives, of the shapes of their results."""
  entry, own, calls = '', {}, {}
  for name, is_entry, lines in _computations(text):
    own[name], calls[name] = collections.Counter(), []
    entry = name if is_entry else entry
    for line in lines:
      if found := _INSTRUCTION.search(line):
        own[name][found[2]] += weigh(found[1])
      calls[name] += _called(line)

  @functools.cache
  def total(name: str) -> collections.Counter:
    result = collections.Counter(own[name])
    for called, times in calls[name]:
      for kind, weight in total(called).items():
        result[kind] += weight * times
    return result

  return dict(total(entry))


def _computations(text: str) -> Iterator[tuple[str, bool, list[str]]]:
  """Name, whether it is the entry, and lines of each computation."""
  name, is_entry, lines = None, False, []
  for line in text.splitlines():
    if header := _HEADER.match(line):
      name, is_entry, lines = header[2], bool(header[1]), []
    elif line.startswith('}') and name:
      yield name, is_entry, lines
      name = None
    else:
      lines.append(line)


def _called(line: str) -> list[tuple[str, int]]:
  """Computations that an instruction runs, and how often."""
  names = _CALLED.findall(line)
  for branches in _BRANCHES.findall(line):
    names += [name.strip().lstrip('%') for name in branches.split(',')]
  trips = _TRIPS.search(line)
  return [(name, int(trips[1]) if trips else 1) for name in names]


def _size(shapes: str) -> int:
  """Bytes of an array or of a tuple of arrays."""
  return sum(
    math.prod(int(n) for n in dimensions.split(',') if n) * int(bits or 8) // 8
    for _, bits, dimensions in _ARRAY.findall(shapes)
  )
