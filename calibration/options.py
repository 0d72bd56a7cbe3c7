# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Options that the scripts share. They run from the root of a clone."""

from __future__ import annotations

import argparse
import math
import pathlib
from collections.abc import Sequence

from jaxperf import errors


def parser(doc: str, table: pathlib.Path) -> argparse.ArgumentParser:
  """A parser that knows `--table`.

  Args:
    doc: of the script; its first line is the description.
    table: of recorded runs, where none is given.
  """
  made = argparse.ArgumentParser(description=doc.split('\n')[0])
  made.add_argument(
    '--table',
    type=pathlib.Path,
    default=table,
    metavar='PATH',
    help='recorded runs, by default those of this clone',
  )
  return made


def add_figure(made: argparse.ArgumentParser, figure: str, when='') -> None:
  """Adds `--figure`.

  Args:
    made: the parser.
    figure: path below the current folder, where none is given.
    when: the default is drawn, if not always.
  """
  made.add_argument(
    '--figure',
    type=pathlib.Path,
    default=None if when else pathlib.Path(figure),
    metavar='PATH',
    help=f'what to draw, by default {figure}{when}',
  )


def add_minutes(made: argparse.ArgumentParser) -> None:
  """Adds `--minutes`."""
  made.add_argument(
    '--minutes',
    type=float,
    default=math.inf,
    help='start no run after this time; 0 trains nothing',
  )


def add_names(
  made: argparse.ArgumentParser, option: str, known: Sequence[str]
) -> None:
  """Adds an option that takes names with commas between, by default all."""

  def names(text: str) -> list[str]:
    given = [name for name in text.split(',') if name]
    for name in given:
      if name not in known:
        near = errors.nearest(name, known)
        raise argparse.ArgumentTypeError(f'{name!r} not found{near}')
    return given or list(known)

  made.add_argument(option, type=names, default=list(known), metavar='A,B')
