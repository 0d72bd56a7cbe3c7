# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The sink contract: where metrics go besides the results folder.

A sink is a module of this package that has the functions of `Sink`; the config
key `sinks` names it, and its target.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Sequence
from typing import Protocol

from jaxperf import errors


class Sink(Protocol):
  """Writes what trials recorded in another form."""

  def check(self) -> None:
    """Makes sure that it can work.

    Raises:
      UserError: if a package is missing; names the extra that brings it.
    """

  def export(self, root: str | os.PathLike, target: str) -> int:
    """Writes all trials of a results folder; returns their number.

    Done again, it replaces what it wrote before. Trials may still be running.
    """


def names() -> list[str]:
  """Names of the sinks."""
  return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(texts: Sequence[str]) -> list[tuple[Sink, str]]:
  """Sinks that can work, each with its target.

  Args:
    texts: `NAME:TARGET`, such as `tensorboard:FOLDER`.

  Raises:
    UserError: if a text is not of that form, if there is no such sink, or if it
      cannot work.
  """
  found = []
  for text in texts:
    name, _, target = text.partition(':')
    if name not in names() or not target:
      raise errors.UserError(
        f'config.sinks has {text!r}, expected NAME:TARGET with one of the '
        f'names {", ".join(names())}'
      )
    sink = importlib.import_module(f'{__name__}.{name}')
    sink.check()
    found.append((sink, target))
  return found
